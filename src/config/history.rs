//! The section of the history:
//!
//! ```toml
//! [history]
//! span = "10min"
//! bytes = 1048576
//! keep = ["cpu/all/usage"]
//! interval = "1s"
//! ```

use std::time::Duration;

use crate::{
    diagnostic::{self, Diagnostic, Value},
    duration,
    service::HistorySettings,
};

/// The longest span.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// The shortest interval: the history has at most one reading of a metric in this time.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(250);

/// The least and the most memory, in bytes.
const LEAST_BYTES: usize = 16 << 10;
const MOST_BYTES: usize = 64 << 20;

pub(super) fn parse(value: &Value<'_>, history: &mut HistorySettings) -> Result<(), Diagnostic> {
    for (key, value) in diagnostic::table("history", value)? {
        match &**key.get_ref() {
            "span" => history.span = span("history.span", value)?,
            "bytes" => history.bytes = bytes("history.bytes", value)?,
            "keep" => history.keep = selectors("history.keep", value)?,
            "interval" => history.interval = interval("history.interval", value)?,
            _ => {
                let known = "span, bytes, keep, interval";
                return Err(Diagnostic::unknown("history.", key, known));
            }
        }
    }
    Ok(())
}

fn span(key: &str, value: &Value<'_>) -> Result<Duration, Diagnostic> {
    let expected = "a duration in quotes, such as \"10min\"";
    let span = duration(key, expected, value)?;
    match span <= LONGEST {
        true => Ok(span),
        false => {
            let what = format!("{key}: {span:?}: it is at most a day");
            Err(Diagnostic::new(value.span(), what))
        }
    }
}

fn interval(key: &str, value: &Value<'_>) -> Result<Duration, Diagnostic> {
    let interval = duration(key, "a duration in quotes, such as \"1s\"", value)?;
    match (SHORTEST_INTERVAL..=LONGEST).contains(&interval) {
        true => Ok(interval),
        false => {
            let what = format!("{key}: {interval:?}: it is between 250ms and a day");
            Err(Diagnostic::new(value.span(), what))
        }
    }
}

fn selectors(key: &str, value: &Value<'_>) -> Result<Vec<String>, Diagnostic> {
    let expected = "an array of selectors, such as [\"cpu/all/usage\"]";
    let array = value.get_ref().as_array();
    let array = array.ok_or_else(|| Diagnostic::mistyped(key, expected, value))?;
    let selector = |value: &Value<'_>| {
        let selector = value.get_ref().as_str();
        let selector = selector.ok_or_else(|| Diagnostic::mistyped(key, expected, value))?;
        HistorySettings::check_selector(selector).map_err(|cause| {
            let what = format!("{key}: {cause}");
            Diagnostic::new(value.span(), what)
        })?;
        Ok(selector.to_owned())
    };
    array.iter().map(selector).collect()
}

fn duration(key: &str, expected: &str, value: &Value<'_>) -> Result<Duration, Diagnostic> {
    let text = value.get_ref().as_str();
    let text = text.ok_or_else(|| Diagnostic::mistyped(key, expected, value))?;
    duration::parse(text).map_err(|cause| {
        let what = format!("{key}: {text:?} ({cause}): {expected} is expected");
        Diagnostic::new(value.span(), what)
    })
}

fn bytes(key: &str, value: &Value<'_>) -> Result<usize, Diagnostic> {
    let bytes = super::limits::count(key, value)?;
    match (LEAST_BYTES..=MOST_BYTES).contains(&bytes) {
        true => Ok(bytes),
        false => {
            let what = format!("{key}: {bytes}: it is between {LEAST_BYTES} and {MOST_BYTES}");
            Err(Diagnostic::new(value.span(), what))
        }
    }
}
