//! The metadata of metrics.

use std::collections::HashMap;

use zbus::OwnedVariant;

use crate::variants::take;

/// The metadata of a metric.
#[derive(Clone, Debug, PartialEq)]
pub struct Metadata {
    /// A short name for a person, in English.
    pub name: String,
    /// What the number means, in a sentence.
    pub description: String,
    /// The unit, in UCUM; empty for a text.
    pub unit: String,
    /// `gauge`, `rate`, `total` or `text`.
    pub kind: String,
    /// The source that reads it.
    pub source: String,
    /// The smallest possible value, if known.
    pub minimum: Option<f64>,
    /// The largest possible value, if known.
    pub maximum: Option<f64>,
}

impl Metadata {
    pub(crate) fn new(mut properties: HashMap<String, OwnedVariant>) -> Self {
        Self {
            name: take(&mut properties, "name").unwrap_or_default(),
            description: take(&mut properties, "description").unwrap_or_default(),
            unit: take(&mut properties, "unit").unwrap_or_default(),
            kind: take(&mut properties, "kind").unwrap_or_default(),
            source: take(&mut properties, "source").unwrap_or_default(),
            minimum: take(&mut properties, "minimum"),
            maximum: take(&mut properties, "maximum"),
        }
    }
}
