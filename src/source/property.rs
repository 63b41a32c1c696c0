//! What the metrics of one property have in common, whichever object has it.

use std::borrow::Cow;

use crate::{
    metric::{Kind, Metric, unit},
    object,
    rate::Formula,
};

/// A property of objects: `read` of disks.
#[derive(Clone, Copy)]
pub(crate) struct Property {
    id: &'static str,
    label: &'static str,
    description: &'static str,
    unit: &'static str,
    kind: Kind,
    maximum: Option<f64>,
}

impl Property {
    /// What is called `id` in the ids and `label` in names. Of the numbers, only temperatures may be
    /// negative.
    pub(crate) const fn new(
        id: &'static str,
        label: &'static str,
        description: &'static str,
        unit: &'static str,
        kind: Kind,
    ) -> Self {
        let is_share = matches!(unit.as_bytes(), b"%");
        Self {
            id,
            label,
            description,
            unit,
            kind,
            maximum: if is_share { Some(100.0) } else { None },
        }
    }

    /// A fact.
    pub(crate) const fn text(
        id: &'static str,
        label: &'static str,
        description: &'static str,
    ) -> Self {
        Self::new(id, label, description, unit::NONE, Kind::Text)
    }

    /// The metric of one object, which is called `whose` in names.
    pub(crate) fn of(&self, source: &str, object: &[u8], whose: &str, formula: Formula) -> Metric {
        Metric {
            id: format!("{source}/{}/{}", object::escape(object), self.id).into(),
            name: format!("{whose} {}", self.label).into(),
            description: Cow::Borrowed(self.description),
            unit: Cow::Borrowed(self.unit),
            kind: self.kind,
            minimum: (self.kind != Kind::Text && self.unit != unit::CELSIUS).then_some(0.0),
            maximum: self.maximum,
            formula,
        }
    }
}

/// A metric that is a text, and of no object.
pub(crate) fn text_metric(
    id: &'static str,
    name: &'static str,
    description: &'static str,
    column: usize,
) -> Metric {
    Metric {
        id: id.into(),
        name: Cow::Borrowed(name),
        description: Cow::Borrowed(description),
        unit: Cow::Borrowed(unit::NONE),
        kind: Kind::Text,
        minimum: None,
        maximum: None,
        formula: Formula::Level(column),
    }
}
