//! What is selected, and what is read for it.

use std::{collections::HashMap, sync::Arc};

use crate::{
    expression::Fold,
    metric::Metric,
    rate::{self, Formula},
    reading::{Fault, Reading, Snapshot, Stamp, Value},
    selector::Selector,
};

use super::visibility::Visibility;

/// Metrics that were selected, and where to read them.
#[derive(Debug, Default)]
pub struct Selection {
    /// What was selected, in the order of the selectors.
    pub columns: Vec<Column>,
    /// The metrics that were shown.
    pub(super) view: Visibility,
    /// The cells that the columns come from, each once.
    pub(super) cells: Vec<usize>,
    /// The place of each cell among them.
    places: HashMap<usize, usize>,
    /// What is read for the columns: their metrics, and those that some of them are derived from.
    nodes: Vec<Node>,
    /// The ids among the columns that are not there.
    missing: Vec<Arc<str>>,
    /// The inputs of the expressions among them, equal ones once.
    inputs: Vec<Input>,
    /// How many nodes the inputs have, in all.
    weight: usize,
}

/// One selected metric.
#[derive(Clone, Debug)]
pub struct Column {
    /// The metric.
    pub metric: Arc<Metric>,
    /// The name of its source.
    pub source: Arc<str>,
    /// Whether the user has defined it.
    pub is_custom: bool,
    /// Which of the selection's nodes it is.
    pub(super) node: usize,
}

/// A metric, and where its reading comes from.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) metric: Arc<Metric>,
    pub(super) from: From,
}

/// An input of expressions: nodes, which all come before those that are derived from them.
#[derive(Debug)]
struct Input {
    fold: Option<Fold>,
    /// None, if they are too many.
    nodes: Option<Vec<usize>>,
}

/// How many metrics all inputs of a selection may mean together: a pattern can mean thousands.
const MOST_MEANT: usize = 1 << 18;

/// Where a reading comes from.
#[derive(Debug)]
pub(super) enum From {
    /// One of the selection's cells, by its place among them.
    Cell(usize),
    /// The inputs of an expression, by their places among those of the selection.
    Inputs(Vec<usize>),
    /// What was derived, and is no longer defined.
    Nowhere,
}

/// What was read for a selection: a snapshot for each of its cells.
#[derive(Clone, Debug)]
pub struct Frame {
    /// The earliest moment of reading among the snapshots, in microseconds since the Unix epoch:
    /// nothing in the frame is older.
    pub timestamp: u64,
    pub(super) snapshots: Vec<Arc<Snapshot>>,
}

/// What the rates of a selection are compared with: an earlier snapshot, where there is one.
pub type Baseline = Vec<Option<Arc<Snapshot>>>;

impl Selection {
    /// Nothing yet, of the metrics that are shown.
    pub(super) fn with_visibility(view: Visibility) -> Self {
        Self {
            view,
            ..Self::default()
        }
    }

    /// Whether selectors mean the same metrics for good: all of them are ids.
    pub fn is_fixed(selectors: &[&str]) -> bool {
        let is_id = |text: &&str| Selector::parse(text).is_ok_and(|selector| selector.is_id());
        !selectors.is_empty() && selectors.iter().all(is_id)
    }

    /// Whether a metric is among them that the user has defined.
    pub fn has_custom(&self) -> bool {
        self.columns.iter().any(|column| column.is_custom)
    }

    /// The ids that were selected and are not there any more.
    pub fn missing(&self) -> &[Arc<str>] {
        &self.missing
    }

    /// Whether every rate has something to compare with.
    pub fn is_covered(&self, baseline: &Baseline) -> bool {
        self.rates().all(|place| baseline[place].is_some())
    }

    /// For each rate the place of its cell among those of the selection.
    pub(super) fn rates(&self) -> impl Iterator<Item = usize> {
        let rates = self.nodes.iter();
        let rates = rates.filter(|node| node.metric.formula.needs_baseline());
        rates.filter_map(|node| match node.from {
            From::Cell(place) => Some(place),
            From::Inputs(_) | From::Nowhere => None,
        })
    }

    /// The readings of a frame, in the order of the columns.
    pub fn readings<'a>(
        &'a self,
        frame: &'a Frame,
        baseline: &'a Baseline,
    ) -> impl Iterator<Item = (&'a Column, Reading)> {
        let derived = self.all_derived(frame, baseline);
        let columns = self.columns.iter();
        columns.map(move |column| {
            let reading = self.reading(column.node, frame, baseline, &derived);
            (column, reading)
        })
    }

    /// Whether a rate has something to compare with, but its counters have not moved yet.
    pub fn is_too_soon(&self, frame: &Frame, baseline: &Baseline) -> bool {
        let rates = self.nodes.iter();
        let mut rates = rates.filter(|node| node.metric.formula.needs_baseline());
        rates.any(|node| match node.from {
            From::Cell(place) => baseline[place].as_deref().is_some_and(|before| {
                let now = &frame.snapshots[place];
                node.metric.formula.evaluate(now, Some(before)) == Err(Fault::First)
            }),
            From::Inputs(_) | From::Nowhere => false,
        })
    }

    /// The readings of all nodes that are derived, each computed once however many others need it, as is
    /// each input; none for other nodes.
    fn all_derived(&self, frame: &Frame, baseline: &Baseline) -> Vec<Option<Reading>> {
        let mut derived = Vec::new();
        let mut inputs = vec![None; self.inputs.len()];
        // A node comes after those that it is derived from.
        for (at, node) in self.nodes.iter().enumerate() {
            if let (From::Inputs(places), Formula::Derived(expression)) =
                (&node.from, &node.metric.formula)
            {
                derived.resize(at, None);
                let values = places.iter().map(|&place| {
                    let read = |node| self.reading(node, frame, baseline, &derived);
                    *inputs[place].get_or_insert_with(|| self.inputs[place].value(read))
                });
                let values: Result<Vec<_>, Fault> = values.collect();
                let reading = values.and_then(|values| rate::finite(expression.evaluate(&values)));
                derived.push(Some(reading));
            }
        }
        derived
    }

    fn reading(
        &self,
        at: usize,
        frame: &Frame,
        baseline: &Baseline,
        derived: &[Option<Reading>],
    ) -> Reading {
        let node = &self.nodes[at];
        match &node.from {
            From::Cell(place) => {
                let before = baseline.get(*place).and_then(Option::as_deref);
                let now = &frame.snapshots[*place];
                node.metric.formula.evaluate(now, before)
            }
            From::Inputs(_) => derived
                .get(at)
                .cloned()
                .flatten()
                .unwrap_or(Err(Fault::Gone)),
            From::Nowhere => Err(Fault::Gone),
        }
    }

    /// Whether another selection has the same metrics in the same order, from the same others.
    pub fn is_same(&self, other: &Self) -> bool {
        let columns = |selection: &Self| -> Vec<_> {
            let columns = selection.columns.iter();
            columns.map(|column| column.metric.id.clone()).collect()
        };
        let mut nodes = self.nodes.iter().zip(&other.nodes);
        self.nodes.len() == other.nodes.len()
            && self.cells == other.cells
            && nodes.all(|(ours, theirs)| ours.is_same(theirs))
            && columns(self) == columns(other)
    }

    /// The baseline of another selection, as far as it will do for this one.
    pub fn carry_over(&self, other: &Self, baseline: &Baseline) -> Baseline {
        let of = |cell: &usize| {
            let &place = other.places.get(cell)?;
            baseline.get(place).cloned().flatten()
        };
        self.cells.iter().map(of).collect()
    }

    /// The columns by their ids.
    pub(super) fn by_id(&self) -> HashMap<&str, &Column> {
        let columns = self.columns.iter();
        columns.map(|column| (&*column.metric.id, column)).collect()
    }

    /// Keeps a column that another selection has, and that there is no longer.
    pub(super) fn keep(&mut self, other: &Self, column: &Column) {
        let from = match other.nodes[column.node].from {
            // Its source knows best what it is to read now.
            From::Cell(place) => From::Cell(self.place(other.cells[place])),
            From::Inputs(_) | From::Nowhere => From::Nowhere,
        };
        let node = self.add(column.metric.clone(), from);
        self.missing.push(column.metric.id.clone());
        self.columns.push(Column {
            node,
            ..column.clone()
        });
    }

    /// How much there is of it: columns, and what they are derived from.
    pub(super) fn weight(&self) -> usize {
        self.columns.len().saturating_add(self.weight)
    }

    /// Adds a node; its number.
    pub(super) fn add(&mut self, metric: Arc<Metric>, from: From) -> usize {
        let place = self.nodes.len();
        self.nodes.push(Node { metric, from });
        place
    }

    /// Adds an input of expressions; its number.
    pub(super) fn add_input(&mut self, fold: Option<Fold>, nodes: Vec<usize>) -> usize {
        let weight = self.weight.saturating_add(nodes.len());
        let nodes = (weight <= MOST_MEANT).then_some(nodes);
        if nodes.is_some() {
            self.weight = weight;
        }
        let place = self.inputs.len();
        self.inputs.push(Input { fold, nodes });
        place
    }

    /// The place of a cell among those of the selection, where it has one from now on.
    pub(super) fn place(&mut self, cell: usize) -> usize {
        *self.places.entry(cell).or_insert_with(|| {
            self.cells.push(cell);
            self.cells.len().saturating_sub(1)
        })
    }
}

impl Input {
    /// The one number of what is meant. A fault of a metric that is named is its own; what a pattern means
    /// is folded as far as it can be read.
    fn value(&self, read: impl Fn(usize) -> Reading) -> Result<f64, Fault> {
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

impl Node {
    fn is_same(&self, other: &Self) -> bool {
        let is_nowhere = |node: &Self| matches!(node.from, From::Nowhere);
        self.metric == other.metric && is_nowhere(self) == is_nowhere(other)
    }
}

impl Frame {
    pub(super) fn new(snapshots: Vec<Arc<Snapshot>>) -> Self {
        let moments = snapshots.iter().map(|snapshot| snapshot.stamp.realtime);
        Self {
            timestamp: moments.min().unwrap_or_else(|| Stamp::now().realtime),
            snapshots,
        }
    }

    /// This frame, as what the next one is compared with.
    pub fn into_baseline(self) -> Baseline {
        self.snapshots.into_iter().map(Some).collect()
    }
}
