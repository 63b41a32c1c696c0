//! The section of the history:
//!
//! ```toml
//! [history]
//! span = "10min"
//! bytes = 1048576
//! ```

use std::time::Duration;

use crate::{
    diagnostic::{self, Diagnostic, Value},
    duration,
    service::HistorySettings,
};

/// The longest span.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// The least and the most memory, in bytes.
const LEAST_BYTES: usize = 16 << 10;
const MOST_BYTES: usize = 64 << 20;

pub(super) fn parse(value: &Value<'_>, history: &mut HistorySettings) -> Result<(), Diagnostic> {
    for (key, value) in diagnostic::table("history", value)? {
        match &**key.get_ref() {
            "span" => history.span = span("history.span", value)?,
            "bytes" => history.bytes = bytes("history.bytes", value)?,
            _ => return Err(Diagnostic::unknown("history.", key, "span, bytes")),
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
