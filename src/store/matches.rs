//! The metrics that a selector matches, and the discoveries that this needs.

use std::sync::Arc;

use crate::{metric::Metric, selector::Selector};

use super::{Inner, discovery::Discovery, visibility::Visibility};

/// The metrics that a selector matches.
pub(super) struct Matches {
    /// Whether the selector matches a metric.
    pub(super) is_any: bool,
    /// The metrics, each with the number of its entry.
    pub(super) metrics: Vec<(usize, Arc<Metric>)>,
    /// Whether the discovery of every source that may have a match has succeeded.
    pub(super) complete: bool,
    /// The problem of a source that may have a match.
    pub(super) cause: Option<String>,
    /// Whether the discovery of a source that may have a match waits for the blocking pool.
    pub(super) is_awaited: bool,
    /// Whether there are discoveries left for another step.
    pub(super) is_unfinished: bool,
}

impl Default for Matches {
    fn default() -> Self {
        Self {
            is_any: false,
            metrics: Vec::new(),
            complete: true,
            cause: None,
            is_awaited: false,
            is_unfinished: false,
        }
    }
}

impl Inner {
    /// Finds the metrics that a selector matches and that `is_wanted`.
    pub(super) fn find(
        &mut self,
        selector: &Selector<'_>,
        visibility: Visibility,
        discovery: &mut Discovery,
        is_wanted: impl Fn(&Metric) -> bool,
    ) -> Matches {
        let mut matches = Matches::default();
        let mut from = 0;
        // The discovery of a family adds its members as entries at the end.
        while let Some(number) = self.entries.at_or_after(from) {
            from = number.saturating_add(1);
            let is_visible =
                self.is_on(number) && visibility.includes(self.entries[number].is_custom);
            if is_visible && self.entries[number].may_have(selector) {
                self.discover_for(&mut matches, number, discovery);
                if matches.is_unfinished {
                    return matches;
                }
                for metric in self.entries[number].metrics.iter().flatten() {
                    if selector.matches(&metric.id) {
                        matches.is_any = true;
                        if is_wanted(metric) {
                            matches.metrics.push((number, metric.clone()));
                        }
                    }
                }
            }
        }
        matches
    }

    /// Discovers an entry that may match. If the caller may wait, an answer that is still to come is only noted.
    pub(super) fn discover_for(
        &mut self,
        matches: &mut Matches,
        number: usize,
        discovery: &mut Discovery,
    ) {
        if self.entries[number].metrics.is_none() && !discovery.tried.contains(&number) {
            let entry = &mut self.entries[number];
            if discovery.may_wait && entry.is_discovery_awaited() {
                matches.is_awaited = true;
                return;
            }
            if discovery.is_step_over()
                || discovery.may_yield && entry.prepare_discovery(discovery.since())
            {
                matches.is_unfinished = true;
                return;
            }
            self.discover(number, discovery.since());
            discovery.tried.insert(number);
        }
        let entry = &self.entries[number];
        matches.complete &= entry.metrics.is_some();
        if matches.cause.is_none() {
            matches.cause = entry.problem().cloned();
        }
    }
}
