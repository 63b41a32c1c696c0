//! Numbers and units for a person.

#![allow(
    clippy::arithmetic_side_effects,
    reason = "floating-point numbers, and the places of a few prefixes"
)]

/// Scales a value of a UCUM unit. Returns number and unit apart, so that they can be aligned.
pub(crate) fn readable(value: f64, unit: &str) -> (String, String) {
    match unit {
        "By" => scaled(value, 1024.0, BINARY, "B"),
        "By/s" => scaled(value, 1024.0, BINARY, "B/s"),
        "bit/s" => scaled(value, 1000.0, DECIMAL, "bit/s"),
        "Hz" => scaled(value, 1000.0, DECIMAL, "Hz"),
        "%" => (format!("{value:.1}"), "%".to_owned()),
        "Cel" => (format!("{value:.1}"), "°C".to_owned()),
        "s" => duration(value),
        "1" => (number_text(value), String::new()),
        unit => (number_text(value), unit.to_owned()),
    }
}

const BINARY: &[&str] = &["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
const DECIMAL: &[&str] = &["", "k", "M", "G", "T", "P", "E"];

fn scaled(value: f64, step: f64, prefixes: &[&str], unit: &str) -> (String, String) {
    let mut value = value;
    let mut at = 0;
    // Compare the rounded value: 1.0 MiB, never 1024.0 KiB.
    while at + 1 < prefixes.len() && (value.abs() * 10.0).round() >= step * 10.0 {
        value /= step;
        at += 1;
    }
    let number = if at == 0 {
        number_text(value)
    } else {
        format!("{value:.1}")
    };
    (number, format!("{}{unit}", prefixes[at]))
}

/// A whole number without decimals, another one with two.
fn number_text(value: f64) -> String {
    if value.fract() == 0.0 {
        format!("{value:.0}")
    } else {
        format!("{value:.2}")
    }
}

/// Formats seconds by the two largest of days, hours, minutes and seconds.
fn duration(seconds: f64) -> (String, String) {
    if seconds.abs() < 60.0 {
        return (number_text(seconds), "s".to_owned());
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
    (format!("{sign}{number}"), format!("{unit} {small}"))
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
        check(1e30, "By", "867361737988.4 EiB");
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
}
