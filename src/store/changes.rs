//! The differences between two discoveries.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use crate::metric::Metric;

/// The ids that have appeared and vanished. An id with other metadata than before, another unit for instance, is
/// both.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// The ids that have appeared.
    pub appeared: Vec<Arc<str>>,
    /// The ids that have vanished.
    pub vanished: Vec<Arc<str>>,
    /// Those of them that belong to custom metrics.
    custom: HashSet<Arc<str>>,
}

impl Changes {
    /// Adds the differences between two discoveries of a source.
    pub(super) fn between(&mut self, before: &[Arc<Metric>], now: &[Arc<Metric>], is_custom: bool) {
        let (appeared, vanished) = (missing(now, before), missing(before, now));
        if is_custom {
            self.custom
                .extend(appeared.iter().chain(&vanished).cloned());
        }
        self.appeared.extend(appeared);
        self.vanished.extend(vanished);
    }

    /// Adds the metrics of a source that is gone.
    pub(super) fn gone(&mut self, metrics: &[Arc<Metric>], is_custom: bool) {
        self.between(metrics, &[], is_custom);
    }

    /// Divides the changes into those of built-in and those of custom metrics.
    pub fn divided(self) -> (Self, Self) {
        let is_custom = |id: &Arc<str>| self.custom.contains(id);
        let (custom_appeared, appeared) = self.appeared.into_iter().partition(is_custom);
        let (custom_vanished, vanished) = self.vanished.into_iter().partition(is_custom);
        let of = |appeared, vanished, custom| Self {
            appeared,
            vanished,
            custom,
        };
        let built_in = of(appeared, vanished, HashSet::new());
        (built_in, of(custom_appeared, custom_vanished, self.custom))
    }

    /// Whether nothing has changed.
    pub fn is_empty(&self) -> bool {
        self.appeared.is_empty() && self.vanished.is_empty()
    }
}

/// The ids of the metrics that `others` lacks, or has with other metadata.
fn missing(metrics: &[Arc<Metric>], others: &[Arc<Metric>]) -> Vec<Arc<str>> {
    let others: HashMap<_, _> = others.iter().map(|other| (&other.id, other)).collect();
    let is_missing = |metric: &&Arc<Metric>| others.get(&metric.id) != Some(metric);
    let missing = metrics.iter().filter(is_missing);
    missing.map(|metric| metric.id.clone()).collect()
}
