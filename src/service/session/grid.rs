//! The grid of moments at which frames are due.

use std::time::Duration;

/// The next moment after `now` on the grid of the interval. All grids begin at boot, so that sessions with
/// the same interval share wake-ups. Missed moments are skipped. The second frame comes at least half an
/// interval after the first.
pub(super) fn next_due(now: Duration, interval: Duration, first: bool) -> Duration {
    let earliest = if first {
        now.saturating_add(interval.checked_div(2).unwrap_or_default())
    } else {
        now
    };
    let interval = interval.as_nanos().max(1);
    // Neither moments nor intervals come near 2^64 ns, so none of this saturates.
    let steps = earliest.as_nanos().div_euclid(interval).saturating_add(1);
    let nanoseconds = steps.saturating_mul(interval);
    // The monotonic clock reaches 2^64 ns after 584 years.
    Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX))
}

/// The number of moments of the grid after the moment `due` and until `now`. A first frame, which is due at once, misses none.
pub(super) fn missed(due: Duration, now: Duration, interval: Duration) -> u64 {
    if due.is_zero() {
        return 0;
    }
    let late = now.saturating_sub(due).as_nanos();
    let missed = late.checked_div(interval.as_nanos()).unwrap_or_default();
    u64::try_from(missed).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_on_a_grid() {
        let check = |now, interval, first, expected| {
            let due = next_due(
                Duration::from_millis(now),
                Duration::from_millis(interval),
                first,
            );
            assert_eq!(due, Duration::from_millis(expected));
        };
        check(1000, 500, false, 1500);
        check(1001, 500, false, 1500);
        check(1499, 500, false, 1500);
        // A tick that is late by more than an interval skips the missed moments.
        check(2600, 500, false, 3000);
        // The second frame is at least half an interval after the first.
        check(1499, 500, true, 2000);
        check(1100, 500, true, 1500);
    }

    #[test]
    fn late_frames_miss_moments() {
        let check = |due, now, expected| {
            let interval = Duration::from_millis(500);
            let missed = missed(
                Duration::from_millis(due),
                Duration::from_millis(now),
                interval,
            );
            assert_eq!(missed, expected, "{due} {now}");
        };
        check(1000, 1000, 0);
        check(1000, 1499, 0);
        check(1000, 1500, 1);
        check(1000, 2600, 3);
        check(0, 2600, 0);
    }

    #[test]
    fn equal_intervals_share_every_moment() {
        let interval = Duration::from_millis(500);
        let (mut a, mut b) = (Duration::from_millis(17), Duration::from_millis(401));
        (a, b) = (next_due(a, interval, true), next_due(b, interval, true));
        while a < b {
            a = next_due(a, interval, false);
        }
        assert_eq!(a, b);
    }
}
