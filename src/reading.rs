//! Readings (a value or a fault), and snapshots: the raw columns of one read, with its moment.

use std::{fmt, sync::Arc, time::Duration};

use nix::time::{ClockId, clock_gettime};

/// A reading: a value, or the fault that explains why there is none.
pub type Reading = Result<Value, Fault>;

/// The value of a metric.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A number in the metric's unit. Always finite.
    Number(f64),
    /// A text, for a metric of [`Kind::Text`](crate::metric::Kind::Text).
    Text(Arc<str>),
}

/// The reason why a reading has no value. No 0, -1, wrapped difference or old value takes its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Fault {
    /// A rate without a baseline, or with one that is too recent.
    First,
    /// The machine was suspended between the two readings of a rate.
    Gap,
    /// The counter of a rate went backwards: it was reset.
    Reset,
    /// The kernel has no new value at the moment; a later read may succeed.
    Stale,
    /// The device is suspended, and a read would resume it.
    Asleep,
    /// The kernel denies the service permission to read.
    Denied,
    /// The reading did not arrive before its deadline.
    Timeout,
    /// The metric's device, file or definition is gone.
    Gone,
    /// The kernel's answer does not have the documented form.
    Malformed,
}

impl Fault {
    /// All faults.
    pub const ALL: [Self; 9] = [
        Self::First,
        Self::Gap,
        Self::Reset,
        Self::Stale,
        Self::Asleep,
        Self::Denied,
        Self::Timeout,
        Self::Gone,
        Self::Malformed,
    ];

    /// The fault with this code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|fault| fault.code() == code)
    }

    /// The code of the fault on the bus and in the program's output.
    pub fn code(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Gap => "gap",
            Self::Reset => "reset",
            Self::Stale => "stale",
            Self::Asleep => "asleep",
            Self::Denied => "denied",
            Self::Timeout => "timeout",
            Self::Gone => "gone",
            Self::Malformed => "malformed",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

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

impl Stamp {
    /// This moment.
    pub fn now() -> Self {
        Self {
            realtime: clock(ClockId::CLOCK_REALTIME).as_micros() as u64,
            monotonic: monotonic(),
            boottime: clock(ClockId::CLOCK_BOOTTIME),
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
