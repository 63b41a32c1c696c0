//! The page that shows the whole machine.

use sampled_client::Catalog;

use crate::{Hue, Section, Translate, memory::has_swap};

/// The selectors of the page.
pub(crate) const SELECTORS: &[&str] = &[
    "cpu/all/usage",
    "cpu/all/maximumTemperature",
    "memory/physical/used",
    "memory/swap/used",
    "network/all/download",
    "network/all/upload",
    "disk/all/read",
    "disk/all/write",
    "gpu/all/usage",
    "power/*/chargePercentage",
];

/// The content of the page.
pub(crate) fn layout(catalog: &Catalog, translate: Translate) -> Vec<Section> {
    let mut graphs = Section::default();
    graphs.graph_of(catalog, translate("Processor"), "cpu/all/usage", Hue::Blue);
    graphs.graph_of(
        catalog,
        translate("Memory"),
        "memory/physical/used",
        Hue::Green,
    );
    let download = ("network/all/download", translate("Received"), Hue::Green);
    let upload = ("network/all/upload", translate("Sent"), Hue::Orange);
    graphs.graph(catalog, translate("Network"), &[download, upload]);
    let read = ("disk/all/read", translate("Read"), Hue::Brown);
    let write = ("disk/all/write", translate("Written"), Hue::Orange);
    graphs.graph(catalog, translate("Disks"), &[read, write]);
    if has_swap(catalog) {
        graphs.graph_of(catalog, translate("Swap"), "memory/swap/used", Hue::Yellow);
    }
    graphs.graph_of(catalog, translate("Graphics"), "gpu/all/usage", Hue::Purple);
    graphs.graph_of(
        catalog,
        translate("Temperature"),
        "cpu/all/maximumTemperature",
        Hue::Red,
    );
    for battery in catalog.objects("power", "chargePercentage") {
        let charge = battery.property("chargePercentage");
        graphs.graph_of(catalog, battery.title, &charge, Hue::Yellow);
    }
    vec![graphs]
}
