//! Why a source could not be read.

use std::{
    io,
    path::{Path, PathBuf},
};

use crate::reading::Fault;

/// Why a source could not be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The kernel refused, or the file is not there.
    #[error("{}: {cause}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the kernel said.
        #[source]
        cause: io::Error,
    },
    /// The file's text is not in the documented form.
    #[error("{}: {what}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What was wrong with it, in words.
        what: String,
    },
    /// The user has made mistakes where he defines sources of his own.
    #[error("{0}")]
    Mistaken(String),
    /// The code that reads it has panicked: a bug in it.
    #[error("it has panicked: {0}")]
    Panicked(String),
}

impl Error {
    pub(crate) fn io(path: &Path, cause: io::Error) -> Self {
        // The kernel does not say so: it is not the file that is expected.
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

    /// The same failure, for one more who is to hear of it.
    pub(crate) fn again(&self) -> Self {
        match self {
            Self::Io { path, cause } => {
                let number = cause.raw_os_error().map(io::Error::from_raw_os_error);
                Self::io(path, number.unwrap_or_else(|| cause.kind().into()))
            }
            Self::Malformed { path, what } => Self::malformed(path, what),
            Self::Mistaken(what) => Self::Mistaken(what.clone()),
            Self::Panicked(what) => Self::Panicked(what.clone()),
        }
    }

    /// What a client is told of this failure.
    ///
    /// Drivers answer EAGAIN, ENODATA (a sensor that is switched off), EINVAL, EIO or EBUSY when they
    /// have no value just now, and the next reading may succeed: [`Fault::Stale`], as for any error
    /// that says neither of the others.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Malformed { .. } | Self::Mistaken(_) | Self::Panicked(_) => Fault::Malformed,
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
