//! When a client gives up, and whom it names then.

use std::{fmt, time::Duration};

use tokio::time::Instant;

use crate::wire::NAME;

/// How long a call may take, the start of the service included. libdbus and GDBus wait as long, and the
/// longest answer of the service takes 10 s.
const CALL: Duration = Duration::from_secs(25);

/// When a client gives up.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Deadline {
    /// The moment for everything, and the time that this was from the beginning.
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
    /// Everything ends when this time has passed from now.
    pub(super) fn within(time: Duration) -> Self {
        let moment = Instant::now().checked_add(time);
        Self {
            all: moment.map(|moment| (moment, time)),
        }
    }

    /// How long is waited for something that may take so much, and how long that was from the beginning: what
    /// is told.
    pub(super) fn left(self, most: Duration) -> (Duration, Duration) {
        match self.all {
            Some((moment, time)) if most > moment.saturating_duration_since(Instant::now()) => {
                (moment.saturating_duration_since(Instant::now()), time)
            }
            _ => (most, most),
        }
    }

    /// The same for a call.
    pub(super) fn of_call(self) -> (Duration, Duration) {
        self.left(CALL)
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
    /// What a person may do.
    pub(super) fn hint(&self) -> &'static str {
        match self {
            Self::Service(_) => ": it may be stopped (SIGCONT lets it go on) or busy",
            Self::Bus(_) | Self::Activation => "",
        }
    }
}

/// A time as a person writes it, to a tenth of a second.
pub(super) fn seconds(time: &Duration) -> String {
    let text = format!("{:.1}", time.as_secs_f64());
    format!("{} s", text.strip_suffix(".0").unwrap_or(&text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_as_a_person_would() {
        let check = |millis, expected| {
            assert_eq!(seconds(&Duration::from_millis(millis)), expected);
        };
        check(25_000, "25 s");
        check(1_500, "1.5 s");
        check(100, "0.1 s");
        check(9_998, "10 s");
    }

    #[test]
    fn the_first_end_counts() {
        let second = Duration::from_secs(1);
        assert_eq!(Deadline::default().left(second), (second, second));
        assert_eq!(Deadline::within(CALL).left(second), (second, second));
        let (left, told) = Deadline::within(second).left(CALL);
        assert!(left <= second);
        assert_eq!(told, second);
        let (left, told) = Deadline::within(Duration::ZERO).left(CALL);
        assert_eq!((left, told), (Duration::ZERO, Duration::ZERO));
        assert_eq!(Deadline::within(Duration::MAX).left(CALL), (CALL, CALL));
    }
}
