//! The discoveries that a resolution needs.

use std::time::Duration;

use crate::reading::monotonic;

/// The discoveries that a resolution needs.
#[derive(Clone, Copy, Default)]
pub(super) struct Discovery {
    /// Whether the caller can wait for discoveries on the blocking pool.
    pub(super) may_wait: bool,
    /// The moment of the first of them.
    since: Option<Duration>,
}

impl Discovery {
    /// The moment since which that is recent enough which the entries share.
    pub(super) fn since(&mut self) -> Duration {
        *self.since.get_or_insert_with(monotonic)
    }
}
