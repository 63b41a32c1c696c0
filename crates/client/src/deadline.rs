//! The deadline of a client, and the peer that has not answered.

use std::{
    fmt,
    time::{Duration, Instant},
};

use crate::wire::NAME;

/// The timeout of a call, including the start of the service. It is that of libdbus and GDBus; the longest answer of
/// the service takes 10 s.
const CALL_TIMEOUT: Duration = Duration::from_secs(25);

/// The deadline of a client.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Deadline {
    /// The deadline of all calls, and the whole timeout, for messages.
    all: Option<(Instant, Duration)>,
}

/// The peer that has not answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unresponsive {
    /// The bus at this address.
    Bus(String),
    /// The service, and its process if the bus knows it.
    Service(Option<u32>),
    /// The activation: the bus starts the service, and it has not taken its name yet.
    Activation,
}

impl Deadline {
    /// A deadline for all calls, this much time from now.
    pub(super) fn within(time: Duration) -> Self {
        let moment = Instant::now().checked_add(time);
        Self {
            all: moment.map(|moment| (moment, time)),
        }
    }

    /// The time left for something that may take `most`, and the whole timeout, for messages.
    pub(super) fn left(self, most: Duration) -> (Duration, Duration) {
        match self.all {
            Some((moment, time)) if most > moment.saturating_duration_since(Instant::now()) => {
                (moment.saturating_duration_since(Instant::now()), time)
            }
            _ => (most, most),
        }
    }

    /// The same, for a call.
    pub(super) fn of_call(self) -> (Duration, Duration) {
        self.left(CALL_TIMEOUT)
    }
}

impl fmt::Display for Unresponsive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bus(address) => write!(f, "the bus at {address} has not answered"),
            Self::Service(Some(pid)) => write!(f, "{NAME} (process {pid}) has not answered"),
            Self::Service(None) => write!(f, "{NAME} has not answered"),
            Self::Activation => write!(f, "the bus has not started {NAME}"),
        }
    }
}

impl Unresponsive {
    /// A hint for a person.
    pub(super) fn hint(&self) -> &'static str {
        match self {
            Self::Service(_) => ": it may be stopped (SIGCONT lets it go on) or busy",
            Self::Bus(_) | Self::Activation => "",
        }
    }
}

/// Formats a duration in seconds, to a tenth.
pub(super) fn seconds(time: &Duration) -> String {
    let text = format!("{:.1}", time.as_secs_f64());
    format!("{} s", text.strip_suffix(".0").unwrap_or(&text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_formatted_in_seconds() {
        let check = |millis, expected| {
            assert_eq!(seconds(&Duration::from_millis(millis)), expected);
        };
        check(25_000, "25 s");
        check(1_500, "1.5 s");
        check(100, "0.1 s");
        check(9_998, "10 s");
    }

    #[test]
    fn the_earlier_deadline_counts() {
        let second = Duration::from_secs(1);
        assert_eq!(Deadline::default().left(second), (second, second));
        assert_eq!(
            Deadline::within(CALL_TIMEOUT).left(second),
            (second, second)
        );
        let (left, whole) = Deadline::within(second).left(CALL_TIMEOUT);
        assert!(left <= second);
        assert_eq!(whole, second);
        let (left, whole) = Deadline::within(Duration::ZERO).left(CALL_TIMEOUT);
        assert_eq!((left, whole), (Duration::ZERO, Duration::ZERO));
        assert_eq!(
            Deadline::within(Duration::MAX).left(CALL_TIMEOUT),
            (CALL_TIMEOUT, CALL_TIMEOUT)
        );
    }
}
