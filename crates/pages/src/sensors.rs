//! The page of the sensors, and of the metrics that the user has defined.

use sampled_client::Catalog;

use crate::{Hue, Section};

/// The selectors of the page: sensors, and the metrics that the user defines.
pub(crate) fn selectors(catalog: &Catalog) -> Vec<String> {
    let custom = catalog
        .iter()
        .filter(|(_, metadata)| metadata.group == "custom");
    let custom = custom.map(|(id, _)| id.to_owned());
    std::iter::once("lmsensors".to_owned())
        .chain(custom)
        .collect()
}

/// The content of the page.
pub(crate) fn layout(catalog: &Catalog) -> Vec<Section> {
    let mut found: Vec<(String, Section)> = Vec::new();
    let sensors = catalog.below("lmsensors");
    let custom = catalog
        .iter()
        .filter(|(_, metadata)| metadata.group == "custom");
    for (id, metadata) in sensors.chain(custom) {
        let Some((object, _)) = id.rsplit_once('/') else {
            continue;
        };
        if found.last().is_none_or(|(last, _)| last != object) {
            let title = match metadata.object.as_str() {
                "" => object,
                title => title,
            };
            found.push((object.to_owned(), Section::new(title)));
        }
        let Some((_, section)) = found.last_mut() else {
            continue;
        };
        // Texts and alarms, which are 0 or 1, make no graph.
        if metadata.kind == "text" || (metadata.unit == "1" && metadata.maximum == Some(1.0)) {
            section.fact(catalog, metadata.name.clone(), id);
        } else {
            section.graph_of(catalog, metadata.name.clone(), id, hue(&metadata.unit));
        }
    }
    found
        .into_iter()
        .map(|(_, mut section)| {
            section.make_small();
            section
        })
        .collect()
}

fn hue(unit: &str) -> Hue {
    match unit {
        "Cel" => Hue::Red,
        "/min" => Hue::Blue,
        "V" | "A" | "W" | "J" => Hue::Yellow,
        _ => Hue::Purple,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::section::tests::catalog_of;

    #[test]
    fn each_chip_is_a_section() {
        let catalog = catalog_of(&[
            ("lmsensors/k10temp-pci-00c3/temp1", "k10temp"),
            ("lmsensors/k10temp-pci-00c3/temp2", "k10temp"),
            ("lmsensors/nvme-pci-0100/temp1", "传感器"),
            ("cpu/all/usage", "All processors"),
        ]);
        let sections = layout(&catalog);
        let shown = sections
            .iter()
            .map(|section| (section.title.as_str(), section.cards.len()));
        assert_eq!(shown.collect::<Vec<_>>(), [("k10temp", 2), ("传感器", 1)]);
    }
}
