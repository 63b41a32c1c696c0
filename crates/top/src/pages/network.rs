//! The page of the network.

use sampled_client::{Catalog, Object};

use crate::model::sections::{Hue, Section, sections};

/// The selectors of the page.
pub(super) const SELECTORS: &[&str] = &["network"];

/// The content of the page.
pub(super) fn layout(catalog: &Catalog) -> Vec<Section> {
    let all = catalog.objects("network", "download").into_iter();
    let (sum, each): (Vec<Object>, Vec<Object>) = all.partition(Object::is_sum);
    let is_virtual = |object: &Object| {
        let metadata = catalog.metadata(&object.property("download"));
        metadata.is_some_and(|metadata| metadata.is_virtual)
    };
    let (virtual_ones, real): (Vec<Object>, Vec<Object>) = each.into_iter().partition(is_virtual);
    let sum = sum.into_iter().filter(|_| real.len() > 1).map(|object| {
        let mut section = Section::new("All Interfaces");
        traffic(catalog, &mut section, &object);
        section
    });
    let real = real.iter().map(|object| interface(catalog, object));
    let virtual_ones = virtual_ones.iter().map(|object| {
        let mut section = Section::new(object.title.clone());
        traffic(catalog, &mut section, object);
        addresses(catalog, &mut section, object);
        section.make_small();
        section
    });
    sections(sum.chain(real.clone()).chain(virtual_ones))
}

fn interface(catalog: &Catalog, object: &Object) -> Section {
    let mut section = Section::new(object.title.clone());
    traffic(catalog, &mut section, object);
    let (download, upload) = (
        object.property("downloadPackets"),
        object.property("uploadPackets"),
    );
    let lines = [
        (download.as_str(), "Received", Hue::Green),
        (upload.as_str(), "Sent", Hue::Orange),
    ];
    section.graph(catalog, "Packets", &lines);
    let errors = (
        object.property("downloadErrors"),
        object.property("uploadErrors"),
    );
    let drops = (
        object.property("downloadDrops"),
        object.property("uploadDrops"),
    );
    let lines = [
        (errors.0.as_str(), "Receive errors", Hue::Red),
        (errors.1.as_str(), "Send errors", Hue::Purple),
        (drops.0.as_str(), "Received and dropped", Hue::Yellow),
        (drops.1.as_str(), "Not sent", Hue::Brown),
    ];
    section.graph(catalog, "Errors", &lines);
    section.graph_of(catalog, "Signal", &object.property("signal"), Hue::Blue);
    addresses(catalog, &mut section, object);
    section
}

fn traffic(catalog: &Catalog, section: &mut Section, object: &Object) {
    let (download, upload) = (object.property("download"), object.property("upload"));
    let lines = [
        (download.as_str(), "Received", Hue::Green),
        (upload.as_str(), "Sent", Hue::Orange),
    ];
    section.graph(catalog, "Traffic", &lines);
}

fn addresses(catalog: &Catalog, section: &mut Section, object: &Object) {
    for (name, property) in [
        ("State", "state"),
        ("Network name", "network"),
        ("IPv4 address", "ipv4withPrefixLength"),
        ("IPv6 address", "ipv6withPrefixLength"),
        ("Gateway", "ipv4gateway"),
        ("Name servers", "ipv4dns"),
        ("Link speed", "speed"),
        ("Received in total", "totalDownload"),
        ("Sent in total", "totalUpload"),
    ] {
        section.fact(catalog, name, &object.property(property));
    }
}
