//! The page of the graphics processors.

use sampled_client::{Catalog, Object};

use crate::{Hue, Section, Translate};

/// The selectors of the page.
pub(crate) const SELECTORS: &[&str] = &["gpu"];

/// The content of the page.
pub(crate) fn layout(catalog: &Catalog, translate: Translate) -> Vec<Section> {
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
    found
        .iter()
        .map(|object| section(catalog, translate, object))
        .collect()
}

fn section(catalog: &Catalog, translate: Translate, object: &Object) -> Section {
    let mut section = Section::new(object.title.clone());
    section.graph_of(
        catalog,
        translate("Usage"),
        &object.property("usage"),
        Hue::Purple,
    );
    section.graph_of(
        catalog,
        translate("Memory"),
        &object.property("usedVram"),
        Hue::Green,
    );
    section.graph_of(
        catalog,
        translate("Temperature"),
        &object.property("temperature"),
        Hue::Red,
    );
    section.graph_of(
        catalog,
        translate("Power"),
        &object.property("power"),
        Hue::Yellow,
    );
    let (core, memory) = (
        object.property("coreFrequency"),
        object.property("memoryFrequency"),
    );
    let lines = [
        (core.as_str(), translate("Core"), Hue::Purple),
        (memory.as_str(), translate("Memory"), Hue::Green),
    ];
    section.graph(catalog, translate("Frequency"), &lines);
    section.level(
        catalog,
        translate("Memory"),
        &object.property("usedVram"),
        &object.property("totalVram"),
    );
    section.fact(catalog, translate("Model"), &object.property("name"));
    section
}
