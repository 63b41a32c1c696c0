//! What sensors measure, in which unit, and what cannot be.

use std::ops::RangeInclusive;

use crate::{
    metric::{Kind, unit},
    reading::{Fault, Raw},
    source::parse,
};

/// What a sensor measures.
pub(crate) struct Sort {
    /// How the names of its files begin.
    pub(crate) word: &'static str,
    pub(crate) label: &'static str,
    pub(crate) description: &'static str,
    pub(crate) unit: &'static str,
    /// How many of what the driver counts are one of the unit.
    per: f64,
    /// What the driver may say, in its own counts. Beyond is no measurement but a mistake of driver
    /// or firmware: 65261.85 °C is -273 °C in 16 bits without a sign.
    sane: RangeInclusive<i64>,
    /// The files with the limits of what it should measure, the widest first.
    pub(crate) minimum: &'static [&'static str],
    pub(crate) maximum: &'static [&'static str],
    pub(crate) has_average: bool,
}

pub(crate) static TEMPERATURE: Sort = Sort {
    word: "temp",
    label: "Temperature",
    description: "Temperature: temp*_input in /sys/class/hwmon, or temp of a zone in /sys/class/thermal that has no chip there",
    unit: unit::CELSIUS,
    per: 1e3,
    // From the boiling point of nitrogen to what a thermocouple stands.
    sane: -196_000..=1_800_000,
    minimum: &["lcrit", "min"],
    maximum: &["emergency", "crit", "max"],
    has_average: false,
};

/// The sorts of sensors. An alarm is none: any feature may have one.
pub(crate) static SORTS: [&Sort; 8] = [
    &TEMPERATURE,
    &Sort {
        word: "fan",
        label: "Fan",
        description: "Speed of a fan, in revolutions a minute: fan*_input in /sys/class/hwmon",
        unit: unit::PER_MINUTE,
        per: 1.0,
        sane: 0..=200_000,
        // fan*_min is what it should not fall below, and it does when it stands.
        minimum: &[],
        maximum: &["max"],
        has_average: false,
    },
    &Sort {
        word: "in",
        label: "Voltage",
        description: "Voltage at the chip's pin: in*_input in /sys/class/hwmon",
        unit: unit::VOLTS,
        per: 1e3,
        sane: -1_000_000..=1_000_000,
        minimum: &["lcrit", "min"],
        maximum: &["crit", "max"],
        has_average: false,
    },
    &Sort {
        word: "curr",
        label: "Current",
        description: "Current: curr*_input in /sys/class/hwmon",
        unit: unit::AMPERES,
        per: 1e3,
        sane: -10_000_000..=10_000_000,
        minimum: &["lcrit", "min"],
        maximum: &["crit", "max"],
        has_average: false,
    },
    &Sort {
        word: "power",
        label: "Power",
        description: "Power: power*_input in /sys/class/hwmon, or power*_average where the chip measures no other",
        unit: unit::WATTS,
        per: 1e6,
        sane: -100_000_000_000..=100_000_000_000,
        minimum: &[],
        maximum: &["crit", "max"],
        has_average: true,
    },
    &Sort {
        word: "energy",
        label: "Energy",
        description: "Energy used since the driver was loaded: energy*_input in /sys/class/hwmon",
        unit: unit::JOULES,
        per: 1e6,
        sane: 0..=i64::MAX,
        minimum: &[],
        maximum: &[],
        has_average: false,
    },
    &Sort {
        word: "humidity",
        label: "Humidity",
        description: "Relative humidity: humidity*_input in /sys/class/hwmon",
        unit: unit::PERCENT,
        per: 1e3,
        sane: 0..=100_000,
        minimum: &[],
        maximum: &[],
        has_average: false,
    },
    // It has no value, only an alarm.
    &ALARM,
];

pub(crate) static ALARM: Sort = Sort {
    word: "intrusion",
    label: "Intrusion",
    description: "Whether the chip raises this alarm, 1 or 0: the file of this name in /sys/class/hwmon",
    unit: unit::ONE,
    per: 1.0,
    sane: 0..=1,
    minimum: &[],
    maximum: &[],
    has_average: false,
};

impl Sort {
    /// What a file of this sort says.
    pub(crate) fn value(&self, text: &[u8]) -> Raw {
        let value = parse::signed(text.trim_ascii()).filter(|value| self.sane.contains(value));
        value.map_or(Raw::Fault(Fault::Malformed), |value| {
            Raw::Number(value as f64 / self.per)
        })
    }

    /// What a file with a limit says, if that can be one.
    pub(crate) fn limit(&self, text: &str) -> Option<f64> {
        match self.value(text.as_bytes()) {
            Raw::Number(limit) => Some(limit),
            _ => None,
        }
    }

    pub(crate) fn kind(&self) -> Kind {
        if self.word == "energy" {
            Kind::Total
        } else {
            Kind::Gauge
        }
    }
}
