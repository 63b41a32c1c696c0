//! What a file of definitions says, understood.

pub(in crate::custom) mod cycle;
mod dependencies;
mod entry;
mod id;
pub(in crate::custom) mod parse;

use std::{path, sync::Arc, time::Duration};

use crate::{
    custom::command,
    diagnostic::Position,
    expression::Expression,
    metric::{Kind, Metric},
    rate::Formula,
};

use super::extract::Extract;

/// A metric that the user has defined.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Definition {
    pub(super) id: Arc<str>,
    pub(super) name: String,
    pub(super) description: String,
    pub(super) unit: String,
    pub(super) kind: Kind,
    pub(super) minimum: Option<f64>,
    pub(super) maximum: Option<f64>,
    pub(super) origin: Origin,
    /// Where its key is, for who defines the same id again.
    pub(super) position: Position,
}

/// Where its values come from.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Origin {
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
    /// Whether there is a `*` in it, so that it is looked for what has this form.
    pub(super) fn is_pattern(&self) -> bool {
        self.0.contains('*')
    }
}

/// What of a text is meant.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Part {
    pub(super) extract: Arc<Extract>,
    /// How old the file may be.
    pub(super) stale_after: Option<Duration>,
}

/// A command, and what its metrics call it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Command {
    pub(super) name: String,
    pub(super) run: command::Command,
}

/// What is read as a whole, once for all metrics that are found in it.
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
    /// What reads it.
    pub(super) fn reader(&self) -> Reader {
        match &self.origin {
            Origin::File { path, .. } => Reader::File(path.clone()),
            Origin::Command { command, .. } => Reader::Command(command.name.clone()),
            Origin::Expression(_) => Reader::Expressions,
        }
    }

    /// What of the reader's text it means.
    pub(super) fn part(&self) -> Option<&Part> {
        match &self.origin {
            Origin::File { part, .. } | Origin::Command { part, .. } => Some(part),
            Origin::Expression(_) => None,
        }
    }

    /// The metric, with this formula.
    pub(super) fn metric(&self, formula: Formula) -> Metric {
        Metric {
            id: self.id.clone(),
            name: self.name.clone().into(),
            description: self.description.clone().into(),
            unit: self.unit.clone().into(),
            kind: self.kind,
            minimum: self.minimum,
            maximum: self.maximum,
            formula,
        }
    }
}
