//! What is selected, and what is read for it.

use std::sync::Arc;

use crate::reading::{Metric, Reading, Snapshot, Stamp};

/// Metrics that were selected, and where to read them.
#[derive(Debug)]
pub struct Selection {
    /// What was selected, in the order of the selectors.
    pub columns: Vec<Column>,
    /// The cells that the columns come from, each once.
    pub(super) cells: Vec<usize>,
}

/// One selected metric.
#[derive(Clone, Debug)]
pub struct Column {
    /// The metric.
    pub metric: Arc<Metric>,
    /// The name of its source.
    pub source: Arc<str>,
    /// Which of the selection's cells it is read from.
    pub(super) place: usize,
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
    /// Whether every rate has something to compare with.
    pub fn is_covered(&self, baseline: &Baseline) -> bool {
        let mut rates = self
            .columns
            .iter()
            .filter(|column| column.metric.formula.needs_baseline());
        rates.all(|column| baseline[column.place].is_some())
    }

    /// For each column whether it is a rate that has something to compare with.
    pub fn is_compared(&self, baseline: &Baseline) -> impl Iterator<Item = bool> {
        self.columns.iter().map(|column| {
            let before = baseline.get(column.place).and_then(Option::as_ref);
            column.metric.formula.needs_baseline() && before.is_some()
        })
    }

    /// The readings of a frame, in the order of the columns.
    pub fn readings<'a>(
        &'a self,
        frame: &'a Frame,
        baseline: &'a Baseline,
    ) -> impl Iterator<Item = (&'a Column, Reading)> {
        self.columns.iter().map(|column| {
            let before = baseline.get(column.place).and_then(Option::as_deref);
            let now = &frame.snapshots[column.place];
            (column, column.metric.formula.evaluate(now, before))
        })
    }

    /// Whether another selection has the same metrics in the same order, and reads them alike.
    pub fn is_same(&self, other: &Self) -> bool {
        let is_same = |(one, two): (&Column, &Column)| {
            one.metric == two.metric && self.cells[one.place] == other.cells[two.place]
        };
        self.columns.len() == other.columns.len()
            && self.columns.iter().zip(&other.columns).all(is_same)
    }

    /// The baseline of another selection, as far as it will do for this one.
    pub fn carry_over(&self, other: &Self, baseline: &Baseline) -> Baseline {
        let of = |cell: &usize| {
            let place = other.cells.iter().position(|known| known == cell)?;
            baseline.get(place).cloned().flatten()
        };
        self.cells.iter().map(of).collect()
    }

    /// Keeps the column of an id that another selection has.
    pub(super) fn keep(&mut self, other: &Self, id: &str) {
        let mut columns = other.columns.iter();
        if let Some(column) = columns.find(|column| *column.metric.id == *id) {
            let cell = other.cells[column.place];
            self.add(cell, column.metric.clone(), column.source.clone());
        }
    }

    /// Adds a metric of a cell.
    pub(super) fn add(&mut self, cell: usize, metric: Arc<Metric>, source: Arc<str>) {
        let known = self.cells.iter().position(|&known| known == cell);
        let place = known.unwrap_or_else(|| {
            self.cells.push(cell);
            self.cells.len() - 1
        });
        self.columns.push(Column {
            metric,
            source,
            place,
        });
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
