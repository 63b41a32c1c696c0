//! The page of batteries, supplies, and the power of the processor.

use sampled_client::{Catalog, Object};

use crate::{Hue, Section, Translate};

/// The selectors of the page.
pub(crate) const SELECTORS: &[&str] = &["power"];

/// The content of the page.
pub(crate) fn layout(catalog: &Catalog, translate: Translate) -> Vec<Section> {
    let batteries = catalog.objects("power", "chargePercentage");
    let packages = catalog.objects("power", "power");
    let adapters = catalog.objects("power", "online");
    let batteries = batteries
        .iter()
        .map(|battery| battery_section(catalog, translate, battery));
    let packages = packages.iter().map(|package| {
        let mut section = Section::new(package.title.clone());
        section.graph_of(
            catalog,
            translate("Power"),
            &package.property("power"),
            Hue::Yellow,
        );
        section.make_small();
        section
    });
    let adapters = adapters.iter().map(|adapter| {
        let mut section = Section::new(adapter.title.clone());
        section.fact(
            catalog,
            translate("Delivers power"),
            &adapter.property("online"),
        );
        section
    });
    batteries.chain(packages).chain(adapters).collect()
}

fn battery_section(catalog: &Catalog, translate: Translate, battery: &Object) -> Section {
    let mut section = Section::new(battery.title.clone());
    section.graph_of(
        catalog,
        translate("Charge"),
        &battery.property("chargePercentage"),
        Hue::Green,
    );
    section.graph_of(
        catalog,
        translate("Power"),
        &battery.property("chargeRate"),
        Hue::Yellow,
    );
    section.graph_of(
        catalog,
        translate("Temperature"),
        &battery.property("temperature"),
        Hue::Red,
    );
    section.graph_of(
        catalog,
        translate("Voltage"),
        &battery.property("voltage"),
        Hue::Purple,
    );
    for (name, property) in [
        (translate("Model"), "name"),
        (translate("State"), "status"),
        (translate("Time to empty"), "timeToEmpty"),
        (translate("Time to full"), "timeToFull"),
        (translate("Energy"), "charge"),
        (translate("Capacity"), "capacity"),
        (translate("Capacity when new"), "design"),
        (translate("Health"), "health"),
        (translate("Cycles"), "cycles"),
    ] {
        section.fact(catalog, name, &battery.property(property));
    }
    section
}
