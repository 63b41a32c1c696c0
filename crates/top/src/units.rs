//! Values as a person reads them, from units in UCUM.

use std::borrow::Cow;

/// The text for a value that does not exist.
pub(crate) const NO_VALUE: &str = "—";

/// A multiple of a unit in which values of one magnitude are printed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Multiple {
    /// How many of the metric's units it is.
    pub(crate) size: f64,
    /// Its symbol; empty for a plain number.
    pub(crate) symbol: Cow<'static, str>,
}

/// A value in the multiple of its unit that suits it, in three digits: "1.5 GiB". No text is longer than 16 characters, if the
/// unit is a known one.
pub(crate) fn format(value: f64, unit: &str) -> String {
    let multiple = Multiple::for_magnitude(value, unit);
    let scaled = value / multiple.size;
    let decimals = match scaled.abs() {
        magnitude if magnitude >= 99.95 => 0,
        _ if multiple.is_whole(scaled) => 0,
        magnitude if magnitude < 9.995 && is_fine(unit) => 2,
        _ => 1,
    };
    multiple.format(value, decimals)
}

impl Multiple {
    /// The multiple for values up to a magnitude, in a unit in UCUM.
    pub(crate) fn for_magnitude(magnitude: f64, unit: &str) -> Self {
        let Some((size, multiples)) = known(unit) else {
            return Self {
                size: 1.0,
                symbol: Cow::Owned(unit.to_owned()),
            };
        };
        // 1023.6 KiB would round to 1024 KiB, so that is 1.0 MiB.
        let reaches = |(multiple, _): &&(f64, &str)| magnitude.abs() * size >= multiple * 0.9995;
        let smallest = multiples.first().unwrap_or(&(1.0, ""));
        let natural = multiples.iter().find(|(multiple, _)| *multiple == 1.0);
        let (multiple, symbol) = match magnitude == 0.0 {
            true => natural.unwrap_or(smallest),
            false => multiples.iter().rev().find(reaches).unwrap_or(smallest),
        };
        Self {
            size: multiple / size,
            symbol: Cow::Borrowed(symbol),
        }
    }

    /// A value of the metric in this multiple.
    pub(crate) fn format(&self, value: f64, decimals: usize) -> String {
        if !value.is_finite() {
            return NO_VALUE.to_owned();
        }
        let scaled = value / self.size;
        let mut text = match scaled.abs() {
            magnitude if magnitude >= 1e6 => format!("{scaled:.1e}"),
            _ => format!("{scaled:.decimals$}"),
        };
        // -0.04 rounds to a zero without a sign.
        if text.starts_with('-') && !text.contains(|digit| ('1'..='9').contains(&digit)) {
            text.remove(0);
        }
        if !self.symbol.is_empty() {
            text.push(' ');
            text.push_str(&self.symbol);
        }
        text
    }

    /// Whether a scaled value is printed without decimals because it has none: 12 B, 4 threads, 0 %.
    fn is_whole(&self, scaled: f64) -> bool {
        scaled == 0.0 || (self.size == 1.0 && scaled.fract() == 0.0 && self.symbol != "%")
    }
}

/// Whether changes of hundredths matter.
fn is_fine(unit: &str) -> bool {
    matches!(unit, "W" | "V" | "A" | "1" | "W.h" | "J")
}

type Multiples = &'static [(f64, &'static str)];

/// The size of a unit in the unit that its multiples are of, and these.
fn known(unit: &str) -> Option<(f64, Multiples)> {
    Some(match unit {
        "By" => (1.0, BYTES),
        "By/s" => (1.0, BYTES_PER_SECOND),
        "bit" => (1.0, BITS),
        "bit/s" => (1.0, BITS_PER_SECOND),
        "Hz" => (1.0, HERTZ),
        "MHz" => (1e6, HERTZ),
        "s" => (1.0, SECONDS),
        "ms" => (1e-3, SECONDS),
        "us" => (1e-6, SECONDS),
        "W" => (1.0, &[(1e-3, "mW"), (1.0, "W"), (1e3, "kW")]),
        "W.h" => (1.0, &[(1.0, "Wh"), (1e3, "kWh")]),
        "J" => (1.0, &[(1.0, "J"), (1e3, "kJ"), (1e6, "MJ"), (1e9, "GJ")]),
        "V" => (1.0, &[(1e-3, "mV"), (1.0, "V")]),
        "A" => (1.0, &[(1e-3, "mA"), (1.0, "A")]),
        "%" => (1.0, &[(1.0, "%")]),
        "Cel" => (1.0, &[(1.0, "°C")]),
        "/min" => (1.0, &[(1.0, "rpm")]),
        "/s" => (
            1.0,
            &[(1.0, "/s"), (1e3, "k/s"), (1e6, "M/s"), (1e9, "G/s")],
        ),
        "1" | "" => (1.0, &[(1.0, ""), (1e6, "M"), (1e9, "G"), (1e12, "T")]),
        _ => return None,
    })
}

const KIB: f64 = 1024.0;
const MIB: f64 = 1_048_576.0;
const GIB: f64 = 1_073_741_824.0;
const TIB: f64 = 1_099_511_627_776.0;
const PIB: f64 = 1_125_899_906_842_624.0;

const BYTES: Multiples = &[
    (1.0, "B"),
    (KIB, "KiB"),
    (MIB, "MiB"),
    (GIB, "GiB"),
    (TIB, "TiB"),
    (PIB, "PiB"),
];
const BYTES_PER_SECOND: Multiples = &[
    (1.0, "B/s"),
    (KIB, "KiB/s"),
    (MIB, "MiB/s"),
    (GIB, "GiB/s"),
    (TIB, "TiB/s"),
    (PIB, "PiB/s"),
];
const BITS: Multiples = &[
    (1.0, "bit"),
    (1e3, "kbit"),
    (1e6, "Mbit"),
    (1e9, "Gbit"),
    (1e12, "Tbit"),
];
const BITS_PER_SECOND: Multiples = &[
    (1.0, "bit/s"),
    (1e3, "kbit/s"),
    (1e6, "Mbit/s"),
    (1e9, "Gbit/s"),
    (1e12, "Tbit/s"),
];
const HERTZ: Multiples = &[(1.0, "Hz"), (1e3, "kHz"), (1e6, "MHz"), (1e9, "GHz")];
const SECONDS: Multiples = &[
    (1e-6, "µs"),
    (1e-3, "ms"),
    (1.0, "s"),
    (60.0, "min"),
    (3600.0, "h"),
    (86400.0, "d"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: f64, unit: &str, expected: &str) {
        assert_eq!(format(value, unit), expected);
    }

    #[test]
    fn values_have_three_digits_and_a_multiple() {
        check(0.0, "By", "0 B");
        check(12.0, "By", "12 B");
        check(1023.0, "By", "1023 B");
        check(1024.0, "By", "1.0 KiB");
        check(1023.6 * 1024.0, "By", "1.0 MiB");
        check(13_314_398_617.6, "By", "12.4 GiB");
        check(-2048.0, "By", "-2.0 KiB");
        check(2e20, "By", "177636 PiB");
        check(1_258_291.2, "By/s", "1.2 MiB/s");
        check(0.25, "By/s", "0.2 B/s");
        check(94_000_000.0, "bit/s", "94.0 Mbit/s");
        check(999_960.0, "bit/s", "1.0 Mbit/s");
        check(2_400_000_000.0, "Hz", "2.4 GHz");
        check(3400.0, "MHz", "3.4 GHz");
        check(800.0, "MHz", "800 MHz");
        check(3.12, "%", "3.1 %");
        check(7.0, "%", "7.0 %");
        check(0.0, "%", "0 %");
        check(-0.01, "%", "0.0 %");
        check(99.97, "%", "100 %");
        check(41.96, "Cel", "42.0 °C");
        check(-3.0, "Cel", "-3 °C");
        check(4.0, "1", "4");
        check(0.15, "1", "0.15");
        check(7.5, "W", "7.50 W");
        check(0.25, "W", "250 mW");
        check(12.0, "V", "12 V");
        check(1200.0, "/min", "1200 rpm");
        check(1500.0, "/s", "1.5 k/s");
    }

    #[test]
    fn times_have_the_unit_that_suits_them() {
        check(0.0, "s", "0 s");
        check(0.5, "s", "500 ms");
        check(5400.0, "s", "1.5 h");
        check(277_200.0, "s", "3.2 d");
        check(250.0, "us", "250 µs");
        check(1500.0, "ms", "1.5 s");
    }

    #[test]
    fn what_is_no_number_has_no_unit() {
        check(f64::NAN, "By", NO_VALUE);
        check(f64::INFINITY, "%", NO_VALUE);
    }

    #[test]
    fn a_unit_that_is_not_known_is_printed_as_it_is() {
        check(3.0, "furlong", "3 furlong");
        check(1e300, "furlong", "1.0e300 furlong");
    }

    #[test]
    fn no_value_is_wider_than_a_column() {
        let units = [
            "By", "By/s", "bit", "bit/s", "Hz", "MHz", "s", "ms", "us", "W", "W.h", "J", "V", "A",
            "%", "Cel", "/min", "/s", "1", "",
        ];
        for unit in units {
            for exponent in -308..=308 {
                let value = -9.999 * 10_f64.powi(exponent);
                let text = format(value, unit);
                assert!(text.chars().count() <= 16, "{value} {unit}: {text}");
            }
            assert!(format(f64::MAX, unit).chars().count() <= 16);
        }
    }
}
