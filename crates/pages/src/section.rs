//! The sections of a page of graphs.

use sampled_client::Catalog;

use crate::Hue;

/// A part of a page, below a title.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Section {
    /// The title: the name of a device.
    pub title: String,
    /// Numbers and texts in words.
    pub facts: Vec<Fact>,
    /// Shares of a whole.
    pub levels: Vec<Level>,
    /// Graphs.
    pub cards: Vec<Card>,
}

/// A graph.
#[derive(Clone, Debug, PartialEq)]
pub struct Card {
    /// The title.
    pub title: String,
    /// The title of the section, for a screen reader.
    pub object: String,
    /// The lines, all in this unit.
    pub lines: Vec<Line>,
    /// The unit, in UCUM.
    pub unit: String,
    /// The lower end of the scale, if known.
    pub minimum: Option<f64>,
    /// The upper end of the scale, if known.
    pub maximum: Option<f64>,
    /// The ids of readings that are shown beside the title.
    pub details: Vec<String>,
    /// A note for the user; empty if there is none.
    pub notice: String,
    /// Whether it is one of many, and therefore small.
    pub is_small: bool,
}

/// A line of a graph.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// The id of the metric.
    pub id: String,
    /// Its name in the legend.
    pub name: String,
    /// Its colour.
    pub hue: Hue,
}

/// A reading in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// The id of the metric.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// A share of a whole, as a bar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Level {
    /// The title.
    pub title: String,
    /// The id of the used amount.
    pub used: String,
    /// The id of the whole amount.
    pub total: String,
}

impl Section {
    /// An empty section.
    pub fn new(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            ..Self::default()
        }
    }

    /// Whether it shows nothing.
    pub fn is_empty(&self) -> bool {
        self.facts.is_empty() && self.levels.is_empty() && self.cards.is_empty()
    }

    /// Adds a graph of those lines whose metrics exist, if there are any.
    pub fn graph(
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
    pub fn graph_of(&mut self, catalog: &Catalog, title: impl Into<String>, id: &str, hue: Hue) {
        let title = title.into();
        self.graph(catalog, title.clone(), &[(id, title, hue)]);
    }

    /// Makes all graphs small.
    pub fn make_small(&mut self) {
        for card in &mut self.cards {
            card.is_small = true;
        }
    }

    /// Shows a reading beside the title of the last graph, if the metric exists.
    pub fn detail(&mut self, catalog: &Catalog, id: &str) {
        if let Some(card) = self.cards.last_mut().filter(|_| catalog.has(id)) {
            card.details.push(id.to_owned());
        }
    }

    /// Adds a reading in words, if the metric exists.
    pub fn fact(&mut self, catalog: &Catalog, name: impl Into<String>, id: &str) {
        if catalog.has(id) {
            self.facts.push(Fact {
                id: id.to_owned(),
                name: name.into(),
            });
        }
    }

    /// Adds a share of a whole, if both metrics exist.
    pub fn level(&mut self, catalog: &Catalog, title: impl Into<String>, used: &str, total: &str) {
        if catalog.has(used) && catalog.has(total) {
            self.levels.push(Level {
                title: title.into(),
                used: used.to_owned(),
                total: total.to_owned(),
            });
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use sampled_client::Metadata;

    use super::*;

    /// A catalog of metrics with nothing but these titles of objects.
    pub(crate) fn catalog_of(ids: &[(&str, &str)]) -> Catalog {
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
