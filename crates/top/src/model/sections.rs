//! The sections of a page of graphs: computed from the list of metrics.

use sampled_client::Catalog;

/// A part of a page, below a title.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Section {
    /// The title: the name of a device.
    pub(crate) title: String,
    /// Numbers and texts in words.
    pub(crate) facts: Vec<Fact>,
    /// Shares of a whole.
    pub(crate) levels: Vec<Level>,
    /// Graphs.
    pub(crate) cards: Vec<Card>,
}

/// A graph.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Card {
    /// The title.
    pub(crate) title: String,
    /// The lines, all in this unit.
    pub(crate) lines: Vec<Line>,
    /// The unit, in UCUM.
    pub(crate) unit: String,
    /// The upper end of the scale, if known.
    pub(crate) maximum: Option<f64>,
    /// The ids of readings that are shown beside the title.
    pub(crate) details: Vec<String>,
    /// Whether it is one of many, and therefore small.
    pub(crate) is_small: bool,
}

/// A line of a graph.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Line {
    /// The id of the metric.
    pub(crate) id: String,
    /// Its name in the legend.
    pub(crate) name: String,
    /// Its colour.
    pub(crate) hue: Hue,
}

/// A colour of a line, which the palette of the terminal gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hue {
    Blue,
    Brown,
    Green,
    Orange,
    Purple,
    Red,
    Yellow,
}

/// A reading in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fact {
    /// The id of the metric.
    pub(crate) id: String,
    /// Its name.
    pub(crate) name: String,
}

/// A share of a whole, as a bar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Level {
    /// The title.
    pub(crate) title: String,
    /// The id of the used amount.
    pub(crate) used: String,
    /// The id of the whole amount.
    pub(crate) total: String,
}

impl Section {
    /// An empty section.
    pub(crate) fn new(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            ..Self::default()
        }
    }

    /// Whether it shows nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.facts.is_empty() && self.levels.is_empty() && self.cards.is_empty()
    }

    /// Adds a graph of those lines whose metrics exist, if there are any.
    pub(crate) fn graph(
        &mut self,
        catalog: &Catalog,
        title: impl Into<String>,
        lines: &[(&str, &str, Hue)],
    ) {
        let lines = lines.iter().filter(|(id, _, _)| catalog.has(id));
        let lines: Vec<Line> = lines
            .map(|(id, name, hue)| Line {
                id: (*id).to_owned(),
                name: (*name).to_owned(),
                hue: *hue,
            })
            .collect();
        let Some(first) = lines.first().and_then(|line| catalog.metadata(&line.id)) else {
            return;
        };
        self.cards.push(Card {
            title: title.into(),
            unit: first.unit.clone(),
            maximum: first.maximum,
            lines,
            details: Vec::new(),
            is_small: false,
        });
    }

    /// Adds a graph of one metric, if that exists.
    pub(crate) fn graph_of(
        &mut self,
        catalog: &Catalog,
        title: impl Into<String>,
        id: &str,
        hue: Hue,
    ) {
        let title = title.into();
        self.graph(catalog, title.as_str(), &[(id, title.as_str(), hue)]);
    }

    /// Makes all graphs small.
    pub(crate) fn make_small(&mut self) {
        for card in &mut self.cards {
            card.is_small = true;
        }
    }

    /// Shows a reading beside the title of the last graph, if the metric exists.
    pub(crate) fn detail(&mut self, catalog: &Catalog, id: &str) {
        if let Some(card) = self.cards.last_mut().filter(|_| catalog.has(id)) {
            card.details.push(id.to_owned());
        }
    }

    /// Adds a reading in words, if the metric exists.
    pub(crate) fn fact(&mut self, catalog: &Catalog, name: impl Into<String>, id: &str) {
        if catalog.has(id) {
            self.facts.push(Fact {
                id: id.to_owned(),
                name: name.into(),
            });
        }
    }

    /// Adds a reading of a metric that the catalog does not know, by its id.
    pub(crate) fn unknown_fact(&mut self, id: &str) {
        self.facts.push(Fact {
            id: id.to_owned(),
            name: id.to_owned(),
        });
    }

    /// Adds a share of a whole, if both metrics exist.
    pub(crate) fn level(
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
pub(crate) fn sections(sections: impl IntoIterator<Item = Section>) -> Vec<Section> {
    sections
        .into_iter()
        .filter(|section| !section.is_empty())
        .collect()
}
