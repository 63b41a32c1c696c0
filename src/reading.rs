//! What a reading is: a value or a fault, the metric it belongs to, and the moment it was taken.

use std::{borrow::Cow, fmt, sync::Arc, time::Duration};

use nix::time::{ClockId, clock_gettime};

use crate::rate::Formula;

/// A reading: a value, or the reason why there is none.
pub type Reading = Result<Value, Fault>;

/// What a metric reads when it can be read.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A number in the metric's unit. Always finite.
    Number(f64),
    /// A fact, for a metric of [`Kind::Text`].
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

/// What sort of quantity a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A level, as of the moment of reading.
    Gauge,
    /// A change per second or a share of the time, between two readings of a counter.
    Rate,
    /// A counter itself, since the kernel or the device started it.
    Total,
    /// A fact, in words.
    Text,
}

impl Kind {
    /// The word that stands for this kind on the bus.
    pub fn word(self) -> &'static str {
        match self {
            Self::Gauge => "gauge",
            Self::Rate => "rate",
            Self::Total => "total",
            Self::Text => "text",
        }
    }
}

/// Units, written in the case-sensitive form of [UCUM](https://ucum.org/ucum).
pub mod unit {
    /// A pure number: a count, a load average.
    pub const ONE: &str = "1";
    /// Per cent.
    pub const PERCENT: &str = "%";
    /// Bytes.
    pub const BYTES: &str = "By";
    /// Bytes a second.
    pub const BYTES_PER_SECOND: &str = "By/s";
    /// Bits a second.
    pub const BITS_PER_SECOND: &str = "bit/s";
    /// Bits.
    pub const BITS: &str = "bit";
    /// Events a second.
    pub const PER_SECOND: &str = "/s";
    /// Seconds.
    pub const SECONDS: &str = "s";
    /// Milliseconds.
    pub const MILLISECONDS: &str = "ms";
    /// Microseconds.
    pub const MICROSECONDS: &str = "us";
    /// Degrees Celsius.
    pub const CELSIUS: &str = "Cel";
    /// Revolutions a minute.
    pub const PER_MINUTE: &str = "/min";
    /// Volts.
    pub const VOLTS: &str = "V";
    /// Amperes.
    pub const AMPERES: &str = "A";
    /// Watts.
    pub const WATTS: &str = "W";
    /// Joules.
    pub const JOULES: &str = "J";
    /// Watt-hours.
    pub const WATT_HOURS: &str = "W.h";
    /// Megahertz.
    pub const MEGAHERTZ: &str = "MHz";
    /// What a text has.
    pub const NONE: &str = "";
}

/// What can be read, and what is known of it before it is read.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    /// `source/object/property`, in ASCII, the same on every boot.
    pub id: Arc<str>,
    /// A short name for a person, in English.
    pub name: Cow<'static, str>,
    /// What the number means and where the kernel says it, in a sentence.
    pub description: Cow<'static, str>,
    /// One of [`mod@unit`], or another UCUM unit; empty for a text.
    pub unit: Cow<'static, str>,
    /// What sort of quantity it is.
    pub kind: Kind,
    /// The smallest value that can occur, if there is one.
    pub minimum: Option<f64>,
    /// The largest value that can occur, if there is one.
    pub maximum: Option<f64>,
    /// How the reading follows from the source's columns.
    pub formula: Formula,
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
    /// The columns, in the order the source's [`Formula`]s count them.
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
