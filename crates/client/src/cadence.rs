//! The rhythm of a session: when frames of it are missing.

use std::time::Duration;

/// A frame may be late by less than so many intervals, on a busy machine.
const LATE_INTERVALS: u32 = 3;

/// The shortest time without a frame that means something, however short the interval is.
const SHORTEST_SILENCE: Duration = Duration::from_secs(2);

/// Whether there is a gap between two frames of a session, the second of which follows the first: more than three intervals
/// are between them. The moments are in microseconds since the Unix epoch.
///
/// A session has a frame for each interval, whether or not a value has changed. The service leaves frames out while it is
/// stopped, and while the client does not read them. Nothing is known of the time in between: a value holds up to the
/// next frame, but not over a gap. The frames of the history have their own gaps, which are rows of NaN.
pub fn is_gap(before: u64, next: u64, interval: Duration) -> bool {
    let longest = interval.saturating_mul(LATE_INTERVALS);
    u128::from(next.saturating_sub(before)) > longest.as_micros()
}

/// How long a client waits for a frame of a session before it asks the service whether it still answers: three
/// intervals, but at least two seconds.
pub fn longest_silence(interval: Duration) -> Duration {
    interval
        .saturating_mul(LATE_INTERVALS)
        .max(SHORTEST_SILENCE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_may_be_late() {
        let second = Duration::from_secs(1);
        let check = |before, next, expected| assert_eq!(is_gap(before, next, second), expected);
        check(10_000_000, 11_000_000, false);
        check(10_000_000, 13_000_000, false);
        check(10_000_000, 13_000_001, true);
        // The clock was set back.
        check(10_000_000, 0, false);
        check(0, u64::MAX, true);
        assert!(!is_gap(0, u64::MAX, Duration::MAX));
    }

    #[test]
    fn a_silence_has_a_shortest_time() {
        let check = |millis, expected| {
            let silence = longest_silence(Duration::from_millis(millis));
            assert_eq!(silence, Duration::from_millis(expected));
        };
        check(10, 2_000);
        check(1_000, 3_000);
        assert_eq!(longest_silence(Duration::MAX), Duration::MAX);
    }
}
