//! Numbers and units for a person.

#![allow(
    clippy::arithmetic_side_effects,
    reason = "floating-point numbers, and the places of a few prefixes"
)]

/// The most characters of the number of a [`readable`] value, so that no value makes a column wider: a whole number below 10^12
/// is shown in full.
pub(crate) const NUMBER_WIDTH: usize = 12;

/// Scales a value of a UCUM unit. Returns number and unit apart, so that they can be aligned. The number has at most
/// [`NUMBER_WIDTH`] characters: one that would be longer is in scientific notation.
pub(crate) fn readable(value: f64, unit: &str) -> (String, String) {
    readable_to(value, unit, None)
}

/// The same with so many decimals, unless it is a time of a minute or more. They do not count as characters.
pub(crate) fn readable_to(value: f64, unit: &str, places: Option<usize>) -> (String, String) {
    let (scaled, natural, shown) = match unit {
        "By" => scaled(value, 1024.0, BINARY, "B"),
        "By/s" => scaled(value, 1024.0, BINARY, "B/s"),
        "bit/s" => scaled(value, 1000.0, DECIMAL, "bit/s"),
        "Hz" => scaled(value, 1000.0, DECIMAL, "Hz"),
        "%" => (value, 1, "%".to_owned()),
        "Cel" => (value, 1, "°C".to_owned()),
        "s" => match duration(value) {
            Some(duration) => return duration,
            None => (value, natural(value), "s".to_owned()),
        },
        "1" => (value, natural(value), String::new()),
        unit => (value, natural(value), unit.to_owned()),
    };
    let number = decimals(scaled, places.unwrap_or(natural));
    let width = match places {
        Some(_) => number.find('.').unwrap_or(number.len()),
        None => number.len(),
    };
    if width <= NUMBER_WIDTH {
        return (number, shown);
    }
    let base = match unit {
        "By" => "B",
        "By/s" => "B/s",
        "%" | "bit/s" | "Hz" | "s" => unit,
        _ => &*shown,
    };
    (format!("{value:.2e}"), base.to_owned())
}

const BINARY: &[&str] = &["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
const DECIMAL: &[&str] = &["", "k", "M", "G", "T", "P", "E"];

/// The scaled value, its decimals, and the unit with a prefix.
fn scaled(value: f64, step: f64, prefixes: &[&str], unit: &str) -> (f64, usize, String) {
    let mut value = value;
    let mut at = 0;
    // Compare the rounded value: 1.0 MiB, never 1024.0 KiB.
    while at + 1 < prefixes.len() && (value.abs() * 10.0).round() >= step * 10.0 {
        value /= step;
        at += 1;
    }
    let places = if at == 0 { natural(value) } else { 1 };
    (value, places, format!("{}{unit}", prefixes[at]))
}

/// No decimals for a whole number, two for another one.
fn natural(value: f64) -> usize {
    if value.fract() == 0.0 { 0 } else { 2 }
}

/// A number with so many decimals, and without the sign of a zero.
pub(crate) fn decimals(value: f64, places: usize) -> String {
    let text = format!("{value:.places$}");
    match text.strip_prefix('-') {
        Some(zero) if zero.bytes().all(|byte| matches!(byte, b'0' | b'.')) => zero.to_owned(),
        _ => text,
    }
}

/// Formats seconds by the two largest of days, hours, minutes and seconds. `None` for less than a minute.
fn duration(seconds: f64) -> Option<(String, String)> {
    // Beyond this, days have more digits than fit, and the conversion saturates later.
    const LONGEST: f64 = 1e16;
    if seconds.abs() < 60.0 || seconds.abs() >= LONGEST || seconds.is_nan() {
        return None;
    }
    let sign = if seconds < 0.0 { "-" } else { "" };
    let whole = seconds.abs() as u64;
    let (minutes, hours, days) = (whole / 60, whole / 3600, whole / 86400);
    let (large, small) = match (days, hours) {
        (0, 0) => (format!("{minutes} min"), format!("{} s", whole % 60)),
        (0, _) => (format!("{hours} h"), format!("{} min", minutes % 60)),
        (_, _) => (format!("{days} d"), format!("{} h", hours % 24)),
    };
    // The first number is aligned with other numbers.
    let (number, unit) = large.split_once(' ').unwrap_or((&large, ""));
    Some((format!("{sign}{number}"), format!("{unit} {small}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: f64, unit: &str, expected: &str) {
        let (number, unit) = readable(value, unit);
        assert_eq!(format!("{number} {unit}").trim_end(), expected);
    }

    #[test]
    fn values_are_scaled() {
        check(0.0, "By", "0 B");
        check(1023.0, "By", "1023 B");
        check(1024.0, "By", "1.0 KiB");
        check(13_314_398_617.6, "By", "12.4 GiB");
        check(1024.0 * 1024.0 - 1.0, "By", "1.0 MiB");
        check(-2048.0, "By", "-2.0 KiB");
        check(1_258_291.2, "By/s", "1.2 MiB/s");
        check(0.25, "By/s", "0.25 B/s");
        check(1e15, "By/s", "909.5 TiB/s");
        check(1e27, "By", "867361738.0 EiB");
        check(94_000_000.0, "bit/s", "94.0 Mbit/s");
        check(2_400_000_000.0, "Hz", "2.4 GHz");
        check(3.12, "%", "3.1 %");
        check(100.0, "%", "100.0 %");
        check(41.96, "Cel", "42.0 °C");
        check(4.0, "1", "4");
        check(0.15, "1", "0.15");
        check(7.5, "W", "7.50 W");
        check(1200.0, "/min", "1200 /min");
        check(0.5, "s", "0.50 s");
        check(61.9, "s", "1 min 1 s");
        check(3600.0, "s", "1 h 0 min");
        check(277_200.0, "s", "3 d 5 h");
        check(-90.0, "s", "-1 min 30 s");
    }

    #[test]
    fn decimals_can_be_chosen() {
        let check = |value, unit, places, expected: &str| {
            let (number, unit) = readable_to(value, unit, Some(places));
            assert_eq!(format!("{number} {unit}").trim_end(), expected);
        };
        check(3.16, "%", 0, "3 %");
        check(13_314_398_617.6, "By", 2, "12.40 GiB");
        check(0.5, "s", 3, "0.500 s");
        check(61.9, "s", 3, "1 min 1 s");
        check(4.0, "1", 1, "4.0");
        check(-0.4, "%", 0, "0 %");
        check(3.34, "%", 11, "3.34000000000 %");
        check(844_000_000.0, "By", 10, "804.9011230469 MiB");
        check(0.25, "V", 17, "0.25000000000000000 V");
        check(-123_456_789_012.0, "/min", 2, "-1.23e11 /min");
        check(8e307, "V", 17, "8.00e307 V");
    }

    #[test]
    fn a_zero_has_no_sign() {
        check(-0.0, "1", "0");
        check(-0.0, "By", "0 B");
        check(-0.0, "s", "0 s");
        check(-0.04, "%", "0.0 %");
        check(-0.001, "V", "0.00 V");
        check(-0.06, "Cel", "-0.1 °C");
    }

    #[test]
    fn a_long_number_is_in_scientific_notation() {
        check(999_999_999_999.0, "1", "999999999999");
        check(1e12, "1", "1.00e12");
        check(-123_456_789_012.0, "/min", "-1.23e11 /min");
        check(8e307, "1", "8.00e307");
        check(8e307, "V", "8.00e307 V");
        check(-8e307, "%", "-8.00e307 %");
        check(8e307, "Cel", "8.00e307 °C");
        check(1e30, "By", "1.00e30 B");
        check(8e307, "By/s", "8.00e307 B/s");
        check(8e307, "bit/s", "8.00e307 bit/s");
        check(-8e307, "Hz", "-8.00e307 Hz");
        check(8e307, "s", "8.00e307 s");
        check(1e15, "s", "11574074074 d 1 h");
        check(1e-300, "V", "0.00 V");
    }

    #[test]
    fn no_number_is_wider_than_a_column() {
        let units = "By By/s bit/s Hz % Cel s 1 W V A /min mm[Hg] kg/m2";
        for unit in units.split(' ') {
            for exponent in -320..=308 {
                for mantissa in ["1", "9.999999999999999", "-1", "-9.999999999999999", "5.5"] {
                    let value: f64 = format!("{mantissa}e{exponent}").parse().unwrap();
                    let (number, shown) = readable(value, unit);
                    let most = unit.len().max("min 59 s".len());
                    assert!(
                        number.len() <= NUMBER_WIDTH && shown.chars().count() <= most,
                        "{value} {unit}: {number} {shown}"
                    );
                }
            }
            for value in [
                f64::INFINITY,
                f64::NEG_INFINITY,
                f64::NAN,
                f64::MAX,
                f64::MIN,
                0.0,
            ] {
                let (number, _) = readable(value, unit);
                assert!(number.len() <= NUMBER_WIDTH, "{value} {unit}: {number}");
            }
        }
    }
}
