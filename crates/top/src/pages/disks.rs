//! The page of the disks.

use sampled_client::{Catalog, Object};

use crate::model::sections::{Hue, Section, sections};

/// The selectors of the page.
pub(super) const SELECTORS: &[&str] = &[
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
pub(super) fn layout(catalog: &Catalog) -> Vec<Section> {
    let disks = catalog.objects("disk", "busy");
    let mut all = Section::new("All Disks");
    throughput(catalog, &mut all, "disk/all");
    let lines = [
        ("pressure/io/some", "Some tasks", Hue::Yellow),
        ("pressure/io/full", "All tasks", Hue::Red),
    ];
    all.graph(catalog, "Tasks that wait for a disk", &lines);
    let are_few = disks.len() <= FEW;
    let each = disks.iter().map(|disk| {
        let mut section = section(catalog, disk);
        if !are_few {
            section.make_small();
        }
        section
    });
    sections(std::iter::once(all).chain(each))
}

fn throughput(catalog: &Catalog, section: &mut Section, object: &str) {
    let (read, write) = (format!("{object}/read"), format!("{object}/write"));
    let lines = [
        (read.as_str(), "Read", Hue::Brown),
        (write.as_str(), "Written", Hue::Orange),
    ];
    section.graph(catalog, "Throughput", &lines);
}

fn section(catalog: &Catalog, disk: &Object) -> Section {
    let mut section = Section::new(disk.title.clone());
    throughput(catalog, &mut section, &disk.id);
    section.graph_of(catalog, "Busy", &disk.property("busy"), Hue::Brown);
    let (read, write) = (disk.property("readAwait"), disk.property("writeAwait"));
    let lines = [
        (read.as_str(), "Reads", Hue::Brown),
        (write.as_str(), "Writes", Hue::Orange),
    ];
    section.graph(catalog, "Latency", &lines);
    let (read, write) = (
        disk.property("readOperations"),
        disk.property("writeOperations"),
    );
    let lines = [
        (read.as_str(), "Reads", Hue::Brown),
        (write.as_str(), "Writes", Hue::Orange),
    ];
    section.graph(catalog, "Operations", &lines);
    section
}
