//! What has come and gone.

use std::{collections::HashMap, sync::Arc};

use crate::reading::Metric;

/// Ids that were not there before, and ids that are not there any more. An id that means something else
/// now, another unit for instance, is both.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// What has appeared.
    pub appeared: Vec<Arc<str>>,
    /// What has vanished.
    pub vanished: Vec<Arc<str>>,
}

impl Changes {
    /// Adds what is other in the metrics of a source than it was before.
    pub(super) fn between(&mut self, before: &[Arc<Metric>], now: &[Arc<Metric>]) {
        self.appeared.extend(missing(now, before));
        self.vanished.extend(missing(before, now));
    }

    /// Whether nothing has changed.
    pub fn is_empty(&self) -> bool {
        self.appeared.is_empty() && self.vanished.is_empty()
    }
}

/// The ids of these metrics that the others do not have, or have as something else.
fn missing(metrics: &[Arc<Metric>], others: &[Arc<Metric>]) -> Vec<Arc<str>> {
    let others: HashMap<_, _> = others.iter().map(|other| (&other.id, other)).collect();
    let is_missing = |metric: &&Arc<Metric>| others.get(&metric.id) != Some(metric);
    let missing = metrics.iter().filter(is_missing);
    missing.map(|metric| metric.id.clone()).collect()
}
