//! Durations as they are written on the command line and in the configuration: `50ms`, `2s`, `5min`.

use std::{fmt, str::FromStr, time::Duration};

pub use humantime::{DurationError, parse_duration as parse};

/// A duration, or `never`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeout(pub Option<Duration>);

impl FromStr for Timeout {
    type Err = DurationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "never" => Ok(Self(None)),
            text => parse(text).map(|duration| Self(Some(duration))),
        }
    }
}

impl fmt::Display for Timeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            None => f.write_str("never"),
            Some(duration) => humantime::format_duration(duration).fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<Duration>) {
        let timeout: Timeout = text.parse().expect(text);
        assert_eq!(timeout, Timeout(expected));
        assert_eq!(timeout.to_string().parse(), Ok(timeout));
    }

    #[test]
    fn is_read_and_written() {
        check("never", None);
        check("50ms", Some(Duration::from_millis(50)));
        check("2s", Some(Duration::from_secs(2)));
        check("5min", Some(Duration::from_secs(300)));
        check("1min 30s", Some(Duration::from_secs(90)));
        for wrong in ["", "5", "s", "-1s", "1 parsec", "Never"] {
            assert!(wrong.parse::<Timeout>().is_err(), "{wrong:?}");
        }
    }
}
