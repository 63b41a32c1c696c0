//! Readings: a value, or the fault that explains why there is none.

use std::{fmt, sync::Arc};

/// A reading: a value, or the fault that explains why there is none.
pub type Reading = Result<Value, Fault>;

/// The value of a metric.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A number in the metric's unit. Always finite.
    Number(f64),
    /// A text, for a metric of the kind `text`.
    Text(Arc<str>),
}

/// The reason why a reading has no value. No 0, -1, wrapped difference or old value takes its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Fault {
    /// A rate without a baseline, or with one that is too recent.
    First,
    /// The machine was suspended between the two readings of a rate; of all numbers of a frame: it was suspended before the
    /// next frame, or its clock was set.
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
