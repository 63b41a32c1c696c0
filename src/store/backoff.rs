//! The pauses between attempts to read a source that keeps failing.

use std::time::Duration;

use crate::reading::Fault;

/// A source is read at once again until it has failed this often in a row; then the pauses begin, each twice as
/// long as the one before.
const FREE_ATTEMPTS: u32 = 3;
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const MAX_PAUSE: Duration = Duration::from_secs(5);

/// The failures of a source since its last success.
#[derive(Default)]
pub(super) struct Backoff(Option<Failure>);

struct Failure {
    fault: Fault,
    /// The number of failures in a row.
    times: u32,
    /// The moment of the monotonic clock at which the source is tried again.
    retry: Duration,
}

impl Backoff {
    /// The last fault, while the source is not to be read.
    pub(super) fn fault(&self, now: Duration) -> Option<Fault> {
        let failure = self.0.as_ref().filter(|failure| now < failure.retry)?;
        Some(failure.fault)
    }

    pub(super) fn succeeded(&mut self) {
        self.0 = None;
    }

    pub(super) fn failed(&mut self, fault: Fault, now: Duration) {
        let times = self
            .0
            .as_ref()
            .map_or(1, |failure| failure.times.saturating_add(1));
        let pause = match times.checked_sub(FREE_ATTEMPTS) {
            None => Duration::ZERO,
            Some(doublings) => {
                let factor = 2u32.saturating_pow(doublings.min(6));
                FIRST_PAUSE.saturating_mul(factor).min(MAX_PAUSE)
            }
        };
        self.0 = Some(Failure {
            fault,
            times,
            retry: now.saturating_add(pause),
        });
    }
}
