//! Properties: the common part of the metrics that several objects have.

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
    /// A property called `id` in ids and `label` in names. Its minimum is 0 unless it is a temperature or a text.
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

    /// A text.
    pub(crate) const fn text(
        id: &'static str,
        label: &'static str,
        description: &'static str,
    ) -> Self {
        Self::new(id, label, description, unit::NONE, Kind::Text)
    }

    /// The metric of one object, with `owner` for the object in names.
    pub(crate) fn of(&self, source: &str, object: &[u8], owner: &str, formula: Formula) -> Metric {
        Metric {
            id: format!("{source}/{}/{}", object::escape(object), self.id).into(),
            name: format!("{owner} {}", self.label).into(),
            description: Cow::Borrowed(self.description),
            unit: Cow::Borrowed(self.unit),
            kind: self.kind,
            minimum: (self.kind != Kind::Text && self.unit != unit::CELSIUS).then_some(0.0),
            maximum: self.maximum,
            formula,
        }
    }
}

/// A metric that is a text and belongs to no object.
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
