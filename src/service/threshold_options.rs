//! The threshold and the options of `Watch`.

use std::time::Duration;

use super::{
    error::{self, Error},
    option_value::OptionValue,
    options::{self, CallOptions, flag, microseconds, mistyped},
    session::{Direction, Threshold},
};

/// The interval of a watch without the option.
const DEFAULT_INTERVAL: Duration = Duration::from_secs(1);

/// The longest hold, which is the longest interval, too.
const MAX_HOLD: Duration = Duration::from_secs(24 * 60 * 60);

/// The arguments of `Watch` beside the selector.
#[derive(Debug, PartialEq)]
pub(crate) struct WatchOptions {
    pub(crate) threshold: Threshold,
    pub(crate) label: String,
    /// Whether the selector may match nothing.
    pub(crate) is_optional: bool,
    /// The ids of metrics that have crossed before.
    pub(crate) crossed: Vec<String>,
}

/// Checks the threshold and the options.
///
/// # Errors
/// `InvalidArgs` for a number that is not finite, a negative hysteresis, an unknown direction, a wrong type, and a detached
/// watch; `InvalidInterval` for the interval and the hold; `LimitExceeded` for the label.
pub(crate) fn watch(value: f64, given: &CallOptions) -> Result<WatchOptions, Error> {
    if !value.is_finite() {
        let message = format!("threshold {value}: a threshold is a finite number");
        return Err(Error::invalid_args(message));
    }
    let (direction, both) = direction(given)?;
    let threshold = Threshold {
        value,
        hysteresis: hysteresis(given)?,
        direction,
        recovery: flag(given, "recovery")? || both,
        hold: hold(given)?,
        interval: interval(given)?,
    };
    if !threshold.return_value().is_finite() {
        return Err(Error::invalid_args(format!(
            "option hysteresis: {}: it is beyond the range of numbers from the threshold {value}",
            threshold.hysteresis
        )));
    }
    if flag(given, "detached")? {
        let message = "option detached: a watch has an owner, which is told its crossings";
        return Err(Error::invalid_args(message.to_owned()));
    }
    let crossed = match given.get("crossed") {
        None => Vec::new(),
        Some(OptionValue::TextList(ids)) => ids.clone(),
        Some(other) => return Err(mistyped("crossed", "as", other)),
    };
    Ok(WatchOptions {
        threshold,
        label: options::label(given)?,
        is_optional: flag(given, "optional")?,
        crossed,
    })
}

/// The direction of the crossing, and whether the other one is asked for, too.
fn direction(given: &CallOptions) -> Result<(Direction, bool), Error> {
    match given.get("direction") {
        None => Ok((Direction::Above, false)),
        Some(OptionValue::Text(word)) => match word.as_str() {
            "above" => Ok((Direction::Above, false)),
            "below" => Ok((Direction::Below, false)),
            "both" => Ok((Direction::Above, true)),
            _ => Err(Error::invalid_args(format!(
                "option direction: {word:.64?}: a direction is above, below or both"
            ))),
        },
        Some(other) => Err(mistyped("direction", "s", other)),
    }
}

fn hysteresis(given: &CallOptions) -> Result<f64, Error> {
    match given.get("hysteresis") {
        None => Ok(0.0),
        Some(OptionValue::F64(hysteresis)) if hysteresis.is_finite() && *hysteresis >= 0.0 => {
            Ok(*hysteresis)
        }
        Some(OptionValue::F64(hysteresis)) => Err(Error::invalid_args(format!(
            "option hysteresis: {hysteresis}: a hysteresis is finite and not negative"
        ))),
        Some(other) => Err(mistyped("hysteresis", "d", other)),
    }
}

fn interval(given: &CallOptions) -> Result<Duration, Error> {
    match given.get("interval") {
        None => Ok(DEFAULT_INTERVAL),
        Some(OptionValue::U64(interval)) => {
            error::interval(*interval).map_err(|error| error.of_option("interval"))
        }
        Some(other) => Err(mistyped("interval", "t", other)),
    }
}

fn hold(given: &CallOptions) -> Result<Duration, Error> {
    let hold = microseconds(given, "hold")?.unwrap_or_default();
    if hold <= MAX_HOLD {
        return Ok(hold);
    }
    Err(Error::invalid_interval(format!(
        "option hold: {}: a hold is at most 86400000000 µs (a day)",
        hold.as_micros()
    )))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use zbus::Variant;

    use super::*;

    /// Options that were sent in a message.
    fn sent(given: Vec<(&str, Variant<'_>)>) -> CallOptions {
        let given: HashMap<_, _> = given.into_iter().collect();
        let call = zbus::Message::method_call("/", "M").build(&given).unwrap();
        call.body().deserialize().unwrap()
    }

    #[test]
    fn options_have_defaults() {
        let options = watch(85.0, &CallOptions::default()).unwrap();
        let expected = Threshold {
            value: 85.0,
            hysteresis: 0.0,
            direction: Direction::Above,
            recovery: false,
            hold: Duration::ZERO,
            interval: Duration::from_secs(1),
        };
        assert_eq!(options.threshold, expected);
        assert!(options.label.is_empty() && options.crossed.is_empty());
        let options = watch(
            -0.0,
            &sent(vec![
                ("direction", Variant::from("both")),
                ("hysteresis", Variant::from(5.0)),
                ("hold", Variant::from(86_400_000_000_u64)),
                ("interval", Variant::from(50_000_u64)),
                ("label", Variant::from("hot")),
                ("crossed", Variant::from(vec!["a/b/c"])),
                ("detached", Variant::from(false)),
                ("colour", Variant::from("red")),
            ]),
        );
        let options = options.unwrap();
        let expected = Threshold {
            value: -0.0,
            hysteresis: 5.0,
            recovery: true,
            hold: Duration::from_secs(86_400),
            interval: Duration::from_millis(50),
            ..expected
        };
        assert_eq!(options.threshold, expected);
        assert_eq!((options.label.as_str(), options.crossed.len()), ("hot", 1));
        let low = watch(1.0, &sent(vec![("direction", Variant::from("below"))])).unwrap();
        assert_eq!(low.threshold.direction, Direction::Below);
        assert!(!low.threshold.recovery);
    }

    #[track_caller]
    fn refuses(value: f64, key: &str, option: Variant<'_>, name: &str, culprit: &str) {
        let error = watch(value, &sent(vec![(key, option)])).expect_err(culprit);
        assert!(error.name().ends_with(name), "{error:?}");
        let message = error.to_string();
        assert!(message.starts_with(culprit), "{message}");
    }

    #[test]
    fn bad_input_is_named() {
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let culprit = format!("threshold {value}:");
            refuses(value, "x", Variant::from(1.0), ".InvalidArgs", &culprit);
            if value > 0.0 {
                continue;
            }
            let culprit = format!("option hysteresis: {value}:");
            let option = Variant::from(value);
            refuses(1.0, "hysteresis", option, ".InvalidArgs", &culprit);
        }
        let check = |key, option, name, culprit| refuses(1.0, key, option, name, culprit);
        let wrong = ".InvalidArgs";
        check(
            "hysteresis",
            Variant::from(-1.0),
            wrong,
            "option hysteresis: -1:",
        );
        check(
            "hysteresis",
            Variant::from(f64::INFINITY),
            wrong,
            "option hysteresis: inf:",
        );
        check(
            "hysteresis",
            Variant::from(5_i32),
            wrong,
            "option hysteresis: type i was given",
        );
        refuses(
            f64::MIN,
            "hysteresis",
            Variant::from(f64::MAX),
            wrong,
            "option hysteresis: 1797",
        );
        check(
            "direction",
            Variant::from("up"),
            wrong,
            "option direction: \"up\":",
        );
        check(
            "direction",
            Variant::from(1_u8),
            wrong,
            "option direction: type y",
        );
        check(
            "optional",
            Variant::from(1_u64),
            wrong,
            "option optional: type t",
        );
        check(
            "recovery",
            Variant::from("yes"),
            wrong,
            "option recovery: type s",
        );
        check("detached", Variant::from(true), wrong, "option detached:");
        check(
            "detached",
            Variant::from("no"),
            wrong,
            "option detached: type s",
        );
        check(
            "crossed",
            Variant::from("a/b/c"),
            wrong,
            "option crossed: type s",
        );
        check("label", Variant::from(1_u64), wrong, "option label: type t");
        check("hold", Variant::from(1_u32), wrong, "option hold: type u");
        check(
            "interval",
            Variant::from(-1_i64),
            wrong,
            "option interval: type x",
        );
        let range = ".InvalidInterval";
        check(
            "hold",
            Variant::from(u64::MAX),
            range,
            "option hold: 18446744073709551615:",
        );
        check(
            "hold",
            Variant::from(86_400_000_001_u64),
            range,
            "option hold: 86400000001:",
        );
        for interval in [0, 49_999, 86_400_000_001, u64::MAX] {
            let culprit = format!("option interval: {interval}:");
            refuses(1.0, "interval", Variant::from(interval), range, &culprit);
        }
        let long = Variant::from("x".repeat(257));
        check("label", long, ".LimitExceeded", "option label: 257 bytes");
    }
}
