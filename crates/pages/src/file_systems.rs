//! The page of the file systems.

use sampled_client::{Catalog, Object};

use crate::{Hue, Section, Translate};

/// The selectors of the page.
pub(crate) const SELECTORS: &[&str] = &[
    "disk/*/used",
    "disk/*/total",
    "disk/*/usedPercent",
    "disk/*/usedInodes",
    "disk/*/totalInodes",
    "disk/*/usedInodesPercent",
];

/// The content of the page.
pub(crate) fn layout(catalog: &Catalog, translate: Translate) -> Vec<Section> {
    let all = catalog.objects("disk", "usedPercent").into_iter();
    let (sum, each): (Vec<Object>, Vec<Object>) = all.partition(Object::is_sum);
    // One that is the only one is the sum.
    let sum = sum.into_iter().filter(|_| each.len() > 1);
    sum.chain(each.clone())
        .map(|object| section(catalog, translate, &object))
        .collect()
}

fn section(catalog: &Catalog, translate: Translate, object: &Object) -> Section {
    let title = match object.is_sum() {
        true => translate("All File Systems"),
        false => object.title.clone(),
    };
    let mut section = Section::new(title);
    let (used, total) = (object.property("used"), object.property("total"));
    section.level(catalog, translate("Space"), &used, &total);
    let (used, total) = (
        object.property("usedInodes"),
        object.property("totalInodes"),
    );
    section.level(catalog, translate("Inodes"), &used, &total);
    section.graph_of(
        catalog,
        translate("Used space"),
        &object.property("used"),
        Hue::Brown,
    );
    section.graph_of(
        catalog,
        translate("Used inodes"),
        &object.property("usedInodesPercent"),
        Hue::Yellow,
    );
    section.make_small();
    section
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::section::tests::catalog_of;

    fn titles(objects: &[&str]) -> Vec<String> {
        let property = |object: &&str| {
            (
                format!("disk/{object}/usedPercent"),
                format!("disk/{object}/used"),
            )
        };
        let ids: Vec<(String, String)> = objects.iter().map(property).collect();
        let total = objects.iter().map(|object| format!("disk/{object}/total"));
        let total: Vec<String> = total.collect();
        let ids = ids
            .iter()
            .flat_map(|(percent, used)| [percent, used])
            .chain(&total);
        let ids: Vec<(&str, &str)> = ids.map(|id| (id.as_str(), "")).collect();
        let sections = layout(&catalog_of(&ids), str::to_owned);
        sections.into_iter().map(|section| section.title).collect()
    }

    #[test]
    fn the_sum_of_one_file_system_is_left_out() {
        assert_eq!(titles(&["all", "%2F"]), ["%2F"]);
        assert_eq!(titles(&["all", "a", "b"]), ["All File Systems", "a", "b"]);
    }
}
