//! The types of sensors: unit, limits and valid values.

#[cfg(test)]
mod tests;

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
    /// The ends of a scale that the tolerance of the sensor may exceed, in the driver's counts: a part is at most its
    /// whole.
    scale: Option<(i64, i64)>,
    /// Whether 0 means that the driver has not measured.
    is_unknown_at_zero: bool,
    /// The files with the ends of the scale, the best first.
    pub(crate) minimum: &'static [&'static str],
    pub(crate) maximum: &'static [&'static str],
    /// The files with the limits of normal values, the best first. The normal values of a fan are above its limit,
    /// those of other sensors below: there is one pair of limits, and too much is the danger of a temperature, a
    /// voltage, a current and a power.
    pub(crate) warning: &'static [&'static str],
    pub(crate) critical: &'static [&'static str],
    pub(crate) has_lower_limits: bool,
    /// Whether a chip may have an average in place of the present value, or beside it.
    pub(crate) has_average: bool,
}

/// The fields that most types have in common.
const PLAIN: SensorType = SensorType {
    prefix: "",
    label: "",
    description: "",
    formula: "",
    unit: unit::ONE,
    divisor: 1.0,
    valid: 0..=0,
    scale: None,
    is_unknown_at_zero: false,
    minimum: &[],
    maximum: &[],
    warning: &[],
    critical: &[],
    has_lower_limits: false,
    has_average: false,
};

/// The fields of types with rated limits.
const RATED: SensorType = SensorType {
    minimum: &["rated_min"],
    maximum: &["rated_max"],
    warning: &["max"],
    critical: &["crit"],
    has_average: true,
    ..PLAIN
};

const CHIP_TEMPERATURE: SensorType = SensorType {
    prefix: "temp",
    label: "Temperature",
    description: "Temperature at the sensor.",
    formula: "temp*_input / 1000 of the chip in /sys/class/hwmon, or temp / 1000 of a zone in /sys/class/thermal that has no chip",
    unit: unit::CELSIUS,
    divisor: 1e3,
    // From the boiling point of nitrogen to the limit of a thermocouple.
    valid: -196_000..=1_800_000,
    critical: &["crit", "emergency"],
    ..RATED
};

pub(crate) static TEMPERATURE: SensorType = CHIP_TEMPERATURE;

/// The temperature of a thermal zone. Zones whose firmware or driver has not measured yet have 0.
pub(crate) static ZONE_TEMPERATURE: SensorType = SensorType {
    is_unknown_at_zero: true,
    ..CHIP_TEMPERATURE
};

/// The types of sensors (`hwmon_sensor_types` in linux/hwmon.h). An alarm is not a type: any feature may have
/// one.
pub(crate) static SENSOR_TYPES: [&SensorType; 10] = [
    &TEMPERATURE,
    &SensorType {
        prefix: "fan",
        label: "Fan",
        description: "Speed of the fan, in revolutions per minute.",
        formula: "fan*_input of the chip in /sys/class/hwmon",
        unit: unit::PER_MINUTE,
        valid: 0..=200_000,
        maximum: &["max"],
        warning: &["min"],
        has_lower_limits: true,
        ..PLAIN
    },
    &PWM,
    &SensorType {
        prefix: "in",
        label: "Voltage",
        description: "Voltage at the sensor.",
        formula: "in*_input / 1000 of the chip in /sys/class/hwmon, otherwise in*_average / 1000",
        unit: unit::VOLTS,
        divisor: 1e3,
        valid: -1_000_000..=1_000_000,
        ..RATED
    },
    &SensorType {
        prefix: "curr",
        label: "Current",
        description: "Current at the sensor.",
        formula: "curr*_input / 1000 of the chip in /sys/class/hwmon, otherwise curr*_average / 1000",
        unit: unit::AMPERES,
        divisor: 1e3,
        valid: -10_000_000..=10_000_000,
        ..RATED
    },
    &SensorType {
        prefix: "power",
        label: "Power",
        description: "Electrical power at the sensor.",
        formula: "power*_input (µW) of the chip in /sys/class/hwmon, otherwise power*_average",
        unit: unit::WATTS,
        divisor: 1e6,
        valid: -100_000_000_000..=100_000_000_000,
        maximum: &["rated_max", "cap_max"],
        ..RATED
    },
    &SensorType {
        prefix: "energy",
        label: "Energy",
        description: "Energy used since the driver was loaded.",
        formula: "energy*_input (µJ) of the chip in /sys/class/hwmon",
        unit: unit::JOULES,
        divisor: 1e6,
        valid: 0..=i64::MAX,
        is_unknown_at_zero: true,
        ..PLAIN
    },
    &SensorType {
        prefix: "humidity",
        label: "Humidity",
        description: "Relative humidity of the air.",
        formula: "humidity*_input / 1000 of the chip in /sys/class/hwmon, at most 100",
        unit: unit::PERCENT,
        divisor: 1e3,
        // The range of the conversion in the data sheet of the SHT2x.
        valid: -6_000..=119_000,
        scale: Some((0, 100_000)),
        critical: &[],
        has_average: false,
        ..RATED
    },
    &SensorType {
        prefix: "freq",
        label: "Frequency",
        description: "Clock frequency at the sensor.",
        formula: "freq*_input (Hz) of the chip in /sys/class/hwmon",
        unit: unit::MEGAHERTZ,
        divisor: 1e6,
        valid: 0..=100_000_000_000,
        ..PLAIN
    },
    // The feature has no value, only an alarm.
    &ALARM,
];

/// The control of a fan. Its value is in a file without an item: `pwm1`.
pub(crate) static PWM: SensorType = SensorType {
    prefix: "pwm",
    label: "Fan control",
    description: "Duty cycle with which the chip drives the fan, in per cent of full speed.",
    formula: "100 * pwm* / 255 of the chip in /sys/class/hwmon",
    unit: unit::PERCENT,
    divisor: 2.55,
    valid: 0..=255,
    ..PLAIN
};

pub(crate) static ALARM: SensorType = SensorType {
    prefix: "intrusion",
    label: "Intrusion",
    description: "Alarm of the chip: 1 while it is raised, otherwise 0.",
    formula: "the file of this name of the chip in /sys/class/hwmon",
    valid: 0..=1,
    ..PLAIN
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

/// The speed of a fan in a register of 16 bits that is full.
const FULL_FAN: i64 = u16::MAX as i64;

/// Whether a temperature in thousandths of a degree is a register full of ones, of 7 to 9 bits for the degrees and up
/// to 8 bits for the fraction (127, 127.875, 255, 511 °C), or the least number of a register of 8 bits. Open diodes
/// and chips without power read so.
fn is_full_register(counts: i64) -> bool {
    let of_bits = |degrees: i64, bits: u32| {
        let missing = 1000.0 / f64::from(1_u32.wrapping_shl(bits));
        let full = degrees as f64 * 1e3 - missing;
        (counts as f64 - full).abs() < 1.0
    };
    matches!(counts, -128_000 | -127_000)
        || [128, 256, 512]
            .into_iter()
            .any(|degrees| (0..=8).any(|bits| of_bits(degrees, bits)))
}

impl SensorType {
    /// Parses the value in a file of this type.
    pub(crate) fn parse_value(&self, text: &[u8]) -> Raw {
        let value = parse::signed(text.trim_ascii()).filter(|value| self.valid.contains(value));
        match value {
            Some(0) if self.is_unknown_at_zero => Raw::Fault(Fault::Stale),
            Some(value) if !self.is_full(value) => {
                let (least, most) = self.scale.unwrap_or((i64::MIN, i64::MAX));
                Raw::Number(value.clamp(least, most) as f64 / self.divisor)
            }
            _ => Raw::Fault(Fault::Malformed),
        }
    }

    /// Whether a value is a register full of ones, which measures nothing.
    fn is_full(&self, value: i64) -> bool {
        match self.prefix {
            "temp" => is_full_register(value),
            "fan" => value == FULL_FAN,
            _ => false,
        }
    }

    /// Parses the limit in a file; none if it is outside of the valid range, or a number by which a chip says that it
    /// has no limit.
    pub(crate) fn parse_limit(&self, text: &str) -> Option<f64> {
        let counts = parse::signed(text.trim().as_bytes())?;
        let is_temperature = self.prefix == TEMPERATURE.prefix;
        if UNSET.contains(&counts) || is_temperature && is_unset_temperature(counts) {
            return None;
        }
        match self.parse_value(text.as_bytes()) {
            Raw::Number(limit) => Some(limit),
            _ => None,
        }
    }

    /// Whether no value is below 0.
    pub(crate) fn is_nonnegative(&self) -> bool {
        self.scale.map_or(*self.valid.start(), |(least, _)| least) >= 0
    }

    pub(crate) fn kind(&self) -> Kind {
        if self.prefix == "energy" {
            Kind::Total
        } else {
            Kind::Gauge
        }
    }
}
