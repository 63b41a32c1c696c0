//! The discoveries that a resolution needs.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use crate::reading::monotonic;

/// The discoveries that a resolution needs.
#[derive(Clone, Default)]
pub(super) struct Discovery {
    /// Whether the caller can wait for discoveries on the blocking pool.
    pub(super) may_wait: bool,
    /// Whether the caller can yield to others between two discoveries.
    pub(super) may_yield: bool,
    /// The moment of the first of them.
    since: Option<Duration>,
    /// The beginning of the first one in this step.
    begin: Option<Instant>,
    /// The entries that were discovered. One that failed is not tried again by this resolution.
    pub(super) tried: BTreeSet<usize>,
}

/// The time after which a step ends, so that other calls have their turn.
pub(super) const STEP: Duration = Duration::from_millis(1);

impl Discovery {
    /// The same, for a caller that cannot yield.
    pub(super) fn in_one_step(&self) -> Self {
        Self {
            may_yield: false,
            ..self.clone()
        }
    }

    /// Begins a step.
    pub(super) fn begin_step(&mut self) {
        self.begin = None;
    }

    /// Whether the step has no time for another discovery. It has time for one at least.
    pub(super) fn is_step_over(&mut self) -> bool {
        if !self.may_yield {
            return false;
        }
        match self.begin {
            Some(begin) => begin.elapsed() >= STEP,
            None => {
                self.begin = Some(Instant::now());
                false
            }
        }
    }

    /// The moment since which that is recent enough which the entries share.
    pub(super) fn since(&mut self) -> Duration {
        *self.since.get_or_insert_with(monotonic)
    }
}
