//! The page of batteries, supplies, and the power of the processor.

use sampled_client::{Catalog, Object};

use crate::model::sections::{Hue, Section, sections};

/// The selectors of the page.
pub(super) const SELECTORS: &[&str] = &["power"];

/// The content of the page.
pub(super) fn layout(catalog: &Catalog) -> Vec<Section> {
    let batteries = catalog.objects("power", "chargePercentage");
    let packages = catalog.objects("power", "power");
    let adapters = catalog.objects("power", "online");
    let batteries = batteries
        .iter()
        .map(|battery| battery_section(catalog, battery));
    let packages = packages.iter().map(|package| {
        let mut section = Section::new(package.title.clone());
        section.graph_of(catalog, "Power", &package.property("power"), Hue::Yellow);
        section.make_small();
        section
    });
    let adapters = adapters.iter().map(|adapter| {
        let mut section = Section::new(adapter.title.clone());
        section.fact(catalog, "Delivers power", &adapter.property("online"));
        section
    });
    sections(batteries.chain(packages).chain(adapters))
}

fn battery_section(catalog: &Catalog, battery: &Object) -> Section {
    let mut section = Section::new(battery.title.clone());
    section.graph_of(
        catalog,
        "Charge",
        &battery.property("chargePercentage"),
        Hue::Green,
    );
    section.graph_of(
        catalog,
        "Power",
        &battery.property("chargeRate"),
        Hue::Yellow,
    );
    section.graph_of(
        catalog,
        "Temperature",
        &battery.property("temperature"),
        Hue::Red,
    );
    section.graph_of(
        catalog,
        "Voltage",
        &battery.property("voltage"),
        Hue::Purple,
    );
    for (name, property) in [
        ("Model", "name"),
        ("State", "status"),
        ("Time to empty", "timeToEmpty"),
        ("Time to full", "timeToFull"),
        ("Energy", "charge"),
        ("Capacity", "capacity"),
        ("Capacity when new", "design"),
        ("Health", "health"),
        ("Cycles", "cycles"),
    ] {
        section.fact(catalog, name, &battery.property(property));
    }
    section
}
