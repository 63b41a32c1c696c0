//! The page of the memory.

use sampled_client::Catalog;

use crate::{Hue, Section, Translate};

/// The selectors of the page.
pub(crate) const SELECTORS: &[&str] = &["memory", "pressure/memory/some", "pressure/memory/full"];

/// Whether there is swap. Without it there is no share of it.
pub(crate) fn has_swap(catalog: &Catalog) -> bool {
    catalog.has("memory/swap/usedPercent")
}

/// The content of the page.
pub(crate) fn layout(catalog: &Catalog, translate: Translate) -> Vec<Section> {
    let mut usage = Section::new(translate("Usage"));
    usage.level(
        catalog,
        translate("Memory"),
        "memory/physical/used",
        "memory/physical/total",
    );
    if has_swap(catalog) {
        usage.level(
            catalog,
            translate("Swap"),
            "memory/swap/used",
            "memory/swap/total",
        );
    }
    usage.level(
        catalog,
        translate("Limit of the container"),
        "memory/limit/used",
        "memory/limit/total",
    );

    let mut graphs = Section::new(translate("Graphs"));
    let lines = [
        ("memory/physical/used", translate("Used"), Hue::Green),
        ("memory/physical/cache", translate("Cache"), Hue::Blue),
        ("memory/physical/shared", translate("Shared"), Hue::Purple),
    ];
    graphs.graph(catalog, translate("Memory"), &lines);
    if has_swap(catalog) {
        graphs.graph_of(catalog, translate("Swap"), "memory/swap/used", Hue::Yellow);
        let lines = [
            ("memory/paging/swapIn", translate("From swap"), Hue::Green),
            ("memory/paging/swapOut", translate("To swap"), Hue::Orange),
        ];
        graphs.graph(catalog, translate("Swapping"), &lines);
    }
    let lines = [
        ("memory/paging/in", translate("From disks"), Hue::Green),
        ("memory/paging/out", translate("To disks"), Hue::Orange),
    ];
    graphs.graph(catalog, translate("Paging"), &lines);
    let lines = [
        ("memory/paging/faults", translate("All"), Hue::Blue),
        (
            "memory/paging/majorFaults",
            translate("With a read from a disk"),
            Hue::Red,
        ),
    ];
    graphs.graph(catalog, translate("Page faults"), &lines);
    let lines = [
        ("pressure/memory/some", translate("Some tasks"), Hue::Yellow),
        ("pressure/memory/full", translate("All tasks"), Hue::Red),
    ];
    graphs.graph(catalog, translate("Tasks that wait for memory"), &lines);
    graphs.graph_of(
        catalog,
        translate("Compressed memory (zram)"),
        "memory/zram/used",
        Hue::Brown,
    );

    let mut facts = Section::new(translate("Details"));
    facts.fact(catalog, translate("Available"), "memory/physical/available");
    facts.fact(catalog, translate("Free"), "memory/physical/free");
    facts.fact(catalog, translate("Cache"), "memory/physical/cache");
    facts.fact(catalog, translate("Buffers"), "memory/physical/buffer");
    facts.fact(catalog, translate("Shared"), "memory/physical/shared");
    facts.fact(catalog, translate("Dirty"), "memory/physical/dirty");
    facts.fact(catalog, translate("Kernel"), "memory/physical/slab");
    facts.fact(catalog, translate("Cache of ZFS"), "memory/physical/arc");
    facts.fact(catalog, translate("Huge pages"), "memory/hugepages/total");
    facts.fact(
        catalog,
        translate("Processes ended for want of memory"),
        "memory/paging/oomKills",
    );
    vec![usage, graphs, facts]
}
