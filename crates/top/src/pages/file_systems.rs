//! The page of the file systems.

use sampled_client::{Catalog, Object};

use crate::model::sections::{Hue, Section, sections};

/// The selectors of the page.
pub(super) const SELECTORS: &[&str] = &[
    "disk/*/used",
    "disk/*/total",
    "disk/*/usedPercent",
    "disk/*/usedInodes",
    "disk/*/totalInodes",
    "disk/*/usedInodesPercent",
];

/// The content of the page.
pub(super) fn layout(catalog: &Catalog) -> Vec<Section> {
    let all = catalog.objects("disk", "usedPercent").into_iter();
    let (sum, each): (Vec<Object>, Vec<Object>) = all.partition(Object::is_sum);
    // One that is the only one is the sum.
    let sum = sum.into_iter().filter(|_| each.len() > 1);
    sections(
        sum.chain(each.clone())
            .map(|object| section(catalog, &object)),
    )
}

fn section(catalog: &Catalog, object: &Object) -> Section {
    let title = match object.is_sum() {
        true => "All File Systems".to_owned(),
        false => object.title.clone(),
    };
    let mut section = Section::new(title);
    let (used, total) = (object.property("used"), object.property("total"));
    section.level(catalog, "Space", &used, &total);
    let (used, total) = (
        object.property("usedInodes"),
        object.property("totalInodes"),
    );
    section.level(catalog, "Inodes", &used, &total);
    section.graph_of(catalog, "Used space", &object.property("used"), Hue::Brown);
    section.graph_of(
        catalog,
        "Used inodes",
        &object.property("usedInodesPercent"),
        Hue::Yellow,
    );
    section.make_small();
    section
}
