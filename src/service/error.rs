//! Errors of calls.

use std::time::Duration;

use zbus::{
    DBusError, Message,
    message::Header,
    names::{ErrorName, OwnedErrorName},
};

use crate::{store, wire};

/// The error of a call: its name on the bus, and a message that names the culprit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Error {
    name: OwnedErrorName,
    message: String,
}

impl Error {
    fn new(name: &'static str, message: String) -> Self {
        let name = ErrorName::from_static_str_unchecked(name).into();
        Self { name, message }
    }

    /// The name of the error on the bus.
    pub(crate) fn name(&self) -> &str {
        self.name.as_str()
    }

    /// Whether this is `UnknownMetric`.
    pub(crate) fn is_unknown_metric(&self) -> bool {
        self.name.ends_with(".UnknownMetric")
    }

    /// Appends a note to the message.
    pub(crate) fn with_note(mut self, note: &str) -> Self {
        self.message = format!("{} ({note})", self.message);
        self
    }

    /// Names the option that the error is about.
    pub(crate) fn of_option(mut self, key: &str) -> Self {
        self.message = format!("option {key}: {}", self.message);
        self
    }

    fn ours(name: &str, message: String) -> Self {
        let name = OwnedErrorName::try_from(format!("{}{name}", wire::ERROR_PREFIX));
        Self {
            name: name.expect("an error's name is well formed"),
            message,
        }
    }

    /// An argument has the wrong type or an invalid value.
    pub(crate) fn invalid_args(message: String) -> Self {
        Self::new("org.freedesktop.DBus.Error.InvalidArgs", message)
    }

    /// The client that would own the session has left the bus.
    pub(crate) fn client_has_left(client: &str) -> Self {
        Self::invalid_args(format!("{client} has left the bus"))
    }

    /// The kernel or the configuration does not permit it.
    pub(crate) fn access_denied(message: String) -> Self {
        Self::new("org.freedesktop.DBus.Error.AccessDenied", message)
    }

    pub(crate) fn not_supported(message: String) -> Self {
        Self::new("org.freedesktop.DBus.Error.NotSupported", message)
    }

    /// The service lacks something that it needs.
    pub(crate) fn failed(message: String) -> Self {
        Self::new("org.freedesktop.DBus.Error.Failed", message)
    }

    pub(crate) fn unknown_field(message: String) -> Self {
        Self::ours("UnknownField", message)
    }

    pub(crate) fn no_such_process(message: String) -> Self {
        Self::ours("NoSuchProcess", message)
    }

    pub(crate) fn timeout(message: String) -> Self {
        Self::ours("Timeout", message)
    }

    pub(crate) fn invalid_interval(message: String) -> Self {
        Self::ours("InvalidInterval", message)
    }

    pub(crate) fn limit_exceeded(message: String) -> Self {
        Self::ours("LimitExceeded", message)
    }

    pub(crate) fn no_such_session(session: u32) -> Self {
        Self::ours("NoSuchSession", format!("there is no session {session}"))
    }

    pub(crate) fn not_owner(session: u32) -> Self {
        Self::ours(
            "NotOwner",
            format!("session {session} belongs to another client"),
        )
    }

    pub(crate) fn stopping() -> Self {
        Self::ours(
            "Stopping",
            "the service is stopping: call again to have its successor started".to_owned(),
        )
    }

    pub(crate) fn busy(sessions: usize) -> Self {
        Self::ours(
            "Busy",
            format!("{sessions} sessions of other clients are running"),
        )
    }
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        let name = match error {
            store::Error::Invalid(_) => "InvalidSelector",
            store::Error::Unknown { .. } => "UnknownMetric",
        };
        Self::ours(name, error.to_string())
    }
}

impl DBusError for Error {
    fn create_reply(&self, call: &Header<'_>) -> zbus::Result<Message> {
        Message::error(call, self.name()).build(&self.message)
    }

    fn name(&self) -> ErrorName<'_> {
        self.name.as_ref()
    }

    fn description(&self) -> Option<&str> {
        Some(&self.message)
    }
}

/// The interval of a session, from microseconds.
///
/// # Errors
/// `InvalidInterval` under 50 ms, where the signal costs more than the frame is worth, and over a day.
pub(crate) fn interval(microseconds: u64) -> Result<Duration, Error> {
    const SHORTEST: Duration = Duration::from_millis(50);
    const HINT: &str = "; Open has streams from 1000 µs up";
    between(
        microseconds,
        SHORTEST,
        "an interval",
        "50000 µs (50 ms)",
        HINT,
    )
}

/// The interval of a stream, from microseconds.
///
/// # Errors
/// `InvalidInterval` under 1 ms, in which few sources have new readings, and over a day.
pub(crate) fn stream_interval(microseconds: u64) -> Result<Duration, Error> {
    const SHORTEST: Duration = Duration::from_millis(1);
    between(
        microseconds,
        SHORTEST,
        "an interval of a stream",
        "1000 µs (1 ms)",
        "",
    )
}

fn between(
    microseconds: u64,
    shortest: Duration,
    what: &str,
    least: &str,
    hint: &str,
) -> Result<Duration, Error> {
    const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
    let interval = Duration::from_micros(microseconds);
    if (shortest..=LONGEST).contains(&interval) {
        return Ok(interval);
    }
    Err(Error::invalid_interval(format!(
        "{microseconds}: {what} is between {least} and 86400000000 µs (a day){hint}"
    )))
}
