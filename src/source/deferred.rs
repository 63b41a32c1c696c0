//! Sources whose answers come later than the requests.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use crate::reading::Stamp;

/// A source whose readings or discovery may block. The caller begins them, on the blocking pool or in a command, and
/// reads the answer later.
pub trait Deferred {
    /// Sets the function to call when an awaited answer has come. The store calls this once, before anything else.
    fn when_answered(&mut self, _tell: Answered) {}

    /// Begins the blocking part of a discovery, unless that began at or after the moment `since` of the monotonic
    /// clock. Never waits.
    fn begin_discovery(&mut self, _since: Duration) {}

    /// Begins the blocking part of a reading, unless that began at or after the moment `since` of the monotonic clock.
    /// Never waits.
    fn begin(&mut self, _since: Duration) {}

    /// The moment until which a caller should wait for the pending answer before it reads or discovers; none if it
    /// should not wait. The caller asks again at that moment, and when an [answer has come](Self::when_answered).
    fn awaited_until(&self) -> Option<Instant> {
        None
    }

    /// Whether an answer is pending, also one that a caller should not wait for. A test that checks readings waits for
    /// the answer itself, because the recommended wait may be too short on a busy machine.
    #[cfg(test)]
    fn is_pending(&self) -> bool {
        false
    }

    /// The moment of the last reading, if it was taken earlier, for another caller.
    fn stamp(&self) -> Option<Stamp> {
        None
    }

    /// Whether an answer is pending that may take any time: a command runs. A call may wait for it as long as its
    /// caller wants; a frame never does.
    fn is_awaited(&self) -> bool {
        false
    }
}

/// The function that a source calls when an answer has come. It never blocks, and any thread may call it.
pub type Answered = Arc<dyn Fn() + Send + Sync>;
