//! The metadata of metrics: id, unit, kind, bounds, and the formula of the readings.

use std::{borrow::Cow, sync::Arc};

use crate::rate::Formula;

/// The kind of quantity of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A level at the moment of reading.
    Gauge,
    /// A change per second or a share of the time, between two reads of a counter.
    Rate,
    /// The count since the kernel or the device has started the counter.
    Total,
    /// A text.
    Text,
}

impl Kind {
    /// The name of the kind on the bus.
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
    /// The unit of a text.
    pub const NONE: &str = "";
}

/// A metric: its metadata, and the formula of its readings.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    /// `source/object/property`, in ASCII, the same on every boot.
    pub id: Arc<str>,
    /// A short English name for display.
    pub name: Cow<'static, str>,
    /// A sentence with the meaning of the value and its source in the kernel.
    pub description: Cow<'static, str>,
    /// One of [`mod@unit`], or another UCUM unit; empty for a text.
    pub unit: Cow<'static, str>,
    /// The kind of quantity.
    pub kind: Kind,
    /// The lower bound, if it has one.
    pub minimum: Option<f64>,
    /// The upper bound, if it has one.
    pub maximum: Option<f64>,
    /// The formula that makes the reading from the source's columns.
    pub formula: Formula,
}
