//! The section of limits:
//!
//! ```toml
//! [limits]
//! sessions = 64
//! total.sessions = 512
//! ```

use crate::{
    diagnostic::{self, Diagnostic, Value},
    service::Limits,
};

/// The smallest limit for messages, in bytes: enough for a call with a few selectors.
const SHORTEST_MESSAGE: usize = 4096;

pub(super) fn parse(value: &Value<'_>, limits: &mut Limits) -> Result<(), Diagnostic> {
    for (key, value) in diagnostic::table("limits", value)? {
        match &**key.get_ref() {
            "total" => {
                for (key, value) in diagnostic::table("limits.total", value)? {
                    limit("total.", key, value, limits)?;
                }
            }
            _ => limit("", key, value, limits)?,
        }
    }
    Ok(())
}

fn limit(
    table: &str,
    key: &diagnostic::Key<'_>,
    value: &Value<'_>,
    limits: &mut Limits,
) -> Result<(), Diagnostic> {
    let name = format!("{table}{}", key.get_ref());
    let Some(limit) = limits.named(&name) else {
        let known = Limits::NAMES
            .iter()
            .filter_map(|name| name.strip_prefix(table))
            .filter(|name| !name.contains('.'));
        let known: Vec<_> = known.collect();
        let mut known = known.join(", ");
        if table.is_empty() {
            known.push_str(", total");
        }
        return Err(Diagnostic::unknown(&format!("limits.{table}"), key, &known));
    };
    let key = format!("limits.{name}");
    *limit = count(&key, value)?;
    // With a smaller limit, not even `Quit` could be called.
    if name == "message_bytes" && *limit < SHORTEST_MESSAGE {
        let what = format!("{key}: {limit}: it is at least {SHORTEST_MESSAGE}");
        return Err(Diagnostic::new(value.span(), what));
    }
    Ok(())
}

pub(super) fn count(key: &str, value: &Value<'_>) -> Result<usize, Diagnostic> {
    let number = value.get_ref().as_integer();
    // The radix is that of the TOML literal. A negative number or one that does not fit is an error.
    let number = number.and_then(|number| {
        let digits = number.as_str().replace('_', "");
        usize::from_str_radix(&digits, number.radix()).ok()
    });
    number
        .filter(|&number| number > 0)
        .ok_or_else(|| Diagnostic::mistyped(key, "a whole number above 0", value))
}
