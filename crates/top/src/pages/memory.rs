//! The page of the memory.

use sampled_client::Catalog;

use crate::model::sections::{Hue, Section, sections};

/// The selectors of the page.
pub(super) const SELECTORS: &[&str] = &["memory", "pressure/memory/some", "pressure/memory/full"];

/// Whether there is swap. Without it there is no share of it.
pub(super) fn has_swap(catalog: &Catalog) -> bool {
    catalog.has("memory/swap/usedPercent")
}

/// The content of the page.
pub(super) fn layout(catalog: &Catalog) -> Vec<Section> {
    let mut usage = Section::new("Usage");
    usage.level(
        catalog,
        "Memory",
        "memory/physical/used",
        "memory/physical/total",
    );
    if has_swap(catalog) {
        usage.level(catalog, "Swap", "memory/swap/used", "memory/swap/total");
    }
    usage.level(
        catalog,
        "Limit of the container",
        "memory/limit/used",
        "memory/limit/total",
    );

    let mut graphs = Section::new("Graphs");
    let lines = [
        ("memory/physical/used", "Used", Hue::Green),
        ("memory/physical/cache", "Cache", Hue::Blue),
        ("memory/physical/shared", "Shared", Hue::Purple),
    ];
    graphs.graph(catalog, "Memory", &lines);
    if has_swap(catalog) {
        graphs.graph_of(catalog, "Swap", "memory/swap/used", Hue::Yellow);
        let lines = [
            ("memory/paging/swapIn", "From swap", Hue::Green),
            ("memory/paging/swapOut", "To swap", Hue::Orange),
        ];
        graphs.graph(catalog, "Swapping", &lines);
    }
    let lines = [
        ("memory/paging/in", "From disks", Hue::Green),
        ("memory/paging/out", "To disks", Hue::Orange),
    ];
    graphs.graph(catalog, "Paging", &lines);
    let lines = [
        ("memory/paging/faults", "All", Hue::Blue),
        (
            "memory/paging/majorFaults",
            "With a read from a disk",
            Hue::Red,
        ),
    ];
    graphs.graph(catalog, "Page faults", &lines);
    let lines = [
        ("pressure/memory/some", "Some tasks", Hue::Yellow),
        ("pressure/memory/full", "All tasks", Hue::Red),
    ];
    graphs.graph(catalog, "Tasks that wait for memory", &lines);
    graphs.graph_of(
        catalog,
        "Compressed memory (zram)",
        "memory/zram/used",
        Hue::Brown,
    );

    let mut facts = Section::new("Details");
    facts.fact(catalog, "Available", "memory/physical/available");
    facts.fact(catalog, "Free", "memory/physical/free");
    facts.fact(catalog, "Cache", "memory/physical/cache");
    facts.fact(catalog, "Buffers", "memory/physical/buffer");
    facts.fact(catalog, "Shared", "memory/physical/shared");
    facts.fact(catalog, "Dirty", "memory/physical/dirty");
    facts.fact(catalog, "Kernel", "memory/physical/slab");
    facts.fact(catalog, "Cache of ZFS", "memory/physical/arc");
    facts.fact(catalog, "Huge pages", "memory/hugepages/total");
    facts.fact(
        catalog,
        "Processes ended for want of memory",
        "memory/paging/oomKills",
    );
    sections([usage, graphs, facts])
}
