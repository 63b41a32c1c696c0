//! The last snapshots of counters, for the successor of this process.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
    time::Duration,
};

use super::{Store, entry::Entry};
use crate::reading::{Raw, Snapshot};

/// The last snapshot of a source with counters.
#[derive(Clone, Debug)]
pub(crate) struct LastCounters {
    /// The fingerprint of the source: its name, and the ids and formulas of its metrics. They tell the place of each column.
    pub(crate) source: u64,
    /// The snapshot.
    pub(crate) snapshot: Arc<Snapshot>,
}

impl Store {
    /// The last snapshots of all sources with rates.
    pub(crate) fn last_counters(&self) -> Vec<LastCounters> {
        let inner = self.lock();
        let entries = inner.entries.iter();
        let counters = entries.filter_map(|(_, entry)| {
            let snapshot = entry.latest(Duration::ZERO)?;
            let is_counter = |column: &Raw| matches!(column, Raw::Counter(_));
            snapshot.columns.iter().any(is_counter).then_some(())?;
            Some(LastCounters {
                source: fingerprint(entry)?,
                snapshot: snapshot.clone(),
            })
        });
        counters.collect()
    }

    /// Makes the snapshots of a predecessor baselines of the sources that are the same. Other rules for baselines, such as
    /// their greatest age, stay.
    pub(crate) fn inherit_counters(&self, counters: &[LastCounters]) {
        if counters.is_empty() {
            return;
        }
        let mut inner = self.lock();
        for (_, entry) in inner.entries.iter_mut() {
            let Some(source) = fingerprint(entry) else {
                continue;
            };
            if let Some(counters) = counters.iter().find(|counters| counters.source == source) {
                entry.inherit(&counters.snapshot);
            }
        }
    }
}

/// The fingerprint of a source with rates; `None` for others, and before its discovery.
fn fingerprint(entry: &Entry) -> Option<u64> {
    let metrics = entry.metrics.as_ref()?;
    let has_rates = metrics.iter().any(|metric| metric.formula.needs_baseline());
    has_rates.then(|| {
        let mut hasher = DefaultHasher::new();
        entry.name.hash(&mut hasher);
        for metric in metrics {
            metric.id.hash(&mut hasher);
            format!("{:?}", metric.formula).hash(&mut hasher);
        }
        hasher.finish()
    })
}
