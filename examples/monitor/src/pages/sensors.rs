//! The page of the sensors, and of the metrics that the user has defined.

use sampled_client::Catalog;

use super::{
    Entry,
    charts::{Charts, Empty},
    layout::{Section, sections},
};
use crate::{chart::Hue, i18n::gettext};

/// The selectors of the page.
const SELECTORS: &[&str] = &["lmsensors"];

/// The page.
pub(super) fn entry() -> Entry {
    Entry::charts(
        "sensors",
        gettext("Sensors"),
        "weather-clear-symbolic",
        || Charts {
            selectors: SELECTORS,
            layout,
            empty: Empty {
                title: gettext("No Sensors"),
                description: gettext(
                    "This machine has no sensor with a driver, as most virtual machines have none.",
                ),
            },
        },
    )
}

fn layout(catalog: &Catalog) -> Vec<Section> {
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
    sections(found.into_iter().map(|(_, mut section)| {
        section.make_small();
        section
    }))
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
    use crate::pages::layout::tests::catalog_of;

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
