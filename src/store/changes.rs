//! What has come and gone.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use crate::metric::Metric;

/// Ids that were not there before, and ids that are not there any more. An id that means something else
/// now, another unit for instance, is both.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// What has appeared.
    pub appeared: Vec<Arc<str>>,
    /// What has vanished.
    pub vanished: Vec<Arc<str>>,
    /// Those of them that the user has defined.
    defined: HashSet<Arc<str>>,
}

impl Changes {
    /// Adds what is other in the metrics of a source than it was before.
    pub(super) fn between(&mut self, before: &[Arc<Metric>], now: &[Arc<Metric>], is_custom: bool) {
        let (appeared, vanished) = (missing(now, before), missing(before, now));
        if is_custom {
            self.defined
                .extend(appeared.iter().chain(&vanished).cloned());
        }
        self.appeared.extend(appeared);
        self.vanished.extend(vanished);
    }

    /// Adds the metrics of a source that is gone.
    pub(super) fn gone(&mut self, metrics: &[Arc<Metric>], is_custom: bool) {
        self.between(metrics, &[], is_custom);
    }

    /// Divides them: those that the user has defined come second.
    pub fn divided(self) -> (Self, Self) {
        let is_custom = |id: &Arc<str>| self.defined.contains(id);
        let (defined_appeared, appeared) = self.appeared.into_iter().partition(is_custom);
        let (defined_vanished, vanished) = self.vanished.into_iter().partition(is_custom);
        let of = |appeared, vanished, defined| Self {
            appeared,
            vanished,
            defined,
        };
        let kernel = of(appeared, vanished, HashSet::new());
        (kernel, of(defined_appeared, defined_vanished, self.defined))
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
