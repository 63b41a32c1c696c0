//! The page of the disks.

use sampled_client::{Catalog, Object};

use crate::{Hue, Section, Translate};

/// The selectors of the page.
pub(crate) const SELECTORS: &[&str] = &[
    "disk/*/read",
    "disk/*/write",
    "disk/*/busy",
    "disk/*/readAwait",
    "disk/*/writeAwait",
    "disk/*/readOperations",
    "disk/*/writeOperations",
    "disk/*/inFlight",
    "pressure/io/some",
    "pressure/io/full",
];

/// With more disks than this, each has small graphs.
const FEW: usize = 4;

/// The content of the page.
pub(crate) fn layout(catalog: &Catalog, translate: Translate) -> Vec<Section> {
    let disks = catalog.objects("disk", "busy");
    let mut all = Section::new(translate("All Disks"));
    throughput(catalog, translate, &mut all, "disk/all");
    let lines = [
        ("pressure/io/some", translate("Some tasks"), Hue::Yellow),
        ("pressure/io/full", translate("All tasks"), Hue::Red),
    ];
    all.graph(catalog, translate("Tasks that wait for a disk"), &lines);
    let are_few = disks.len() <= FEW;
    let each = disks.iter().map(|disk| {
        let mut section = section(catalog, translate, disk);
        if !are_few {
            section.make_small();
        }
        section
    });
    std::iter::once(all).chain(each).collect()
}

fn throughput(catalog: &Catalog, translate: Translate, section: &mut Section, object: &str) {
    let (read, write) = (format!("{object}/read"), format!("{object}/write"));
    let lines = [
        (read.as_str(), translate("Read"), Hue::Brown),
        (write.as_str(), translate("Written"), Hue::Orange),
    ];
    section.graph(catalog, translate("Throughput"), &lines);
}

fn section(catalog: &Catalog, translate: Translate, disk: &Object) -> Section {
    let mut section = Section::new(disk.title.clone());
    throughput(catalog, translate, &mut section, &disk.id);
    section.graph_of(
        catalog,
        translate("Busy"),
        &disk.property("busy"),
        Hue::Brown,
    );
    let (read, write) = (disk.property("readAwait"), disk.property("writeAwait"));
    let lines = [
        (read.as_str(), translate("Reads"), Hue::Brown),
        (write.as_str(), translate("Writes"), Hue::Orange),
    ];
    section.graph(catalog, translate("Latency"), &lines);
    let (read, write) = (
        disk.property("readOperations"),
        disk.property("writeOperations"),
    );
    let lines = [
        (read.as_str(), translate("Reads"), Hue::Brown),
        (write.as_str(), translate("Writes"), Hue::Orange),
    ];
    section.graph(catalog, translate("Operations"), &lines);
    section
}
