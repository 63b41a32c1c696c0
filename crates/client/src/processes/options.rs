//! The options of a table.

use std::collections::{BTreeMap, HashMap};

use zbus::Variant;

use crate::options::{OptionsDict, SampleOptions};

/// The options of a table: filter, order and limit of its rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableOptions {
    /// The field to order by, with `-` before it for the largest first; pid by default.
    pub order: Option<String>,
    /// The greatest number of rows.
    pub limit: Option<u32>,
    /// Patterns by field: a text with `*` for anything, or a number, perhaps behind `>=`, `<=`, `>` or `<`.
    pub filter: BTreeMap<String, String>,
}

impl TableOptions {
    /// The same, ordered by a field, with `-` before it for the largest first.
    pub fn ordered_by(self, order: &str) -> Self {
        Self {
            order: Some(order.to_owned()),
            ..self
        }
    }

    /// The same, limited to so many rows.
    pub fn limited_to(self, limit: u32) -> Self {
        Self {
            limit: Some(limit),
            ..self
        }
    }

    /// The same, filtered also by a pattern of a field.
    pub fn filtered_by(mut self, field: &str, pattern: &str) -> Self {
        self.filter.insert(field.to_owned(), pattern.to_owned());
        self
    }

    pub(super) fn options(&self) -> OptionsDict<'_> {
        let mut options = OptionsDict::new();
        if let Some(order) = &self.order {
            options.insert("order", Variant::from(order.as_str()));
        }
        if let Some(limit) = self.limit {
            options.insert("limit", Variant::from(limit));
        }
        if !self.filter.is_empty() {
            let filter: HashMap<&str, &str> = self
                .filter
                .iter()
                .map(|(field, pattern)| (field.as_str(), pattern.as_str()))
                .collect();
            options.insert("filter", Variant::from(filter));
        }
        options
    }
}

/// The options of a table that is read once.
pub(super) fn options_dict(table: &TableOptions, sample: SampleOptions) -> OptionsDict<'_> {
    let mut options = table.options();
    options.extend(sample.options());
    options
}
