//! The page of the user's own metrics.

use sampled_client::Catalog;
use sampled_pages::{Fact, Hue, Section};

/// The most metrics that have a large graph.
const FEW: usize = 12;

/// The colours, one after the other.
const HUES: [Hue; 5] = [Hue::Blue, Hue::Green, Hue::Orange, Hue::Purple, Hue::Red];

/// The content of the page: a graph of each number, and the texts.
pub(super) fn layout(catalog: &Catalog, ids: &[String]) -> Vec<Section> {
    let mut section = Section::default();
    for (id, hue) in ids.iter().zip(HUES.iter().cycle()) {
        match catalog.metadata(id) {
            Some(metadata) if metadata.kind == "text" => {
                section.fact(catalog, catalog.full_name(id), id);
            }
            Some(_) => section.graph_of(catalog, catalog.full_name(id), id, *hue),
            // The metric is gone: its fault says so.
            None => section.facts.push(Fact {
                id: id.clone(),
                name: id.clone(),
            }),
        }
    }
    if section.cards.len() > FEW {
        section.make_small();
    }
    match section.is_empty() {
        true => Vec::new(),
        false => vec![section],
    }
}
