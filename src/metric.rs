//! What is known of a metric before it is read: its id, its unit, and the formula of its readings.

use std::{borrow::Cow, sync::Arc};

use crate::rate::Formula;

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
    pub fn as_str(self) -> &'static str {
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
