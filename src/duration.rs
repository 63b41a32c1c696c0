//! Durations on the command line and in the configuration: `50ms`, `2s`, `5min`.

use std::{fmt, str::FromStr, time::Duration};

use humantime::DurationError;

/// The longest duration that is accepted: a year of 365.25 days, which `1year` means.
///
/// Durations are added to moments, and a longer one could exceed the range of a clock.
pub const LONGEST: Duration = Duration::from_secs(31_557_600);

/// Why a text is not a duration.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Error {
    /// The syntax is wrong.
    #[error(transparent)]
    Invalid(DurationError),
    /// It is longer than [`LONGEST`].
    #[error("a duration is at most a year")]
    TooLong,
    /// It is longer than [`LONGEST`], in a [`Timeout`], which can also be `never`.
    #[error("a duration is at most a year, or \"never\"")]
    TooLongForTimeout,
}

/// Parses a duration.
///
/// # Errors
/// When the syntax is wrong, or the duration longer than [`LONGEST`].
pub fn parse(text: &str) -> Result<Duration, Error> {
    match humantime::parse_duration(text) {
        Ok(duration) if duration <= LONGEST => Ok(duration),
        Ok(_) | Err(DurationError::NumberOverflow) => Err(Error::TooLong),
        Err(cause) => Err(Error::Invalid(cause)),
    }
}

/// A duration, or `never` (`None`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeout(pub Option<Duration>);

impl FromStr for Timeout {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "never" {
            return Ok(Self(None));
        }
        match parse(text) {
            Err(Error::TooLong) => Err(Error::TooLongForTimeout),
            duration => Ok(Self(Some(duration?))),
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
    fn timeouts_are_parsed_and_printed() {
        check("never", None);
        check("50ms", Some(Duration::from_millis(50)));
        check("2s", Some(Duration::from_secs(2)));
        check("5min", Some(Duration::from_secs(300)));
        check("1min 30s", Some(Duration::from_secs(90)));
        for wrong in ["", "5", "s", "-1s", "1 parsec", "Never"] {
            assert!(wrong.parse::<Timeout>().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_year_is_the_longest() {
        check("1year", Some(LONGEST));
        check("365days", Some(Duration::from_secs(365 * 24 * 3600)));
        for long in [
            "1year 1ns",
            "584years",
            "18446744073709551615s",
            "18446744073709551616s",
            "99999999999999999999years",
            "18446744073709551615s 18446744073709551615s",
            "18446744073709551615years",
            "5124095576030431h",
        ] {
            assert_eq!(parse(long), Err(Error::TooLong), "{long}");
            let timeout = long.parse::<Timeout>();
            assert_eq!(timeout, Err(Error::TooLongForTimeout), "{long}");
        }
    }
}
