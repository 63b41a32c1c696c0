//! Durations as they are written on the command line and in the configuration: `50ms`, `2s`, `5min`.

use std::{fmt, str::FromStr, time::Duration};

/// A duration, or `never`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Timeout(pub(crate) Option<Duration>);

impl FromStr for Timeout {
    type Err = humantime::DurationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "never" => Ok(Self(None)),
            text => humantime::parse_duration(text).map(|duration| Self(Some(duration))),
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
