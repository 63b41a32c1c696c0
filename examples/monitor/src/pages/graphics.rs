//! The page of the graphics processors.

use sampled_client::{Catalog, Object};

use super::{
    Entry,
    charts::{Charts, Empty},
    layout::{Section, sections},
};
use crate::{chart::Hue, i18n::gettext};

/// The selectors of the page.
const SELECTORS: &[&str] = &["gpu"];

/// The page.
pub(super) fn entry() -> Entry {
    Entry::charts(
        "graphics",
        gettext("Graphics"),
        "video-display-symbolic",
        || Charts {
            selectors: SELECTORS,
            layout,
            empty: Empty {
                title: gettext("No Graphics Processor"),
                description: gettext(
                    "This machine has no graphics processor whose driver tells its usage.",
                ),
            },
        },
    )
}

fn layout(catalog: &Catalog) -> Vec<Section> {
    // A driver offers some of these.
    let properties = ["usage", "usedVram", "temperature", "power", "coreFrequency"];
    let mut found: Vec<Object> = Vec::new();
    for object in properties
        .iter()
        .flat_map(|property| catalog.objects("gpu", property))
    {
        if !object.is_sum() && !found.contains(&object) {
            found.push(object);
        }
    }
    sections(found.iter().map(|object| section(catalog, object)))
}

fn section(catalog: &Catalog, object: &Object) -> Section {
    let mut section = Section::new(object.title.clone());
    section.graph_of(
        catalog,
        gettext("Usage"),
        &object.property("usage"),
        Hue::Purple,
    );
    section.graph_of(
        catalog,
        gettext("Memory"),
        &object.property("usedVram"),
        Hue::Green,
    );
    section.graph_of(
        catalog,
        gettext("Temperature"),
        &object.property("temperature"),
        Hue::Red,
    );
    section.graph_of(
        catalog,
        gettext("Power"),
        &object.property("power"),
        Hue::Yellow,
    );
    let (core, memory) = (
        object.property("coreFrequency"),
        object.property("memoryFrequency"),
    );
    let lines = [
        (core.as_str(), gettext("Core"), Hue::Purple),
        (memory.as_str(), gettext("Memory"), Hue::Green),
    ];
    section.graph(catalog, gettext("Frequency"), &lines);
    section.level(
        catalog,
        gettext("Memory"),
        &object.property("usedVram"),
        &object.property("totalVram"),
    );
    section.fact(catalog, gettext("Model"), &object.property("name"));
    section
}
