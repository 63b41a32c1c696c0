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

    /// An earlier moment of the monotonic clock, less than a second before this one, on all clocks.
    #[cfg(feature = "service")]
    pub(crate) fn at(self, monotonic: Duration) -> Self {
        let age = self.monotonic.saturating_sub(monotonic);
        let age = age.min(Duration::from_secs(1));
        Self {
            realtime: self.realtime.saturating_sub(age.as_micros() as u64),
            monotonic,
            boottime: self.boottime.saturating_sub(age),
        }
    }
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
