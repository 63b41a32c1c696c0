//! Selections: resolved selectors, and their readings from a frame and a baseline.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use crate::{
    expression::Fold,
    metric::Metric,
    rate::{self, Formula},
    reading::{Fault, Reading},
    selector::Selector,
};

use super::{
    frame::{Baseline, Frame},
    node::{Input, Node, Operand},
    visibility::Visibility,
};

/// Resolved selectors: the selected metrics, and the entries with their readings.
#[derive(Debug, Default)]
pub struct Selection {
    /// The selected metrics, in the order of the selectors.
    pub columns: Vec<Column>,
    /// The metrics that the caller may see.
    pub(super) visibility: Visibility,
    /// The entries that are read for the columns, each once.
    pub(super) entries: Vec<usize>,
    /// The position of each entry in `entries`.
    positions: HashMap<usize, usize>,
    /// The columns' metrics, and the metrics that these are derived from.
    nodes: Vec<Node>,
    /// The nodes that need a baseline.
    rates: Vec<usize>,
    /// The selectors without a match: ids of columns whose metrics are gone, and optional selectors.
    missing: Vec<Arc<str>>,
    /// The operands of the expressions, equal ones once.
    operands: Vec<Operand>,
    /// The number of nodes of all operands.
    operand_nodes: usize,
    /// The moment of the monotonic clock, in nanoseconds, at which the kernel's lists of devices were last compared for
    /// it; 0 before its first use.
    lists_compared: AtomicU64,
}

/// One selected metric.
#[derive(Clone, Debug)]
pub struct Column {
    /// The metric.
    pub metric: Arc<Metric>,
    /// The name of its source.
    pub source: Arc<str>,
    /// Whether it is a custom metric.
    pub is_custom: bool,
    /// Its number among the selection's nodes.
    pub(super) node: usize,
}

/// The limit of the nodes of all operands of a selection: one pattern can match thousands of metrics.
const MAX_OPERAND_NODES: usize = 1 << 18;

impl Selection {
    /// Whether the kernel's lists of its devices are to be compared at this moment. If so, they count as compared.
    pub(super) fn lists_are_due(&self, now: Duration) -> bool {
        const MAX_AGE: Duration = Duration::from_secs(5);
        let last = Duration::from_nanos(self.lists_compared.load(Ordering::Relaxed));
        // Its devices were found a moment before the first use.
        let is_first = last.is_zero();
        let is_due = now.saturating_sub(last) >= MAX_AGE;
        if is_due {
            let now = u64::try_from(now.as_nanos()).unwrap_or(u64::MAX);
            self.lists_compared.store(now, Ordering::Relaxed);
        }
        is_due && !is_first
    }

    /// An empty selection for a caller with this visibility.
    pub(super) fn with_visibility(visibility: Visibility) -> Self {
        Self {
            visibility,
            ..Self::default()
        }
    }

    /// Whether the selectors select the same metrics for good: all of them are ids.
    pub fn is_fixed(selectors: &[&str]) -> bool {
        let is_id = |text: &&str| Selector::parse(text).is_ok_and(|selector| selector.is_id());
        !selectors.is_empty() && selectors.iter().all(is_id)
    }

    /// Whether one of the metrics is custom.
    pub fn has_custom(&self) -> bool {
        self.columns.iter().any(|column| column.is_custom)
    }

    /// The selectors that match nothing now: ids whose metrics are gone, and optional selectors.
    pub fn missing(&self) -> &[Arc<str>] {
        &self.missing
    }

    /// Whether the baseline has a snapshot for every rate.
    pub fn is_covered(&self, baseline: &Baseline) -> bool {
        self.rates().all(|position| baseline[position].is_some())
    }

    /// For each rate the position of its entry.
    pub(super) fn rates(&self) -> impl Iterator<Item = usize> {
        self.rate_nodes().filter_map(Node::entry)
    }

    fn rate_nodes(&self) -> impl Iterator<Item = &Node> {
        self.rates.iter().map(|&number| &self.nodes[number])
    }

    /// The readings of a frame, in the order of the columns.
    pub fn readings<'a>(
        &'a self,
        frame: &'a Frame,
        baseline: &'a Baseline,
    ) -> impl Iterator<Item = (&'a Column, Reading)> {
        let derived = self.derived(frame, baseline);
        let columns = self.columns.iter();
        columns.map(move |column| {
            let reading = self.reading(column.node, frame, baseline, &derived);
            (column, reading)
        })
    }

    /// The positions of the entries that another read of a frame may help: those with rates, and those that have not
    /// answered.
    pub fn unfinished(&self, frame: &Frame) -> Vec<usize> {
        let late = frame.unanswered();
        let positions: BTreeSet<_> = late.chain(self.rates()).collect();
        positions.into_iter().collect()
    }

    /// Whether a rate has a baseline, but its counters have not moved since.
    pub fn is_too_soon(&self, frame: &Frame, baseline: &Baseline) -> bool {
        self.rate_nodes().any(|node| {
            node.entry().is_some_and(|position| {
                baseline[position].as_deref().is_some_and(|before| {
                    let now = &frame.snapshots[position];
                    node.metric.formula.evaluate(now, Some(before)) == Err(Fault::First)
                })
            })
        })
    }

    /// The readings of the derived nodes, `None` for other nodes. Each node and each operand is computed once,
    /// however many expressions need it.
    fn derived(&self, frame: &Frame, baseline: &Baseline) -> Vec<Option<Reading>> {
        let mut derived = Vec::new();
        let mut operands = vec![None; self.operands.len()];
        // A node comes after those that it is derived from.
        for (number, node) in self.nodes.iter().enumerate() {
            if let (Input::Operands(positions), Formula::Derived(expression)) =
                (&node.input, &node.metric.formula)
            {
                derived.resize(number, None);
                let values = positions.iter().map(|&position| {
                    let read = |node| self.reading(node, frame, baseline, &derived);
                    *operands[position].get_or_insert_with(|| self.operands[position].value(read))
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
        number: usize,
        frame: &Frame,
        baseline: &Baseline,
        derived: &[Option<Reading>],
    ) -> Reading {
        let node = &self.nodes[number];
        match &node.input {
            Input::Entry(position) => {
                let before = baseline.get(*position).and_then(Option::as_deref);
                let now = &frame.snapshots[*position];
                node.metric.formula.evaluate(now, before)
            }
            Input::Operands(_) => derived
                .get(number)
                .cloned()
                .flatten()
                .unwrap_or(Err(Fault::Gone)),
            Input::Removed => Err(Fault::Gone),
        }
    }

    /// Whether another selection has the same metrics in the same order, derived from the same metrics.
    pub fn is_same(&self, other: &Self) -> bool {
        let columns = |selection: &Self| -> Vec<_> {
            let columns = selection.columns.iter();
            columns.map(|column| column.metric.id.clone()).collect()
        };
        let mut nodes = self.nodes.iter().zip(&other.nodes);
        self.nodes.len() == other.nodes.len()
            && self.entries == other.entries
            && nodes.all(|(ours, theirs)| ours.is_same(theirs))
            && columns(self) == columns(other)
    }

    /// The snapshots of another selection's baseline whose entries this selection has too.
    pub fn carry_over(&self, other: &Self, baseline: &Baseline) -> Baseline {
        let snapshot = |entry: &usize| {
            let &position = other.positions.get(entry)?;
            baseline.get(position).cloned().flatten()
        };
        self.entries.iter().map(snapshot).collect()
    }

    /// The columns by their ids.
    pub(super) fn by_id(&self) -> HashMap<&str, &Column> {
        let columns = self.columns.iter();
        columns.map(|column| (&*column.metric.id, column)).collect()
    }

    /// Adds a column of another selection whose metric is gone.
    pub(super) fn keep(&mut self, other: &Self, column: &Column) {
        let input = match other.nodes[column.node].input {
            // The source decides what its column reads now.
            Input::Entry(position) => Input::Entry(self.position(other.entries[position])),
            Input::Operands(_) | Input::Removed => Input::Removed,
        };
        let node = self.add(column.metric.clone(), input);
        self.missing.push(column.metric.id.clone());
        self.columns.push(Column {
            node,
            ..column.clone()
        });
    }

    /// Adds a selector that matches nothing now.
    pub(super) fn add_missing(&mut self, selector: &str) {
        self.missing.push(selector.into());
    }

    /// The size of the selection: its columns and the nodes of its operands.
    pub(super) fn weight(&self) -> usize {
        self.columns.len().saturating_add(self.operand_nodes)
    }

    /// Adds a node and returns its number.
    pub(super) fn add(&mut self, metric: Arc<Metric>, input: Input) -> usize {
        let number = self.nodes.len();
        if metric.formula.needs_baseline() {
            self.rates.push(number);
        }
        self.nodes.push(Node { metric, input });
        number
    }

    /// Adds an operand and returns its position.
    pub(super) fn add_operand(&mut self, fold: Option<Fold>, nodes: Vec<usize>) -> usize {
        let operand_nodes = self.operand_nodes.saturating_add(nodes.len());
        let nodes = (operand_nodes <= MAX_OPERAND_NODES).then_some(nodes);
        if nodes.is_some() {
            self.operand_nodes = operand_nodes;
        }
        let position = self.operands.len();
        self.operands.push(Operand { fold, nodes });
        position
    }

    /// The position of an entry, which is added if it is new.
    pub(super) fn position(&mut self, entry: usize) -> usize {
        *self.positions.entry(entry).or_insert_with(|| {
            self.entries.push(entry);
            self.entries.len().saturating_sub(1)
        })
    }
}
