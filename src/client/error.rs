//! What a call can fail with, by the names of the errors on the bus.

use std::time::Duration;

use zbus::fdo;

use crate::wire::{ERROR_PREFIX, NAME};

use super::{
    deadline::{Unresponsive, seconds},
    sandbox::Sandbox,
};

/// Why a call failed. What the service said is in the message, with the culprit in it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no session bus.
    #[error("no session bus can be reached: {0}")]
    NoBus(#[source] zbus::Error),
    /// Something listens at the address of the bus and does not let this program in. The text names the address, the
    /// cause and a cure.
    #[error("{0}")]
    Handshake(String),
    /// The bus or the service has not answered in time.
    #[error("{from} within {}{}", seconds(after), from.hint())]
    NoAnswer {
        /// The one that has not answered.
        from: Unresponsive,
        /// The time that it had.
        after: Duration,
    },
    /// The service is not installed: the bus has nothing to start for its name.
    #[error("{NAME} is neither running nor installed ({remedy}): {0}", remedy = remedy())]
    NotInstalled(String),
    /// A selector means no metric.
    #[error("{0}")]
    UnknownMetric(String),
    /// A selector is not well formed.
    #[error("{0}")]
    InvalidSelector(String),
    /// There is no such field of processes.
    #[error("{0}")]
    UnknownField(String),
    /// There is no such process, or it is another one by now.
    #[error("{0}")]
    NoSuchProcess(String),
    /// The user may not send this process a signal, or a program in a sandbox is not granted what it asks for.
    #[error("{0}")]
    AccessDenied(String),
    /// The processes could not be read in the time that was given.
    #[error("{0}")]
    Timeout(String),
    /// An interval or a window is too short or too long.
    #[error("{0}")]
    InvalidInterval(String),
    /// This client asks for more than one client may have.
    #[error("{0}")]
    LimitExceeded(String),
    /// There is no session of that number.
    #[error("{0}")]
    NoSuchSession(String),
    /// The session is another client's.
    #[error("{0}")]
    NotOwner(String),
    /// The service is on its way out. Calls are made again once, so this is rare.
    #[error("the service is on its way out")]
    Stopping,
    /// Other clients have sessions.
    #[error("{0}")]
    Busy(String),
    /// The session is over: what the service gave as the reason, or that it has gone.
    #[error("the session is over: {0}")]
    Ended(String),
    /// The user's systemd does not answer, or has not done what was wanted.
    #[error("{0}")]
    Systemd(String),
    /// Anything else between here and the service.
    #[error("{0}")]
    Bus(#[source] zbus::Error),
}

/// How the service gets there. What a sandbox hides looks as if it was not there.
fn remedy() -> String {
    match Sandbox::current() {
        Some(sandbox) => format!("or {}", sandbox.remedy()),
        None => "install it with `sampled install`".to_owned(),
    }
}

impl From<zbus::Error> for Error {
    fn from(error: zbus::Error) -> Self {
        match error {
            zbus::Error::MethodError(name, message, reply) => {
                let text = message.clone().unwrap_or_default();
                match name.as_str().strip_prefix(ERROR_PREFIX) {
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
                    _ => Self::Bus(zbus::Error::MethodError(name, message, reply)),
                }
            }
            zbus::Error::FDO(error) => match *error {
                fdo::Error::ServiceUnknown(text) => Self::NotInstalled(text),
                fdo::Error::AccessDenied(text) => Self::AccessDenied(text),
                other => Self::Bus(zbus::Error::FDO(Box::new(other))),
            },
            other => Self::Bus(other),
        }
    }
}
