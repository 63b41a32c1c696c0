//! Readings (a value or a fault), and snapshots: the raw columns of one read, with its moment.

use std::{sync::Arc, time::Duration};

use nix::time::{ClockId, clock_gettime};

pub use sampled_client::reading::{Fault, Reading, Value};

/// One column of a snapshot: a raw value of the kernel.
#[derive(Clone, Debug, PartialEq)]
pub enum Raw {
    /// A level.
    Number(f64),
    /// A counter that only grows, until it is reset. Whole, so that no bit is lost above 2^53.
    Counter(u64),
    /// A text.
    Text(Arc<str>),
    /// No value, with the reason.
    Fault(Fault),
}

/// The columns of one read of a source. They are raw, so that any two snapshots make a rate.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// The moment just before the kernel was asked.
    pub stamp: Stamp,
    /// The columns; a [`Formula`](crate::rate::Formula) refers to them by index.
    pub columns: Vec<Raw>,
}

/// A moment on the three clocks that readings need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// `CLOCK_REALTIME`, in microseconds since the Unix epoch: the timestamp for clients.
    pub realtime: u64,
    /// `CLOCK_MONOTONIC`: rates are divided by its difference. It stands still during suspend.
    pub monotonic: Duration,
    /// `CLOCK_BOOTTIME`: includes suspend, so the difference of the two clocks shows one.
    pub boottime: Duration,
}

/// The most that two clocks differ because one is read after the other, and the process may be preempted in between. A
/// suspend takes longer.
const CLOCK_NOISE: Duration = Duration::from_millis(100);

/// The longest time between a frame and the gap behind it.
#[cfg(feature = "service")]
const GAP_DELAY: Duration = Duration::from_millis(250);

impl Stamp {
    /// This moment.
    pub fn now() -> Self {
        Self {
            realtime: clock(ClockId::CLOCK_REALTIME).as_micros() as u64,
            monotonic: monotonic(),
            boottime: clock(ClockId::CLOCK_BOOTTIME),
        }
    }

    /// Whether the machine was suspended between an earlier moment and this one.
    pub(crate) fn was_suspended_since(self, before: Self) -> bool {
        let awake = self.monotonic.saturating_sub(before.monotonic);
        let total = self.boottime.saturating_sub(before.boottime);
        total.saturating_sub(awake) > CLOCK_NOISE
    }

    /// Whether the machine was suspended between this moment and the present one. What was read before is old, however
    /// little the monotonic clock has moved since.
    pub(crate) fn is_before_suspend(self) -> bool {
        let now = Self {
            monotonic: monotonic(),
            boottime: clock(ClockId::CLOCK_BOOTTIME),
            ..self
        };
        now.was_suspended_since(self)
    }

    /// Whether the wall clock was set between an earlier moment and this one.
    #[cfg(feature = "service")]
    fn was_set_since(self, before: Self) -> bool {
        let elapsed = self.boottime.saturating_sub(before.boottime);
        let expected = before.realtime.saturating_add(microseconds(elapsed));
        self.realtime.abs_diff(expected) > microseconds(CLOCK_NOISE)
    }

    /// The timestamp of the gap between a frame of this moment and the next one, if they are no series: the machine was
    /// suspended in between, or its clock was set. It is before the middle of the two, unless the clock was set back.
    #[cfg(feature = "service")]
    pub(crate) fn gap_until(self, next: Self, interval: Duration) -> Option<u64> {
        let half = interval.checked_div(2).unwrap_or_default();
        let delay = microseconds(half.min(GAP_DELAY));
        let apart = next.realtime.checked_sub(self.realtime);
        let delay = apart.map_or(delay, |apart| delay.min(apart / 2));
        let is_gap = next.was_suspended_since(self) || next.was_set_since(self);
        is_gap.then(|| self.realtime.saturating_add(delay))
    }

    /// An earlier moment of the monotonic clock, without a suspend in between, on all clocks.
    #[cfg(feature = "service")]
    pub(crate) fn at(self, monotonic: Duration) -> Self {
        let age = self.monotonic.saturating_sub(monotonic);
        Self {
            realtime: self.realtime.saturating_sub(microseconds(age)),
            monotonic,
            boottime: self.boottime.saturating_sub(age),
        }
    }
}

#[cfg(feature = "service")]
fn microseconds(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// The time of `CLOCK_MONOTONIC`.
pub fn monotonic() -> Duration {
    clock(ClockId::CLOCK_MONOTONIC)
}

/// The time of one clock. All clocks that are used exist since Linux 2.6.39.
pub(crate) fn clock(id: ClockId) -> Duration {
    clock_gettime(id)
        .expect("the kernel has the clocks of POSIX and CLOCK_BOOTTIME")
        .into()
}

#[cfg(all(test, feature = "service"))]
mod tests {
    use super::*;

    /// Checks for a gap between two frames of an interval of a second; times in milliseconds.
    #[track_caller]
    fn check(awake: u64, total: u64, wall: i64, expected: bool) {
        let at = |realtime: u64, monotonic: u64, boottime: u64| Stamp {
            realtime: realtime * 1000,
            monotonic: Duration::from_millis(monotonic),
            boottime: Duration::from_millis(boottime),
        };
        let before = at(1_700_000_000_000, 500_000, 700_000);
        let realtime = 1_700_000_000_000_u64.checked_add_signed(wall);
        let realtime = realtime.expect("a moment of the clock");
        let next = at(realtime, 500_000 + awake, 700_000 + total);
        let gap = before.gap_until(next, Duration::from_secs(1));
        assert_eq!(gap, expected.then_some(before.realtime + 250_000));
        assert_eq!(next.was_suspended_since(before), total - awake > 100);
    }

    #[test]
    fn a_suspend_and_a_set_clock_are_gaps() {
        check(1000, 1000, 1000, false);
        check(1000, 1099, 1099, false);
        check(1000, 8 * 3_600_000, 8 * 3_600_000, true);
        check(1000, 1500, 1500, true);
        // The clock is set forward and back, for instance behind the last frame.
        check(1000, 1000, 3_600_000, true);
        check(1000, 1000, -3_600_000, true);
        check(1000, 1000, 700, true);
        check(1000, 1000, 950, false);
        // It is set back by as much as the machine was suspended for.
        check(1000, 3_600_000, 1000, true);
        // A frame that is late is none.
        check(86_400_000, 86_400_000, 86_400_000, false);
    }

    #[test]
    fn a_gap_is_before_the_middle_of_an_interval() {
        let before = Stamp::now();
        let mut next = before;
        next.boottime += Duration::from_secs(1);
        next.realtime += 1600;
        assert_eq!(
            before.gap_until(next, GAP_DELAY),
            Some(before.realtime + 800)
        );
        let gap = before.gap_until(next, Duration::from_millis(1));
        assert_eq!(gap, Some(before.realtime + 500));
        assert!(!before.is_before_suspend() && !next.is_before_suspend());
        next.boottime -= Duration::from_secs(2);
        assert!(next.is_before_suspend());
    }
}
