//! The page of the network.

use sampled_client::{Catalog, Object};

use crate::{Hue, Section, Translate};

/// The selectors of the page.
pub(crate) const SELECTORS: &[&str] = &["network"];

/// The content of the page.
pub(crate) fn layout(catalog: &Catalog, translate: Translate) -> Vec<Section> {
    let all = catalog.objects("network", "download").into_iter();
    let (sum, each): (Vec<Object>, Vec<Object>) = all.partition(Object::is_sum);
    let is_virtual = |object: &Object| {
        let metadata = catalog.metadata(&object.property("download"));
        metadata.is_some_and(|metadata| metadata.is_virtual)
    };
    let (virtual_ones, real): (Vec<Object>, Vec<Object>) = each.into_iter().partition(is_virtual);
    let sum = sum.into_iter().filter(|_| real.len() > 1).map(|object| {
        let mut section = Section::new(translate("All Interfaces"));
        traffic(catalog, translate, &mut section, &object);
        section
    });
    let real = real
        .iter()
        .map(|object| interface(catalog, translate, object));
    let virtual_ones = virtual_ones.iter().map(|object| {
        let mut section = Section::new(object.title.clone());
        traffic(catalog, translate, &mut section, object);
        addresses(catalog, translate, &mut section, object);
        section.make_small();
        section
    });
    sum.chain(real).chain(virtual_ones).collect()
}

fn interface(catalog: &Catalog, translate: Translate, object: &Object) -> Section {
    let mut section = Section::new(object.title.clone());
    traffic(catalog, translate, &mut section, object);
    let (download, upload) = (
        object.property("downloadPackets"),
        object.property("uploadPackets"),
    );
    let lines = [
        (download.as_str(), translate("Received"), Hue::Green),
        (upload.as_str(), translate("Sent"), Hue::Orange),
    ];
    section.graph(catalog, translate("Packets"), &lines);
    let errors = (
        object.property("downloadErrors"),
        object.property("uploadErrors"),
    );
    let drops = (
        object.property("downloadDrops"),
        object.property("uploadDrops"),
    );
    let lines = [
        (errors.0.as_str(), translate("Receive errors"), Hue::Red),
        (errors.1.as_str(), translate("Send errors"), Hue::Purple),
        (
            drops.0.as_str(),
            translate("Received and dropped"),
            Hue::Yellow,
        ),
        (drops.1.as_str(), translate("Not sent"), Hue::Brown),
    ];
    section.graph(catalog, translate("Errors"), &lines);
    section.graph_of(
        catalog,
        translate("Signal"),
        &object.property("signal"),
        Hue::Blue,
    );
    addresses(catalog, translate, &mut section, object);
    section
}

fn traffic(catalog: &Catalog, translate: Translate, section: &mut Section, object: &Object) {
    let (download, upload) = (object.property("download"), object.property("upload"));
    let lines = [
        (download.as_str(), translate("Received"), Hue::Green),
        (upload.as_str(), translate("Sent"), Hue::Orange),
    ];
    section.graph(catalog, translate("Traffic"), &lines);
}

fn addresses(catalog: &Catalog, translate: Translate, section: &mut Section, object: &Object) {
    for (name, property) in [
        (translate("State"), "state"),
        (translate("Network name"), "network"),
        (translate("IPv4 address"), "ipv4withPrefixLength"),
        (translate("IPv6 address"), "ipv6withPrefixLength"),
        (translate("Gateway"), "ipv4gateway"),
        (translate("Name servers"), "ipv4dns"),
        (translate("Link speed"), "speed"),
        (translate("Received in total"), "totalDownload"),
        (translate("Sent in total"), "totalUpload"),
    ] {
        section.fact(catalog, name, &object.property(property));
    }
}
