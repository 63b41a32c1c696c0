//! The page that shows the whole machine.

use sampled_client::Catalog;

use super::{
    Entry,
    charts::{Charts, Empty},
    layout::{Section, sections},
    memory::has_swap,
};
use crate::{chart::Hue, i18n::gettext};

/// The selectors of the page.
const SELECTORS: &[&str] = &[
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
    "cpu/all/name",
    "os/system/prettyName",
    "os/system/hostname",
    "os/system/uptime",
    "os/kernel/prettyName",
    "os/processes/total",
];

/// The page.
pub(super) fn entry() -> Entry {
    Entry::charts(
        "overview",
        gettext("Overview"),
        "view-grid-symbolic",
        || Charts {
            selectors: SELECTORS,
            layout,
            empty: Empty {
                title: gettext("Nothing to Show"),
                description: gettext("The service has not told any metrics yet."),
            },
        },
    )
}

fn layout(catalog: &Catalog) -> Vec<Section> {
    let mut machine = Section::default();
    machine.fact(catalog, gettext("Host name"), "os/system/hostname");
    machine.fact(catalog, gettext("Operating system"), "os/system/prettyName");
    machine.fact(catalog, gettext("Kernel"), "os/kernel/prettyName");
    machine.fact(catalog, gettext("Processor"), "cpu/all/name");
    machine.fact(catalog, gettext("Uptime"), "os/system/uptime");
    machine.fact(catalog, gettext("Processes"), "os/processes/total");

    let mut graphs = Section::default();
    graphs.graph_of(catalog, gettext("Processor"), "cpu/all/usage", Hue::Blue);
    graphs.graph_of(
        catalog,
        gettext("Memory"),
        "memory/physical/used",
        Hue::Green,
    );
    let download = ("network/all/download", gettext("Received"), Hue::Green);
    let upload = ("network/all/upload", gettext("Sent"), Hue::Orange);
    graphs.graph(catalog, gettext("Network"), &[download, upload]);
    let read = ("disk/all/read", gettext("Read"), Hue::Brown);
    let write = ("disk/all/write", gettext("Written"), Hue::Orange);
    graphs.graph(catalog, gettext("Disks"), &[read, write]);
    if has_swap(catalog) {
        graphs.graph_of(catalog, gettext("Swap"), "memory/swap/used", Hue::Yellow);
    }
    graphs.graph_of(catalog, gettext("Graphics"), "gpu/all/usage", Hue::Purple);
    graphs.graph_of(
        catalog,
        gettext("Temperature"),
        "cpu/all/maximumTemperature",
        Hue::Red,
    );
    for battery in catalog.objects("power", "chargePercentage") {
        let charge = battery.property("chargePercentage");
        graphs.graph_of(catalog, battery.title, &charge, Hue::Yellow);
    }
    sections([graphs, machine])
}
