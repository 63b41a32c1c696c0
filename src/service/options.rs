//! The options of calls, `a{sv}`: unknown keys are ignored, wrong types are not.

use std::{collections::HashMap, time::Duration};

use zbus::{OwnedVariant, Variant};

use crate::sample;

use super::error::Error;

/// Options as they come over the bus.
pub(crate) type Options = HashMap<String, OwnedVariant>;

/// The longest time that one call may take: a call in flight holds the service's exit up.
const LONGEST: Duration = Duration::from_secs(10);
/// The kernel counts a cpu's time in ticks of 10 ms or less: nothing shorter can tell a rate.
const SHORTEST_WINDOW: Duration = Duration::from_millis(10);
const LONGEST_LABEL: usize = 256;

/// What `Start` can be told.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct StartOptions {
    pub(crate) label: String,
    pub(crate) detached: bool,
}

pub(crate) fn sample(options: &Options) -> Result<sample::Options, Error> {
    let usual = sample::Options::default();
    let taken = sample::Options {
        window: microseconds(options, "window")?.unwrap_or(usual.window),
        max_age: microseconds(options, "max_age")?.unwrap_or(usual.max_age),
        timeout: microseconds(options, "timeout")?.unwrap_or(usual.timeout),
    };
    if !(SHORTEST_WINDOW..=LONGEST).contains(&taken.window) {
        return Err(Error::invalid_interval(format!(
            "option window: {}: a window is between 10000 µs (10 ms) and 10000000 µs (10 s)",
            taken.window.as_micros()
        )));
    }
    Ok(sample::Options {
        timeout: taken.timeout.min(LONGEST),
        ..taken
    })
}

pub(crate) fn start(options: &Options) -> Result<StartOptions, Error> {
    let label = match options.get("label").map(|value| &**value) {
        None => String::new(),
        Some(Variant::Str(label)) => label.as_str().to_owned(),
        Some(other) => return Err(mistyped("label", "s", other)),
    };
    if label.len() > LONGEST_LABEL {
        return Err(Error::limit_exceeded(format!(
            "option label: {} bytes: a label has at most {LONGEST_LABEL}",
            label.len()
        )));
    }
    let detached = match options.get("detached").map(|value| &**value) {
        None => false,
        Some(Variant::Bool(detached)) => *detached,
        Some(other) => return Err(mistyped("detached", "b", other)),
    };
    Ok(StartOptions { label, detached })
}

fn microseconds(options: &Options, key: &str) -> Result<Option<Duration>, Error> {
    match options.get(key).map(|value| &**value) {
        None => Ok(None),
        Some(Variant::U64(microseconds)) => Ok(Some(Duration::from_micros(*microseconds))),
        Some(other) => Err(mistyped(key, "t", other)),
    }
}

pub(crate) fn mistyped(key: &str, expected: &str, given: &Variant<'_>) -> Error {
    Error::invalid_args(format!(
        "option {key}: type {} was given, type {expected} is expected",
        given.value_signature()
    ))
}

#[cfg(test)]
mod tests {
    use zbus::DBusError;

    use super::*;

    fn options(key: &str, value: Variant<'static>) -> Options {
        HashMap::from([(key.to_owned(), value.try_into().unwrap())])
    }

    #[track_caller]
    fn refuses<T>(result: Result<T, Error>, name: &str) {
        let error = result.err().expect("this is refused");
        assert!(error.name().ends_with(name), "{error:?}");
    }

    #[test]
    fn of_sample() {
        assert_eq!(sample(&Options::new()), Ok(sample::Options::default()));
        let window = sample(&options("window", Variant::U64(50_000)))
            .unwrap()
            .window;
        assert_eq!(window, Duration::from_millis(50));
        assert!(sample(&options("colour", Variant::U64(1))).is_ok());
        refuses(
            sample(&options("window", Variant::U32(50_000))),
            ".InvalidArgs",
        );
        refuses(
            sample(&options("max_age", Variant::from("1"))),
            ".InvalidArgs",
        );
        refuses(
            sample(&options("timeout", Variant::from(true))),
            ".InvalidArgs",
        );
        refuses(
            sample(&options("window", Variant::U64(0))),
            ".InvalidInterval",
        );
        refuses(
            sample(&options("window", Variant::U64(u64::MAX))),
            ".InvalidInterval",
        );
        let endless = sample(&options("timeout", Variant::U64(u64::MAX))).unwrap();
        assert_eq!(endless.timeout, LONGEST);
    }

    #[test]
    fn of_start() {
        assert_eq!(start(&Options::new()), Ok(StartOptions::default()));
        assert_eq!(
            start(&options("label", Variant::from("x"))).unwrap().label,
            "x"
        );
        assert!(
            start(&options("detached", Variant::from(true)))
                .unwrap()
                .detached
        );
        refuses(start(&options("label", Variant::U64(1))), ".InvalidArgs");
        refuses(
            start(&options("detached", Variant::from("yes"))),
            ".InvalidArgs",
        );
        refuses(
            start(&options("label", Variant::from("x".repeat(257)))),
            ".LimitExceeded",
        );
    }
}
