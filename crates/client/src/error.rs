//! The errors of calls, by their names on the bus.

use std::time::Duration;

use zbus::fdo;

use crate::{
    deadline::{Unresponsive, seconds},
    sandbox::Sandbox,
    wire::{ERROR_PREFIX, NAME},
};

/// Why a call failed. The message is the service's own, which names the culprit.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no session bus.
    #[error("no session bus can be reached: {0}")]
    NoBus(#[source] zbus::Error),
    /// The listener at the address of the bus rejects this program. The text names the address, the cause and a remedy.
    #[error("{0}")]
    Handshake(String),
    /// The bus or the service has not answered in time.
    #[error("{from} within {}{}", seconds(after), from.hint())]
    NoAnswer {
        /// The unresponsive peer.
        from: Unresponsive,
        /// The timeout.
        after: Duration,
    },
    /// The service is not installed: its name is not activatable.
    #[error("{NAME} is neither running nor installed ({remedy}): {0}", remedy = remedy())]
    NotInstalled(String),
    /// A selector matches no metric.
    #[error("{0}")]
    UnknownMetric(String),
    /// The syntax of a selector is wrong.
    #[error("{0}")]
    InvalidSelector(String),
    /// Processes have no such field.
    #[error("{0}")]
    UnknownField(String),
    /// The process does not exist, or its pid belongs to another one by now.
    #[error("{0}")]
    NoSuchProcess(String),
    /// The user may not signal this process, or the sandboxed program lacks the grant for the call.
    #[error("{0}")]
    AccessDenied(String),
    /// The processes could not be read within the timeout.
    #[error("{0}")]
    Timeout(String),
    /// An interval or a window is too short or too long.
    #[error("{0}")]
    InvalidInterval(String),
    /// An argument or an option has a wrong type or value.
    #[error("{0}")]
    InvalidArgs(String),
    /// The call exceeds a limit.
    #[error("{0}")]
    LimitExceeded(String),
    /// No session has this number.
    #[error("{0}")]
    NoSuchSession(String),
    /// The session belongs to another client.
    #[error("{0}")]
    NotOwner(String),
    /// The service is stopping. Calls are repeated once, so this is rare.
    #[error("the service is on its way out")]
    Stopping,
    /// Other clients have sessions.
    #[error("{0}")]
    Busy(String),
    /// The session is over: the service's reason, or that the service is gone.
    #[error("the session is over: {0}")]
    Ended(String),
    /// The service lacks something that it needs.
    #[error("{0}")]
    Failed(String),
    /// The service is of an older version, which does not have this method.
    #[error("{0}")]
    UnknownMethod(String),
    /// Any other error of the bus.
    #[error("{0}")]
    Bus(#[source] zbus::Error),
}

/// The remedy for a missing service. In a sandbox, a hidden service looks like a missing one.
fn remedy() -> String {
    match Sandbox::current() {
        Some(sandbox) => format!("or {}", sandbox.remedy()),
        None => "install it with `sampled install`".to_owned(),
    }
}

impl Error {
    /// The error of this name (`io.github.sampled.Error.UnknownMetric`), with the message of the service. `None` if it is
    /// none of the service's.
    pub fn named(name: &str, message: impl Into<String>) -> Option<Self> {
        let text = message.into();
        let error = match name.strip_prefix(ERROR_PREFIX) {
            Some("UnknownMetric") => Self::UnknownMetric(text),
            Some("InvalidSelector") => Self::InvalidSelector(text),
            Some("UnknownField") => Self::UnknownField(text),
            Some("NoSuchProcess") => Self::NoSuchProcess(text),
            Some("Timeout") => Self::Timeout(text),
            Some("InvalidInterval") => Self::InvalidInterval(text),
            Some("LimitExceeded") => Self::LimitExceeded(text),
            Some("NoSuchSession") => Self::NoSuchSession(text),
            Some("NotOwner") => Self::NotOwner(text),
            Some("Stopping") => Self::Stopping,
            Some("Busy") => Self::Busy(text),
            _ => match name {
                "org.freedesktop.DBus.Error.AccessDenied" => Self::AccessDenied(text),
                "org.freedesktop.DBus.Error.InvalidArgs" => Self::InvalidArgs(text),
                "org.freedesktop.DBus.Error.Failed" => Self::Failed(text),
                _ => return None,
            },
        };
        Some(error)
    }
}

impl From<zbus::Error> for Error {
    fn from(error: zbus::Error) -> Self {
        match error {
            zbus::Error::MethodError(name, message, reply) => {
                let text = message.as_deref().unwrap_or_default();
                Self::named(name.as_str(), text)
                    .unwrap_or(Self::Bus(zbus::Error::MethodError(name, message, reply)))
            }
            zbus::Error::FDO(error) => match *error {
                fdo::Error::ServiceUnknown(text) => Self::NotInstalled(text),
                fdo::Error::AccessDenied(text) => Self::AccessDenied(text),
                fdo::Error::InvalidArgs(text) => Self::InvalidArgs(text),
                fdo::Error::Failed(text) => Self::Failed(text),
                fdo::Error::UnknownMethod(text) => Self::UnknownMethod(text),
                other => Self::Bus(zbus::Error::FDO(Box::new(other))),
            },
            other => Self::Bus(other),
        }
    }
}
