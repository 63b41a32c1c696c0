//! The page of batteries, supplies, and the power of the processor.

use sampled_client::{Catalog, Object};

use super::{
    Entry,
    charts::{Charts, Empty},
    layout::{Section, sections},
};
use crate::{chart::Hue, i18n::gettext};

/// The selectors of the page.
const SELECTORS: &[&str] = &["power"];

/// The page.
pub(super) fn entry() -> Entry {
    Entry::charts("power", gettext("Power"), "battery-symbolic", || Charts {
        selectors: SELECTORS,
        layout,
        empty: Empty {
            title: gettext("No Battery"),
            description: gettext(
                "This machine has no battery, and the service may not read the power of its processor.",
            ),
        },
    })
}

fn layout(catalog: &Catalog) -> Vec<Section> {
    let batteries = catalog.objects("power", "chargePercentage");
    let packages = catalog.objects("power", "power");
    let adapters = catalog.objects("power", "online");
    let batteries = batteries
        .iter()
        .map(|battery| battery_section(catalog, battery));
    let packages = packages.iter().map(|package| {
        let mut section = Section::new(package.title.clone());
        section.graph_of(
            catalog,
            gettext("Power"),
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
            gettext("Delivers power"),
            &adapter.property("online"),
        );
        section
    });
    sections(batteries.chain(packages).chain(adapters))
}

fn battery_section(catalog: &Catalog, battery: &Object) -> Section {
    let mut section = Section::new(battery.title.clone());
    section.graph_of(
        catalog,
        gettext("Charge"),
        &battery.property("chargePercentage"),
        Hue::Green,
    );
    section.graph_of(
        catalog,
        gettext("Power"),
        &battery.property("chargeRate"),
        Hue::Yellow,
    );
    section.graph_of(
        catalog,
        gettext("Temperature"),
        &battery.property("temperature"),
        Hue::Red,
    );
    section.graph_of(
        catalog,
        gettext("Voltage"),
        &battery.property("voltage"),
        Hue::Purple,
    );
    for (name, property) in [
        (gettext("Model"), "name"),
        (gettext("State"), "status"),
        (gettext("Time to empty"), "timeToEmpty"),
        (gettext("Time to full"), "timeToFull"),
        (gettext("Energy"), "charge"),
        (gettext("Capacity"), "capacity"),
        (gettext("Capacity when new"), "design"),
        (gettext("Health"), "health"),
        (gettext("Cycles"), "cycles"),
    ] {
        section.fact(catalog, name, &battery.property(property));
    }
    section
}
