//! The sections of a page of graphs: computed from the list of metrics, without widgets.

use sampled_client::Catalog;

use crate::chart::Hue;

/// A part of a page, below a title.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Section {
    /// The title: the name of a device.
    pub(super) title: String,
    /// Numbers and texts in words.
    pub(super) facts: Vec<Fact>,
    /// Shares of a whole.
    pub(super) levels: Vec<Level>,
    /// Graphs.
    pub(super) cards: Vec<Card>,
}

/// A graph.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Card {
    /// The title.
    pub(super) title: String,
    /// The title of the section, for a screen reader.
    pub(super) object: String,
    /// The lines, all in this unit.
    pub(super) lines: Vec<Line>,
    /// The unit, in UCUM.
    pub(super) unit: String,
    /// The lower end of the scale, if known.
    pub(super) minimum: Option<f64>,
    /// The upper end of the scale, if known.
    pub(super) maximum: Option<f64>,
    /// The ids of readings that are shown beside the title.
    pub(super) details: Vec<String>,
    /// A note for the user; empty if there is none.
    pub(super) notice: String,
    /// Whether it is one of many, and therefore small.
    pub(super) is_small: bool,
}

/// A line of a graph.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Line {
    /// The id of the metric.
    pub(super) id: String,
    /// Its name in the legend.
    pub(super) name: String,
    /// Its colour.
    pub(super) hue: Hue,
}

/// A reading in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fact {
    /// The id of the metric.
    pub(super) id: String,
    /// Its name.
    pub(super) name: String,
}

/// A share of a whole, as a bar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Level {
    /// The title.
    pub(super) title: String,
    /// The id of the used amount.
    pub(super) used: String,
    /// The id of the whole amount.
    pub(super) total: String,
}

impl Section {
    /// An empty section.
    pub(super) fn new(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            ..Self::default()
        }
    }

    /// Whether it shows nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.facts.is_empty() && self.levels.is_empty() && self.cards.is_empty()
    }

    /// The ids of its metrics.
    pub(super) fn ids(&self) -> impl Iterator<Item = &str> {
        let facts = self.facts.iter().map(|fact| &fact.id);
        let levels = self
            .levels
            .iter()
            .flat_map(|level| [&level.used, &level.total]);
        let lines = self
            .cards
            .iter()
            .flat_map(|card| &card.lines)
            .map(|line| &line.id);
        let details = self.cards.iter().flat_map(|card| &card.details);
        facts
            .chain(levels)
            .chain(lines)
            .chain(details)
            .map(String::as_str)
    }

    /// Adds a graph of those lines whose metrics exist, if there are any.
    pub(super) fn graph(
        &mut self,
        catalog: &Catalog,
        title: impl Into<String>,
        lines: &[(&str, String, Hue)],
    ) {
        let lines = lines.iter().filter(|(id, _, _)| catalog.has(id));
        let lines: Vec<Line> = lines
            .map(|(id, name, hue)| Line {
                id: (*id).to_owned(),
                name: name.clone(),
                hue: *hue,
            })
            .collect();
        let Some(first) = lines.first().and_then(|line| catalog.metadata(&line.id)) else {
            return;
        };
        self.cards.push(Card {
            title: title.into(),
            object: self.title.clone(),
            unit: first.unit.clone(),
            minimum: first.minimum,
            maximum: first.maximum,
            lines,
            details: Vec::new(),
            notice: String::new(),
            is_small: false,
        });
    }

    /// Adds a graph of one metric, if that exists.
    pub(super) fn graph_of(
        &mut self,
        catalog: &Catalog,
        title: impl Into<String>,
        id: &str,
        hue: Hue,
    ) {
        let title = title.into();
        self.graph(catalog, title.clone(), &[(id, title, hue)]);
    }

    /// Makes all graphs small.
    pub(super) fn make_small(&mut self) {
        for card in &mut self.cards {
            card.is_small = true;
        }
    }

    /// Shows a reading beside the title of the last graph, if the metric exists.
    pub(super) fn detail(&mut self, catalog: &Catalog, id: &str) {
        if let Some(card) = self.cards.last_mut().filter(|_| catalog.has(id)) {
            card.details.push(id.to_owned());
        }
    }

    /// Adds a reading in words, if the metric exists.
    pub(super) fn fact(&mut self, catalog: &Catalog, name: impl Into<String>, id: &str) {
        if catalog.has(id) {
            self.facts.push(Fact {
                id: id.to_owned(),
                name: name.into(),
            });
        }
    }

    /// Adds a share of a whole, if both metrics exist.
    pub(super) fn level(
        &mut self,
        catalog: &Catalog,
        title: impl Into<String>,
        used: &str,
        total: &str,
    ) {
        if catalog.has(used) && catalog.has(total) {
            self.levels.push(Level {
                title: title.into(),
                used: used.to_owned(),
                total: total.to_owned(),
            });
        }
    }
}

/// The sections that show something.
pub(super) fn sections(sections: impl IntoIterator<Item = Section>) -> Vec<Section> {
    sections
        .into_iter()
        .filter(|section| !section.is_empty())
        .collect()
}

#[cfg(test)]
pub(super) mod tests {
    use sampled_client::Metadata;

    use super::*;

    /// A catalog of metrics with nothing but these titles of objects.
    pub(in crate::pages) fn catalog_of(ids: &[(&str, &str)]) -> Catalog {
        let metrics = ids.iter().map(|(id, object)| {
            let object = (*object).to_owned();
            let metadata = Metadata {
                object,
                ..Metadata::default()
            };
            ((*id).to_owned(), metadata)
        });
        Catalog::new(metrics.collect())
    }
}
