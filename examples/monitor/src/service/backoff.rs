//! The time between attempts to reach the service.

use std::time::{Duration, Instant};

/// The shortest time between two attempts.
const FIRST: Duration = Duration::from_millis(250);
/// The longest time between two attempts.
const LONGEST: Duration = Duration::from_secs(30);
/// A service that has run for so long is not to blame for the last attempts.
const HEALTHY: Duration = Duration::from_secs(10);

/// Doubles the time from attempt to attempt, until one has succeeded for a while.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    last: Duration,
    succeeded: Option<Instant>,
}

impl Backoff {
    /// Notes that an attempt has succeeded.
    pub(super) fn succeed(&mut self, now: Instant) {
        self.succeeded = Some(now);
    }

    /// The time until the next attempt, after one has failed.
    pub(super) fn fail(&mut self, now: Instant) -> Duration {
        let succeeded = self.succeeded.take();
        if succeeded.is_some_and(|then| now.duration_since(then) >= HEALTHY) {
            self.last = Duration::ZERO;
        }
        self.last = self.last.saturating_mul(2).clamp(FIRST, LONGEST);
        self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_become_rare_until_one_succeeds_for_a_while() {
        let mut backoff = Backoff::default();
        let start = Instant::now();
        let times: Vec<u128> = (0..9).map(|_| backoff.fail(start).as_millis()).collect();
        assert_eq!(
            times,
            [250, 500, 1000, 2000, 4000, 8000, 16000, 30000, 30000]
        );
        backoff.succeed(start);
        assert_eq!(backoff.fail(start), LONGEST);
        backoff.succeed(start);
        assert_eq!(backoff.fail(start + HEALTHY), FIRST);
    }
}
