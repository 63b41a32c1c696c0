//! Timestamps for a person.

use std::{
    fmt::Write,
    time::{Duration, UNIX_EPOCH},
};

/// A timestamp in microseconds since the Unix epoch as RFC 3339; as a number if the calendar does not reach so far.
pub(crate) fn moment(timestamp: u64) -> String {
    let mut text = String::new();
    let moment = UNIX_EPOCH.checked_add(Duration::from_micros(timestamp));
    let written = moment.map(|moment| write!(text, "{}", humantime::format_rfc3339_millis(moment)));
    match written {
        Some(Ok(())) => text,
        _ => format!("{timestamp} us since 1970"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments() {
        assert_eq!(moment(1_700_000_000_123_456), "2023-11-14T22:13:20.123Z");
        assert_eq!(moment(u64::MAX), "18446744073709551615 us since 1970");
    }
}
