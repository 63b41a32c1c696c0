//! The options of calls, `a{sv}`: unknown keys are ignored, wrong types are errors.

use std::{collections::HashMap, fmt, time::Duration};

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use zbus::{Signature, Type};

use crate::sample;

use super::{
    error::Error,
    limits::Limits,
    option_value::{Budget, OptionValue, Skip, Value},
};

/// The keys of all options of all methods.
const KNOWN_KEYS: [&str; 16] = [
    "crossed",
    "detached",
    "direction",
    "filter",
    "history",
    "hold",
    "hysteresis",
    "interval",
    "label",
    "limit",
    "max_age",
    "optional",
    "order",
    "recovery",
    "timeout",
    "window",
];

/// The most values in the options of a call, including values inside others.
const MAX_VALUES: usize = 4096;

/// The options of a call, as received. Unknown ones are counted and not kept. They are the last argument of each method
/// that takes options, so that values beyond the budget can be left unread.
#[derive(Debug, Default)]
pub(crate) struct CallOptions {
    known: HashMap<&'static str, OptionValue>,
    count: usize,
    /// Whether there were too many values to read.
    has_too_many_values: bool,
}

impl Type for CallOptions {
    const SIGNATURE: &'static Signature =
        &Signature::static_dict(&Signature::Str, &Signature::Variant);
}

impl<'de> Deserialize<'de> for CallOptions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;

        impl<'de> Visitor<'de> for Entries {
            type Value = CallOptions;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("options")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<CallOptions, A::Error> {
                let budget = Budget::new(MAX_VALUES);
                let mut options = CallOptions::default();
                while budget.take()
                    && let Some(key) = entries.next_key::<&str>()?
                {
                    options.count = options.count.saturating_add(1);
                    match KNOWN_KEYS.iter().find(|known| **known == key) {
                        None => entries.next_value_seed(Skip(&budget))?,
                        Some(known) => {
                            let value = entries.next_value_seed(Value(&budget))?;
                            options.known.insert(known, value);
                        }
                    }
                }
                options.has_too_many_values = budget.is_used_up();
                Ok(options)
            }
        }

        deserializer.deserialize_map(Entries)
    }
}

impl CallOptions {
    /// Refuses more options than a call may have.
    ///
    /// # Errors
    /// `LimitExceeded`.
    pub(crate) fn check(&self, limits: &Limits) -> Result<(), Error> {
        if self.has_too_many_values {
            let message = format!("the options of a call hold at most {MAX_VALUES} values");
            return Err(Error::limit_exceeded(message));
        }
        if self.count <= limits.options {
            return Ok(());
        }
        Err(Error::limit_exceeded(format!(
            "{} options: a call has at most {} (limits.options)",
            self.count, limits.options
        )))
    }

    /// The value of an option, which is one of [`KNOWN_KEYS`].
    pub(crate) fn get(&self, key: &str) -> Option<&OptionValue> {
        self.known.get(key)
    }
}

/// The longest window or timeout of a call: an unanswered call delays the exit of the service.
const MAX_DURATION: Duration = Duration::from_secs(10);
/// The kernel counts CPU time in ticks of up to 10 ms: a shorter window gives no rate.
const MIN_WINDOW: Duration = Duration::from_millis(10);
const MAX_LABEL_BYTES: usize = 256;

/// The options of `Sample`.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct SampleOptions {
    pub(crate) timing: sample::SampleTiming,
    /// Whether a selector may match nothing.
    pub(crate) is_optional: bool,
}

/// The options of `Start`.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct StartOptions {
    pub(crate) label: String,
    pub(crate) detached: bool,
    /// Whether a selector may match nothing.
    pub(crate) is_optional: bool,
    /// The span of the past that is sent first.
    pub(crate) history: Duration,
}

pub(crate) fn sample(options: &CallOptions) -> Result<SampleOptions, Error> {
    let window = microseconds(options, "window")?;
    let max_age = microseconds(options, "max_age")?;
    let timeout = microseconds(options, "timeout")?;
    Ok(SampleOptions {
        timing: timing(window, max_age, timeout)?,
        is_optional: flag(options, "optional")?,
    })
}

/// The timing of a call that may give these times.
///
/// # Errors
/// `InvalidInterval` for the window.
pub(crate) fn timing(
    window: Option<Duration>,
    max_age: Option<Duration>,
    timeout: Option<Duration>,
) -> Result<sample::SampleTiming, Error> {
    let defaults = sample::SampleTiming::default();
    let sampling = sample::SampleTiming {
        window: window.unwrap_or(defaults.window),
        max_age: max_age.unwrap_or(defaults.max_age),
        timeout: timeout.unwrap_or(defaults.timeout),
    };
    if !(MIN_WINDOW..=MAX_DURATION).contains(&sampling.window) {
        return Err(Error::invalid_interval(format!(
            "option window: {}: a window is between 10000 µs (10 ms) and 10000000 µs (10 s)",
            sampling.window.as_micros()
        )));
    }
    Ok(sample::SampleTiming {
        timeout: sampling.timeout.min(MAX_DURATION),
        ..sampling
    })
}

pub(crate) fn start(options: &CallOptions) -> Result<StartOptions, Error> {
    let label = label(options)?;
    Ok(StartOptions {
        label,
        detached: flag(options, "detached")?,
        is_optional: flag(options, "optional")?,
        history: microseconds(options, "history")?.unwrap_or_default(),
    })
}

pub(crate) fn label(options: &CallOptions) -> Result<String, Error> {
    let label = match options.get("label") {
        None => String::new(),
        Some(OptionValue::Text(label)) => label.clone(),
        Some(other) => return Err(mistyped("label", "s", other)),
    };
    checked_label(label)
}

/// A label within the limit.
///
/// # Errors
/// `LimitExceeded`.
pub(crate) fn checked_label(label: String) -> Result<String, Error> {
    if label.len() > MAX_LABEL_BYTES {
        return Err(Error::limit_exceeded(format!(
            "option label: {} bytes: a label has at most {MAX_LABEL_BYTES}",
            label.len()
        )));
    }
    Ok(label)
}

/// The value of an option of type `b`, which is false by default.
pub(crate) fn flag(options: &CallOptions, key: &str) -> Result<bool, Error> {
    match options.get(key) {
        None => Ok(false),
        Some(OptionValue::Bool(value)) => Ok(*value),
        Some(other) => Err(mistyped(key, "b", other)),
    }
}

/// The value of an option in microseconds.
pub(crate) fn microseconds(options: &CallOptions, key: &str) -> Result<Option<Duration>, Error> {
    match options.get(key) {
        None => Ok(None),
        Some(OptionValue::U64(microseconds)) => Ok(Some(Duration::from_micros(*microseconds))),
        Some(other) => Err(mistyped(key, "t", other)),
    }
}

pub(crate) fn mistyped(key: &str, expected: &str, given: &OptionValue) -> Error {
    Error::invalid_args(format!(
        "option {key}: type {} was given, type {expected} is expected",
        given.signature()
    ))
}

#[cfg(test)]
mod tests;
