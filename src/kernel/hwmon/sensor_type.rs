//! The types of sensors: unit, limits and valid values.

use std::ops::RangeInclusive;

use crate::{
    metric::{Kind, unit},
    reading::{Fault, Raw},
    source::parse,
};

/// A type of sensor.
pub(crate) struct SensorType {
    /// The prefix of its files.
    pub(crate) prefix: &'static str,
    pub(crate) label: &'static str,
    pub(crate) description: &'static str,
    pub(crate) formula: &'static str,
    pub(crate) unit: &'static str,
    /// The number of the driver's counts in one unit.
    divisor: f64,
    /// The valid range, in the driver's counts. A value outside is an error of the driver or the firmware:
    /// 65261.85 °C is -273 °C in 16 bits without a sign.
    valid: RangeInclusive<i64>,
    /// The files with the ends of the scale, the best first.
    pub(crate) minimum: &'static [&'static str],
    pub(crate) maximum: &'static [&'static str],
    /// The files with the limits of normal values, the best first. The normal values of a fan are above its limit,
    /// those of other sensors below: there is one pair of limits, and too much is the danger of a temperature, a
    /// voltage, a current and a power.
    pub(crate) warning: &'static [&'static str],
    pub(crate) critical: &'static [&'static str],
    pub(crate) has_lower_limits: bool,
    pub(crate) has_average: bool,
}

pub(crate) static TEMPERATURE: SensorType = SensorType {
    prefix: "temp",
    label: "Temperature",
    description: "Temperature at the sensor.",
    formula: "temp*_input / 1000 of the chip in /sys/class/hwmon, or temp / 1000 of a zone in /sys/class/thermal that has no chip",
    unit: unit::CELSIUS,
    divisor: 1e3,
    // From the boiling point of nitrogen to the limit of a thermocouple.
    valid: -196_000..=1_800_000,
    minimum: &["rated_min"],
    maximum: &["rated_max"],
    warning: &["max"],
    critical: &["crit", "emergency"],
    has_lower_limits: false,
    has_average: false,
};

/// The types of sensors (`hwmon_sensor_types` in linux/hwmon.h). An alarm is not a type: any feature may have
/// one.
pub(crate) static SENSOR_TYPES: [&SensorType; 8] = [
    &TEMPERATURE,
    &SensorType {
        prefix: "fan",
        label: "Fan",
        description: "Speed of the fan, in revolutions per minute.",
        formula: "fan*_input of the chip in /sys/class/hwmon",
        unit: unit::PER_MINUTE,
        divisor: 1.0,
        valid: 0..=200_000,
        minimum: &[],
        maximum: &["max"],
        warning: &["min"],
        critical: &[],
        has_lower_limits: true,
        has_average: false,
    },
    &SensorType {
        prefix: "in",
        label: "Voltage",
        description: "Voltage at the sensor.",
        formula: "in*_input / 1000 of the chip in /sys/class/hwmon",
        unit: unit::VOLTS,
        divisor: 1e3,
        valid: -1_000_000..=1_000_000,
        minimum: &["rated_min"],
        maximum: &["rated_max"],
        warning: &["max"],
        critical: &["crit"],
        has_lower_limits: false,
        has_average: false,
    },
    &SensorType {
        prefix: "curr",
        label: "Current",
        description: "Current at the sensor.",
        formula: "curr*_input / 1000 of the chip in /sys/class/hwmon",
        unit: unit::AMPERES,
        divisor: 1e3,
        valid: -10_000_000..=10_000_000,
        minimum: &["rated_min"],
        maximum: &["rated_max"],
        warning: &["max"],
        critical: &["crit"],
        has_lower_limits: false,
        has_average: false,
    },
    &SensorType {
        prefix: "power",
        label: "Power",
        description: "Electrical power at the sensor.",
        formula: "power*_input (µW) of the chip in /sys/class/hwmon, or power*_average where there is no power*_input",
        unit: unit::WATTS,
        divisor: 1e6,
        valid: -100_000_000_000..=100_000_000_000,
        minimum: &["rated_min"],
        maximum: &["rated_max", "cap_max"],
        warning: &["max"],
        critical: &["crit"],
        has_lower_limits: false,
        has_average: true,
    },
    &SensorType {
        prefix: "energy",
        label: "Energy",
        description: "Energy used since the driver was loaded.",
        formula: "energy*_input (µJ) of the chip in /sys/class/hwmon",
        unit: unit::JOULES,
        divisor: 1e6,
        valid: 0..=i64::MAX,
        minimum: &[],
        maximum: &[],
        warning: &[],
        critical: &[],
        has_lower_limits: false,
        has_average: false,
    },
    &SensorType {
        prefix: "humidity",
        label: "Humidity",
        description: "Relative humidity of the air.",
        formula: "humidity*_input / 1000 of the chip in /sys/class/hwmon",
        unit: unit::PERCENT,
        divisor: 1e3,
        valid: 0..=100_000,
        minimum: &["rated_min"],
        maximum: &["rated_max"],
        warning: &["max"],
        critical: &[],
        has_lower_limits: false,
        has_average: false,
    },
    // The feature has no value, only an alarm.
    &ALARM,
];

pub(crate) static ALARM: SensorType = SensorType {
    prefix: "intrusion",
    label: "Intrusion",
    description: "Alarm of the chip: 1 while it is raised, otherwise 0.",
    formula: "the file of this name of the chip in /sys/class/hwmon",
    unit: unit::ONE,
    divisor: 1.0,
    valid: 0..=1,
    minimum: &[],
    maximum: &[],
    warning: &[],
    critical: &[],
    has_lower_limits: false,
    has_average: false,
};

/// Limits that mean none: 0 for one that was never set, and registers of 15 to 64 bits that are full.
const UNSET: [i64; 9] = [
    0,
    i16::MIN as i64,
    i16::MAX as i64,
    u16::MAX as i64,
    i32::MIN as i64,
    i32::MAX as i64,
    u32::MAX as i64,
    i64::MIN,
    i64::MAX,
];

/// Whether a limit in thousandths of a degree is the end of the range of a register of 8 bits, with or without a sign
/// and a fraction: that limit is never reached.
fn is_unset_temperature(counts: i64) -> bool {
    matches!(counts / 1000, -128 | -127 | 127 | 128 | 255)
}

impl SensorType {
    /// Parses the value in a file of this type.
    pub(crate) fn parse_value(&self, text: &[u8]) -> Raw {
        let value = parse::signed(text.trim_ascii()).filter(|value| self.valid.contains(value));
        value.map_or(Raw::Fault(Fault::Malformed), |value| {
            Raw::Number(value as f64 / self.divisor)
        })
    }

    /// Parses the limit in a file; none if it is outside of the valid range, or a number by which a chip says that it
    /// has no limit.
    pub(crate) fn parse_limit(&self, text: &str) -> Option<f64> {
        let counts = parse::signed(text.trim().as_bytes())?;
        if UNSET.contains(&counts) || self.prefix == "temp" && is_unset_temperature(counts) {
            return None;
        }
        match self.parse_value(text.as_bytes()) {
            Raw::Number(limit) => Some(limit),
            _ => None,
        }
    }

    pub(crate) fn kind(&self) -> Kind {
        if self.prefix == "energy" {
            Kind::Total
        } else {
            Kind::Gauge
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_mean_no_limit_are_none() {
        let check = |prefix: &str, text: &str, expected: Option<f64>| {
            let found = SENSOR_TYPES.iter().find(|each| each.prefix == prefix);
            assert_eq!(
                found.unwrap().parse_limit(text),
                expected,
                "{prefix} {text}"
            );
        };
        check("temp", "84850\n", Some(84.85));
        check("temp", "-40000\n", Some(-40.0));
        for unset in [
            "0", "127000", "127875", "128000", "255000", "255875", "65261850",
        ] {
            check("temp", unset, None);
        }
        for unset in [
            "-127000",
            "-128000",
            "-273150",
            "9223372036854775807",
            "x",
            "",
        ] {
            check("temp", unset, None);
        }
        check("fan", "300\n", Some(300.0));
        check("fan", "65535\n", None);
        check("in", "13200\n", Some(13.2));
        check("in", "2147483647\n", None);
        check("power", "4294967295\n", None);
        check("power", "120000000\n", Some(120.0));
        check("curr", "9223372036854775807\n", None);
    }

    #[track_caller]
    fn check(prefix: &str, text: &str, expected: Result<f64, Fault>) {
        let sensor_type = SENSOR_TYPES
            .iter()
            .find(|sensor_type| sensor_type.prefix == prefix)
            .unwrap();
        let expected = expected.map_or_else(Raw::Fault, Raw::Number);
        assert_eq!(sensor_type.parse_value(text.as_bytes()), expected);
    }

    #[test]
    fn impossible_values_are_malformed() {
        let malformed = Err(Fault::Malformed);
        check("temp", "-128000\n", Ok(-128.0));
        check("temp", "127875\n", Ok(127.875));
        check("temp", "65261850\n", malformed);
        check("temp", "-273150\n", malformed);
        check("temp", "4294939296\n", malformed);
        check("temp", "", malformed);
        check("temp", "N/A\n", malformed);
        check("fan", "0\n", Ok(0.0));
        check("fan", "-1\n", malformed);
        check("fan", "1350000\n", malformed);
        check("in", "-11904\n", Ok(-11.904));
        check("in", "2147483647\n", malformed);
        check("curr", "-1500\n", Ok(-1.5));
        check("power", "15250000\n", Ok(15.25));
        check("energy", "18446744073709551615\n", malformed);
        check("energy", "2500000\n", Ok(2.5));
        check("humidity", "45123\n", Ok(45.123));
        check("humidity", "100001\n", malformed);
        check("intrusion", "1\n", Ok(1.0));
        check("intrusion", "2\n", malformed);
    }
}
