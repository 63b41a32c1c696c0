//! The properties of an error: its kind, its causes and its exit status.

use std::fmt;
use std::io;

use nix::unistd::geteuid;

use super::Error;

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error {
    /// Whether the cause is `EAGAIN`: a queue is full for now, for example that of a supervisor which does not read its
    /// [messages](crate::Notify).
    #[must_use]
    pub fn would_block(&self) -> bool {
        matches!(self, Self::Call { cause, .. } if cause.kind() == io::ErrorKind::WouldBlock)
    }

    /// Whether the cause is a lack of permission. The error of a service counts if it is or has the source
    /// [`io::Error`] or this type.
    #[must_use]
    pub fn is_denied(&self) -> bool {
        match self {
            Self::File { cause, .. }
            | Self::Call { cause, .. }
            | Self::Process { cause, .. }
            | Self::Become { cause, .. } => cause.kind() == io::ErrorKind::PermissionDenied,
            Self::NotOwned { .. } => !geteuid().is_root(),
            Self::Failed { denied, .. } => *denied,
            _ => false,
        }
    }

    /// The exit status of the Linux Standard Base for init scripts, for other commands than `status`: 7 if no daemon is
    /// running, 4 for a lack of permission, otherwise 1.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::NotRunning { .. } => 7,
            error if error.is_denied() => 4,
            _ => 1,
        }
    }
}
