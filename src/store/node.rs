//! The nodes of a selection: its metrics and those that they are derived from, with the origins of their
//! readings.

use std::sync::Arc;

use crate::{
    expression::Fold,
    metric::Metric,
    reading::{Fault, Reading, Value},
};

/// A metric and the origin of its reading.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) metric: Arc<Metric>,
    pub(super) input: Input,
}

/// The origin of a reading.
#[derive(Debug)]
pub(super) enum Input {
    /// An entry, by its position among those of the selection.
    Entry(usize),
    /// The operands of an expression, by their positions among those of the selection.
    Operands(Vec<usize>),
    /// None: the expression is not defined any more.
    Removed,
}

/// An operand of expressions. Its nodes come before the nodes that are derived from them.
#[derive(Debug)]
pub(super) struct Operand {
    pub(super) fold: Option<Fold>,
    /// `None` if they are too many.
    pub(super) nodes: Option<Vec<usize>>,
}

impl Node {
    /// The position of the entry with the reading, if the node is not derived.
    pub(super) fn entry(&self) -> Option<usize> {
        match self.input {
            Input::Entry(position) => Some(position),
            Input::Operands(_) | Input::Removed => None,
        }
    }

    pub(super) fn is_same(&self, other: &Self) -> bool {
        let is_removed = |node: &Self| matches!(node.input, Input::Removed);
        self.metric == other.metric && is_removed(self) == is_removed(other)
    }
}

impl Operand {
    /// The number of the operand. A single metric hands on its fault; a fold skips the metrics with faults, and has
    /// a fault only if all have.
    pub(super) fn value(&self, read: impl Fn(usize) -> Reading) -> Result<f64, Fault> {
        let nodes = self.nodes.as_ref().ok_or(Fault::Malformed)?;
        let mut values = Vec::with_capacity(nodes.len());
        let mut fault = None;
        for &node in nodes {
            match read(node) {
                Ok(Value::Number(number)) => values.push(number),
                Ok(Value::Text(_)) => fault = fault.or(Some(Fault::Malformed)),
                Err(cause) => fault = fault.or(Some(cause)),
            }
        }
        match (self.fold, values.first()) {
            (None, Some(value)) => Ok(*value),
            (Some(fold), Some(_)) => Ok(fold.apply(&values)),
            (Some(Fold::Count), None) => Ok(0.0),
            (_, None) => Err(fault.unwrap_or(Fault::Gone)),
        }
    }
}
