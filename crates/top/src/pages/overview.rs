//! The page that shows the whole machine.

use sampled_client::Catalog;

use super::memory::has_swap;
use crate::model::sections::{Hue, Section, sections};

/// The selectors of the page.
pub(super) const SELECTORS: &[&str] = &[
    "cpu/all/usage",
    "cpu/all/maximumTemperature",
    "cpu/loadaverages/loadaverage1",
    "memory/physical/used",
    "memory/physical/total",
    "memory/swap/used",
    "network/all/download",
    "network/all/upload",
    "disk/all/read",
    "disk/all/write",
    "gpu/all/usage",
    "power/*/chargePercentage",
    "os/system/prettyName",
    "os/system/hostname",
    "os/system/uptime",
    "os/kernel/prettyName",
    "os/processes/total",
    "os/processes/threads",
];

/// The content of the page.
pub(super) fn layout(catalog: &Catalog) -> Vec<Section> {
    let mut graphs = Section::default();
    graphs.graph_of(catalog, "Processor", "cpu/all/usage", Hue::Blue);
    graphs.graph_of(catalog, "Memory", "memory/physical/used", Hue::Green);
    let lines = [
        ("network/all/download", "Received", Hue::Green),
        ("network/all/upload", "Sent", Hue::Orange),
    ];
    graphs.graph(catalog, "Network", &lines);
    let lines = [
        ("disk/all/read", "Read", Hue::Brown),
        ("disk/all/write", "Written", Hue::Orange),
    ];
    graphs.graph(catalog, "Disks", &lines);
    if has_swap(catalog) {
        graphs.graph_of(catalog, "Swap", "memory/swap/used", Hue::Yellow);
    }
    graphs.graph_of(catalog, "Graphics", "gpu/all/usage", Hue::Purple);
    graphs.graph_of(
        catalog,
        "Temperature",
        "cpu/all/maximumTemperature",
        Hue::Red,
    );
    for battery in catalog.objects("power", "chargePercentage") {
        let charge = battery.property("chargePercentage");
        graphs.graph_of(catalog, battery.title, &charge, Hue::Yellow);
    }
    sections([graphs])
}
