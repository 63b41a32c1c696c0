//! Properties: the common part of the metrics that several objects have.

use std::borrow::Cow;

use crate::{
    metric::{Kind, Limits, Metric, Object, unit},
    object,
    rate::Formula,
};

/// The scale and the limits of a metric, as far as a device tells them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Range {
    pub(crate) minimum: Option<f64>,
    pub(crate) maximum: Option<f64>,
    pub(crate) limits: Limits,
}

impl Range {
    /// Sets the scale and the limits of a metric. It keeps its own scale where the device tells none, or a minimum that
    /// is not below the maximum.
    pub(crate) fn apply(&self, metric: &mut Metric) {
        let ends = self.minimum.zip(self.maximum);
        if ends.is_none_or(|(minimum, maximum)| minimum < maximum) {
            metric.minimum = self.minimum.or(metric.minimum);
            metric.maximum = self.maximum.or(metric.maximum);
        }
        metric.limits = self.limits;
    }
}

/// A property of objects: `read` of disks.
#[derive(Clone, Copy)]
pub(crate) struct Property {
    id: &'static str,
    name: &'static str,
    short: Option<&'static str>,
    description: &'static str,
    formula: &'static str,
    unit: &'static str,
    kind: Kind,
    precision: Option<u8>,
    maximum: Option<f64>,
}

impl Property {
    /// A property called `id` in ids. The description is a sentence for a tooltip; the formula names the kernel's file,
    /// as proc(5) and the kernel's documentation spell its fields. Its minimum is 0 unless it is a temperature or a text.
    pub(crate) const fn new(
        id: &'static str,
        name: &'static str,
        description: &'static str,
        formula: &'static str,
        unit: &'static str,
        kind: Kind,
    ) -> Self {
        let is_share = matches!(unit.as_bytes(), b"%");
        Self {
            id,
            name,
            short: None,
            description,
            formula,
            unit,
            kind,
            precision: None,
            maximum: if is_share { Some(100.0) } else { None },
        }
    }

    /// A text.
    pub(crate) const fn text(
        id: &'static str,
        name: &'static str,
        description: &'static str,
        formula: &'static str,
    ) -> Self {
        Self::new(id, name, description, formula, unit::NONE, Kind::Text)
    }

    /// The property in ids.
    #[cfg(test)]
    pub(crate) fn id(&self) -> &'static str {
        self.id
    }

    /// The same, with a number of decimals that is unusual for its unit.
    pub(crate) const fn precision(self, decimals: u8) -> Self {
        Self {
            precision: Some(decimals),
            ..self
        }
    }

    /// The same, with a name of two words: its own has more.
    pub(crate) const fn short(self, name: &'static str) -> Self {
        Self {
            short: Some(name),
            ..self
        }
    }

    /// The metric of one object, which is called `id` in ids.
    pub(crate) fn of(&self, source: &str, id: &[u8], object: &Object, formula: Formula) -> Metric {
        let id = format!("{source}/{}/{}", object::escape(id), self.id);
        let metric = Metric::new(id, object.clone(), self.unit, self.kind, formula);
        Metric {
            name: Cow::Borrowed(self.name),
            short: self.short.map(Cow::Borrowed),
            description: Cow::Borrowed(self.description),
            formula_text: Cow::Borrowed(self.formula),
            precision: self.precision.or(metric.precision),
            minimum: (self.kind != Kind::Text && self.unit != unit::CELSIUS).then_some(0.0),
            maximum: self.maximum,
            ..metric
        }
    }
}
