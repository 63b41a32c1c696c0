//! The metrics of a watch, the side of each, and the crossings that its owner has not been told yet.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use crate::{
    metric::Kind,
    store::{Column, Store},
};

use super::{
    event::Crossing,
    metrics::{Metrics, SharedFrames},
    threshold::{Direction, Side, Threshold},
};

/// The most crossings that are told at once: a pattern can match thousands of metrics. The others are told with the next
/// reading.
const MAX_AT_ONCE: usize = 128;

/// The approximate bytes of a `Crossed` on the bus beside the id.
const SIGNAL_BYTES: usize = 256;

/// The subject of a watch.
pub(crate) struct Crossings {
    pub(crate) metrics: Metrics,
    pub(crate) threshold: Threshold,
    /// The side of each column of the selection; `None` for a text.
    sides: Vec<Option<Side>>,
    has_read: bool,
    count: u64,
    /// The last crossing of each metric in each direction that is not told yet: a client that does not read makes this
    /// no longer, and learns of each once it reads again.
    untold: BTreeMap<(Arc<str>, Direction), Crossing>,
}

impl Crossings {
    /// `crossed` are the ids of metrics that have crossed before.
    pub(crate) fn new(metrics: Metrics, threshold: Threshold, crossed: &[String]) -> Self {
        let crossed: HashSet<&str> = crossed.iter().map(String::as_str).collect();
        let columns = metrics.selection.columns.iter();
        let sides = columns.map(|column| {
            has_numbers(column).then(|| match crossed.contains(&*column.metric.id) {
                true => Side::crossed(),
                false => Side::default(),
            })
        });
        Self {
            sides: sides.collect(),
            metrics,
            threshold,
            has_read: false,
            count: 0,
            untold: BTreeMap::new(),
        }
    }

    /// The columns that are watched: all but the texts.
    pub(crate) fn columns(&self) -> impl Iterator<Item = &Column> {
        let columns = self.metrics.selection.columns.iter();
        columns.filter(|column| has_numbers(column))
    }

    /// Whether the metrics were read before.
    pub(super) fn has_read(&self) -> bool {
        self.has_read
    }

    /// Resolves the selectors again. Metrics that vanish are forgotten.
    pub(super) fn reselect(&mut self, store: &Store, limit: usize) {
        let before = self.metrics.selection.clone();
        self.metrics.reselect(store, limit);
        let ids = before.columns.iter().map(|column| &column.metric.id);
        let mut known: HashMap<_, _> = ids.zip(self.sides.drain(..)).collect();
        if !self.metrics.missing.is_empty() {
            // The selector matches nothing now.
            known.clear();
        }
        let columns = self.metrics.selection.columns.iter();
        let sides = columns.map(|column| {
            let side = known.get(&column.metric.id).copied().flatten();
            has_numbers(column).then(|| side.unwrap_or_default())
        });
        self.sides = sides.collect();
    }

    /// Reads the metrics at `now`. Returns the number of crossings that the owner will never be told, because later ones
    /// of the same metric have taken their place.
    pub(super) fn read(&mut self, store: &Store, now: Duration, frames: &mut SharedFrames) -> u64 {
        self.has_read = true;
        let (timestamp, values) = self.metrics.values(store, now, frames);
        let mut replaced = 0_u64;
        let columns = self.metrics.selection.columns.iter();
        for ((column, side), &value) in columns.zip(&mut self.sides).zip(&*values) {
            let Some(side) = side else { continue };
            let reading = (!value.is_nan()).then_some(value);
            let Some(direction) = side.take(&self.threshold, reading, now) else {
                continue;
            };
            if !self.threshold.tells(direction) {
                continue;
            }
            self.count = self.count.saturating_add(1);
            let id = column.metric.id.clone();
            let crossing = Crossing {
                timestamp,
                id: id.clone(),
                value,
                direction,
                number: self.count,
            };
            let earlier = self.untold.insert((id, direction), crossing);
            replaced = replaced.saturating_add(earlier.is_some().into());
        }
        replaced
    }

    /// Whether there is something to tell.
    pub(super) fn has_untold(&self) -> bool {
        !self.untold.is_empty()
    }

    /// Takes the crossings to be told next, in their order, and their bytes.
    pub(super) fn take_untold(&mut self) -> (Vec<Crossing>, usize) {
        let mut untold: Vec<_> = std::mem::take(&mut self.untold).into_values().collect();
        untold.sort_by_key(|crossing| crossing.number);
        let later = untold.split_off(untold.len().min(MAX_AT_ONCE));
        let key = |crossing: &Crossing| (crossing.id.clone(), crossing.direction);
        self.untold
            .extend(later.into_iter().map(|crossing| (key(&crossing), crossing)));
        let bytes = untold.iter().map(|crossing| crossing.id.len());
        let bytes = bytes.fold(0_usize, |all, id| {
            all.saturating_add(id).saturating_add(SIGNAL_BYTES)
        });
        (untold, bytes)
    }
}

/// Whether the readings of a column are numbers.
pub(crate) fn has_numbers(column: &Column) -> bool {
    column.metric.kind != Kind::Text
}
