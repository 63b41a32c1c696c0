//! The page of the memory.

use sampled_client::Catalog;

use super::{
    Entry,
    charts::{Charts, Empty},
    layout::{Section, sections},
};
use crate::{chart::Hue, i18n::gettext};

/// The selectors of the page.
const SELECTORS: &[&str] = &["memory", "pressure/memory/some", "pressure/memory/full"];

/// The page.
pub(super) fn entry() -> Entry {
    Entry::charts("memory", gettext("Memory"), "media-flash-symbolic", || {
        Charts {
            selectors: SELECTORS,
            layout,
            empty: Empty {
                title: gettext("No Memory"),
                description: gettext("The service reads no metrics of the memory."),
            },
        }
    })
}

/// Whether there is swap. Without it there is no share of it.
pub(super) fn has_swap(catalog: &Catalog) -> bool {
    catalog.has("memory/swap/usedPercent")
}

fn layout(catalog: &Catalog) -> Vec<Section> {
    let mut usage = Section::new(gettext("Usage"));
    usage.level(
        catalog,
        gettext("Memory"),
        "memory/physical/used",
        "memory/physical/total",
    );
    if has_swap(catalog) {
        usage.level(
            catalog,
            gettext("Swap"),
            "memory/swap/used",
            "memory/swap/total",
        );
    }
    usage.level(
        catalog,
        gettext("Limit of the container"),
        "memory/limit/used",
        "memory/limit/total",
    );

    let mut graphs = Section::new(gettext("Graphs"));
    let lines = [
        ("memory/physical/used", gettext("Used"), Hue::Green),
        ("memory/physical/cache", gettext("Cache"), Hue::Blue),
        ("memory/physical/shared", gettext("Shared"), Hue::Purple),
    ];
    graphs.graph(catalog, gettext("Memory"), &lines);
    if has_swap(catalog) {
        graphs.graph_of(catalog, gettext("Swap"), "memory/swap/used", Hue::Yellow);
        let lines = [
            ("memory/paging/swapIn", gettext("From swap"), Hue::Green),
            ("memory/paging/swapOut", gettext("To swap"), Hue::Orange),
        ];
        graphs.graph(catalog, gettext("Swapping"), &lines);
    }
    let lines = [
        ("memory/paging/in", gettext("From disks"), Hue::Green),
        ("memory/paging/out", gettext("To disks"), Hue::Orange),
    ];
    graphs.graph(catalog, gettext("Paging"), &lines);
    let lines = [
        ("memory/paging/faults", gettext("All"), Hue::Blue),
        (
            "memory/paging/majorFaults",
            gettext("With a read from a disk"),
            Hue::Red,
        ),
    ];
    graphs.graph(catalog, gettext("Page faults"), &lines);
    let lines = [
        ("pressure/memory/some", gettext("Some tasks"), Hue::Yellow),
        ("pressure/memory/full", gettext("All tasks"), Hue::Red),
    ];
    graphs.graph(catalog, gettext("Tasks that wait for memory"), &lines);
    graphs.graph_of(
        catalog,
        gettext("Compressed memory (zram)"),
        "memory/zram/used",
        Hue::Brown,
    );

    let mut facts = Section::new(gettext("Details"));
    facts.fact(catalog, gettext("Available"), "memory/physical/available");
    facts.fact(catalog, gettext("Free"), "memory/physical/free");
    facts.fact(catalog, gettext("Cache"), "memory/physical/cache");
    facts.fact(catalog, gettext("Buffers"), "memory/physical/buffer");
    facts.fact(catalog, gettext("Shared"), "memory/physical/shared");
    facts.fact(catalog, gettext("Dirty"), "memory/physical/dirty");
    facts.fact(catalog, gettext("Kernel"), "memory/physical/slab");
    facts.fact(catalog, gettext("Cache of ZFS"), "memory/physical/arc");
    facts.fact(catalog, gettext("Huge pages"), "memory/hugepages/total");
    facts.fact(
        catalog,
        gettext("Processes ended for want of memory"),
        "memory/paging/oomKills",
    );
    sections([usage, graphs, facts])
}
