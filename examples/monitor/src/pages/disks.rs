//! The page of the disks.

use sampled_client::{Catalog, Object};

use super::{
    Entry,
    charts::{Charts, Empty},
    layout::{Section, sections},
};
use crate::{chart::Hue, i18n::gettext};

/// The selectors of the page.
const SELECTORS: &[&str] = &[
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

/// The page.
pub(super) fn entry() -> Entry {
    Entry::charts("disks", gettext("Disks"), "drive-harddisk-symbolic", || {
        Charts {
            selectors: SELECTORS,
            layout,
            empty: Empty {
                title: gettext("No Disks"),
                description: gettext("This machine has no disk, or the service may not see it."),
            },
        }
    })
}

fn layout(catalog: &Catalog) -> Vec<Section> {
    let disks = catalog.objects("disk", "busy");
    let mut all = Section::new(gettext("All Disks"));
    throughput(catalog, &mut all, "disk/all");
    let lines = [
        ("pressure/io/some", gettext("Some tasks"), Hue::Yellow),
        ("pressure/io/full", gettext("All tasks"), Hue::Red),
    ];
    all.graph(catalog, gettext("Tasks that wait for a disk"), &lines);
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
        (read.as_str(), gettext("Read"), Hue::Brown),
        (write.as_str(), gettext("Written"), Hue::Orange),
    ];
    section.graph(catalog, gettext("Throughput"), &lines);
}

fn section(catalog: &Catalog, disk: &Object) -> Section {
    let mut section = Section::new(disk.title.clone());
    throughput(catalog, &mut section, &disk.id);
    section.graph_of(catalog, gettext("Busy"), &disk.property("busy"), Hue::Brown);
    let (read, write) = (disk.property("readAwait"), disk.property("writeAwait"));
    let lines = [
        (read.as_str(), gettext("Reads"), Hue::Brown),
        (write.as_str(), gettext("Writes"), Hue::Orange),
    ];
    section.graph(catalog, gettext("Latency"), &lines);
    let (read, write) = (
        disk.property("readOperations"),
        disk.property("writeOperations"),
    );
    let lines = [
        (read.as_str(), gettext("Reads"), Hue::Brown),
        (write.as_str(), gettext("Writes"), Hue::Orange),
    ];
    section.graph(catalog, gettext("Operations"), &lines);
    section
}
