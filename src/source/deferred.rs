//! Answers that come later than they are asked for.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use crate::reading::Stamp;

/// A source whose readings may block, or whose discovery may: they are begun, on the blocking pool or by a
/// command, and read when they are answered.
pub trait Deferred {
    /// Is told, once and first of all, what to call when an answer has come that is awaited.
    fn when_answered(&mut self, _tell: Answered) {}

    /// Begins to find out what discovery needs and may block, if that was not done since the moment `since` of
    /// the monotonic clock. Never waits.
    fn begin_discovery(&mut self, _since: Duration) {}

    /// Begins what the next reading needs and may block, if that was not done since the moment `since` of the
    /// monotonic clock. Never waits.
    fn begin(&mut self, _since: Duration) {}

    /// Until when it is worth to wait for what was begun before it is read or discovered, if it is at all.
    /// To be asked again then, and when an [answer has come](Self::when_answered).
    fn awaited_until(&self) -> Option<Instant> {
        None
    }

    /// When that was read which the last reading has given, where it was read earlier and for others, too.
    fn stamp(&self) -> Option<Stamp> {
        None
    }

    /// Whether an answer is on its way that takes as long as it pleases: a command runs. A call may wait
    /// for it as long as its caller likes, and a frame never does.
    fn is_awaited(&self) -> bool {
        false
    }
}

/// Tells those who wait that an answer has come. It never blocks, and any thread may call it.
pub type Answered = Arc<dyn Fn() + Send + Sync>;
