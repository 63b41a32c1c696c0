//! The age of a file, by the time of its last write.

use std::time::{Duration, SystemTime};

/// The age of a file. The wall clock is asked once for each time of the last write: a clock that is set later makes no
/// file older or younger.
#[derive(Default)]
pub(super) struct Age(Option<KnownAge>);

struct KnownAge {
    modified: SystemTime,
    /// The age when this was noticed, and that moment of CLOCK_BOOTTIME.
    age: Duration,
    noticed: Duration,
}

impl Age {
    /// The age of a file with this time of the last write, now: on the wall clock and CLOCK_BOOTTIME.
    pub(super) fn of(&mut self, modified: SystemTime, now: (SystemTime, Duration)) -> Duration {
        let (wall, boottime) = now;
        let known = self.0.take().filter(|known| known.modified == modified);
        let known = self.0.insert(known.unwrap_or_else(|| {
            KnownAge {
                modified,
                // A clock that was wrong when the file was written says nothing about its age, so a time in the future is as
                // old as it is far away. The clock of a file server may be a little ahead.
                age: wall
                    .duration_since(modified)
                    .unwrap_or_else(|future| future.duration()),
                noticed: boottime,
            }
        }));
        let since = boottime.saturating_sub(known.noticed);
        known.age.saturating_add(since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_set_changes_no_age() {
        let second = Duration::from_secs;
        let written = |seconds: u64| SystemTime::UNIX_EPOCH + second(1_000_000 + seconds);
        let mut age = Age::default();
        // In seconds: the last write, the wall clock, CLOCK_BOOTTIME.
        let mut check = |modified, wall, boottime, expected| {
            let now = (written(wall), second(boottime));
            assert_eq!(age.of(written(modified), now), second(expected));
        };
        check(100, 105, 50, 5);
        check(100, 107, 52, 7);
        // Set forward by an hour and back by two; a suspend counts.
        check(100, 3708, 53, 8);
        check(100, 0, 54, 9);
        check(100, 600, 654, 609);
        // Written again, by a clock that is ahead or not.
        check(605, 605, 659, 0);
        check(607, 606, 660, 1);
        check(9000, 606, 661, 8394);
        check(9000, 626, 681, 8414);
    }
}
