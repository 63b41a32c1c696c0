//! A file of definitions, parsed.

pub(in crate::custom) mod cycle;
mod defaults;
mod dependencies;
mod id;
pub(in crate::custom) mod parse;
mod table;

use std::{borrow::Cow, path, sync::Arc, time::Duration};

use crate::{
    custom::command,
    diagnostic::Position,
    expression::Expression,
    metric::{Group, Kind, Limits, Metric, Object, two_words},
    rate::Formula,
};

use super::extract::Extract;

/// A custom metric.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Definition {
    pub(super) id: Arc<str>,
    pub(super) name: String,
    pub(super) description: String,
    /// The title of its object.
    pub(super) object: String,
    pub(super) unit: String,
    pub(super) kind: Kind,
    pub(super) minimum: Option<f64>,
    pub(super) maximum: Option<f64>,
    pub(super) limits: Limits,
    /// The number of decimals to display; `None` for the usual one of the unit.
    pub(super) precision: Option<u8>,
    pub(super) origin: ValueOrigin,
    /// The position of its key, for the diagnostic of a second definition of the id.
    pub(super) position: Position,
}

/// The origin of a metric's values.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum ValueOrigin {
    /// A file.
    File { path: Path, part: Part },
    /// The output of a command.
    Command { command: Arc<Command>, part: Part },
    /// Other metrics.
    Expression(Arc<Expression>),
}

/// A path, which may have `*` in it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Path(pub(super) String);

impl Path {
    /// Whether it contains `*`, so that a search finds the file.
    pub(super) fn is_pattern(&self) -> bool {
        self.0.contains('*')
    }
}

/// The part of a text that is the value.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Part {
    pub(super) extract: Arc<Extract>,
    /// The age of the file beyond which its value is stale.
    pub(super) stale_after: Option<Duration>,
}

/// A command, and the name by which metrics refer to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Command {
    pub(super) name: String,
    pub(super) run: command::Command,
}

/// A text that is read once for all metrics in it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Reader {
    File(Path),
    Command(String),
    /// Nothing is read for an expression.
    Expressions,
}

impl Reader {
    /// The path of the file, for messages.
    pub(super) fn path(&self) -> &path::Path {
        match self {
            Self::File(Path(path)) => path.as_ref(),
            Self::Command(_) | Self::Expressions => path::Path::new(""),
        }
    }
}

impl Definition {
    /// The reader of its text.
    pub(super) fn reader(&self) -> Reader {
        match &self.origin {
            ValueOrigin::File { path, .. } => Reader::File(path.clone()),
            ValueOrigin::Command { command, .. } => Reader::Command(command.name.clone()),
            ValueOrigin::Expression(_) => Reader::Expressions,
        }
    }

    /// The part of the reader's text that is its value.
    pub(super) fn part(&self) -> Option<&Part> {
        match &self.origin {
            ValueOrigin::File { part, .. } | ValueOrigin::Command { part, .. } => Some(part),
            ValueOrigin::Expression(_) => None,
        }
    }

    /// The metric, with this formula.
    pub(super) fn metric(&self, formula: Formula) -> Metric {
        let object = Object::new(&self.object, Group::Custom);
        let unit = self.unit.clone();
        let metric = Metric::new(self.id.clone(), object, unit, self.kind, formula);
        Metric {
            name: self.name.clone().into(),
            short: two_words(&self.name).map(Cow::Owned),
            description: self.description.clone().into(),
            formula_text: self.origin.to_string().into(),
            precision: self.precision.or(metric.precision),
            minimum: self.minimum,
            maximum: self.maximum,
            limits: self.limits,
            ..metric
        }
    }
}
