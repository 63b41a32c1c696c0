//! The page of the graphics processors.

use sampled_client::{Catalog, Object};

use crate::model::sections::{Hue, Section, sections};

/// The selectors of the page.
pub(super) const SELECTORS: &[&str] = &["gpu"];

/// The content of the page.
pub(super) fn layout(catalog: &Catalog) -> Vec<Section> {
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
    section.graph_of(catalog, "Usage", &object.property("usage"), Hue::Purple);
    section.graph_of(catalog, "Memory", &object.property("usedVram"), Hue::Green);
    section.graph_of(
        catalog,
        "Temperature",
        &object.property("temperature"),
        Hue::Red,
    );
    section.graph_of(catalog, "Power", &object.property("power"), Hue::Yellow);
    let (core, memory) = (
        object.property("coreFrequency"),
        object.property("memoryFrequency"),
    );
    let lines = [
        (core.as_str(), "Core", Hue::Purple),
        (memory.as_str(), "Memory", Hue::Green),
    ];
    section.graph(catalog, "Frequency", &lines);
    section.level(
        catalog,
        "Memory",
        &object.property("usedVram"),
        &object.property("totalVram"),
    );
    section.fact(catalog, "Model", &object.property("name"));
    section
}
