//! What a reading is: a value or a fault, the columns that it follows from, and the moment they were read.

use std::{fmt, sync::Arc, time::Duration};

use nix::time::{ClockId, clock_gettime};

/// A reading: a value, or the reason why there is none.
pub type Reading = Result<Value, Fault>;

/// What a metric reads when it can be read.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A number in the metric's unit. Always finite.
    Number(f64),
    /// A fact, for a metric of [`Kind::Text`](crate::metric::Kind::Text).
    Text(Arc<str>),
}

/// Why there is no value. Never a 0, a -1, a wrapped difference or an old value instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Fault {
    /// A rate with no earlier reading to compare with, or one too close to tell.
    First,
    /// The machine was suspended between the two readings of a rate.
    Gap,
    /// The counter of a rate went backwards: it was reset.
    Reset,
    /// The kernel has no newer value just now; a later reading may succeed.
    Stale,
    /// The device is suspended, and reading would wake it.
    Asleep,
    /// The kernel does not permit the service to read this.
    Denied,
    /// The reading did not arrive in the time it was given.
    Timeout,
    /// What was read is no longer there.
    Gone,
    /// What the kernel answered is not in the form that it documents.
    Malformed,
}

impl Fault {
    /// Every fault there is.
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

    /// The fault that a code stands for.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|fault| fault.code() == code)
    }

    /// The code that stands for this fault on the bus and in the program's output.
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

/// One column of a snapshot: what the kernel said, before any rate is made of it.
#[derive(Clone, Debug, PartialEq)]
pub enum Raw {
    /// A level.
    Number(f64),
    /// A counter that only grows, until it is reset. Whole, so that no bit is lost above 2^53.
    Counter(u64),
    /// A fact.
    Text(Arc<str>),
    /// Nothing, and why.
    Fault(Fault),
}

/// Everything one source reads at one moment: raw, so that any two make a rate.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// The moment just before the kernel was asked.
    pub stamp: Stamp,
    /// The columns, in the order the source's [`Formula`](crate::rate::Formula)s count them.
    pub columns: Vec<Raw>,
}

/// A moment, on the three clocks that a reading needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// `CLOCK_REALTIME`, in microseconds since the Unix epoch: what a client is shown.
    pub realtime: u64,
    /// `CLOCK_MONOTONIC`: what a rate is divided by. It stands still while the machine sleeps.
    pub monotonic: Duration,
    /// `CLOCK_BOOTTIME`: the same, counting sleep. The difference shows that there was one.
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

/// The reading of `CLOCK_MONOTONIC`, where no moment is to be shown.
pub fn monotonic() -> Duration {
    clock(ClockId::CLOCK_MONOTONIC)
}

/// The reading of one clock. Every clock asked for here exists since Linux 2.6.39.
pub(crate) fn clock(id: ClockId) -> Duration {
    clock_gettime(id)
        .expect("the kernel has the clocks of POSIX and CLOCK_BOOTTIME")
        .into()
}
