//! The error of a source.

use std::{
    io,
    path::{Path, PathBuf},
};

use crate::reading::Fault;

/// The reason why a source could not be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The kernel refused, or the file does not exist.
    #[error("{}: {cause}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The error of the kernel.
        #[source]
        cause: io::Error,
    },
    /// The text of the file does not have the documented form.
    #[error("{}: {what}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The defect, in words.
        what: String,
    },
    /// The user's definitions have errors.
    #[error("{0}")]
    InvalidDefinitions(String),
    /// The code of the source has panicked: a bug.
    #[error("it has panicked: {0}")]
    Panicked(String),
}

impl Error {
    pub(crate) fn io(path: &Path, cause: io::Error) -> Self {
        // The kernel has no such error: `regular_file` reports that the file is not the expected one.
        if cause.kind() == io::ErrorKind::InvalidData {
            return Self::malformed(path, cause.to_string());
        }
        Self::Io {
            path: path.to_owned(),
            cause,
        }
    }

    pub(crate) fn malformed(path: &Path, what: impl Into<String>) -> Self {
        Self::Malformed {
            path: path.to_owned(),
            what: what.into(),
        }
    }

    /// The same error again, for one more caller.
    pub(crate) fn again(&self) -> Self {
        match self {
            Self::Io { path, cause } => {
                let number = cause.raw_os_error().map(io::Error::from_raw_os_error);
                Self::io(path, number.unwrap_or_else(|| cause.kind().into()))
            }
            Self::Malformed { path, what } => Self::malformed(path, what),
            Self::InvalidDefinitions(what) => Self::InvalidDefinitions(what.clone()),
            Self::Panicked(what) => Self::Panicked(what.clone()),
        }
    }

    /// The fault that a client gets for this error.
    ///
    /// Drivers fail with EAGAIN, ENODATA (a sensor that is switched off), EINVAL, EIO or EBUSY when they have no value
    /// at the moment, and the next reading may succeed: [`Fault::Stale`], as for any error without a fault of its own.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Malformed { .. } | Self::InvalidDefinitions(_) | Self::Panicked(_) => {
                Fault::Malformed
            }
            Self::Io { cause, .. } => match cause.kind() {
                io::ErrorKind::PermissionDenied => Fault::Denied,
                io::ErrorKind::NotFound => Fault::Gone,
                io::ErrorKind::TimedOut => Fault::Timeout,
                _ if cause.raw_os_error() == Some(nix::libc::ENODEV) => Fault::Gone,
                _ if cause.raw_os_error() == Some(nix::libc::ENXIO) => Fault::Gone,
                _ => Fault::Stale,
            },
        }
    }
}
