//! Why something cannot be installed or removed.

use std::{
    io,
    path::{Path, PathBuf},
};

/// Why something cannot be installed or removed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file cannot be read, written or removed.
    #[error("{}: {cause}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The error from the kernel.
        #[source]
        cause: io::Error,
    },
    /// A file of that name exists, and `sampled install` has not written it.
    #[error("{}: not written by `sampled install`: remove it first", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// An activation file or a unit cannot express a path.
    #[error("{}: {what}", path.display())]
    Unquotable {
        /// The path.
        path: PathBuf,
        /// The reason.
        what: &'static str,
    },
    /// HOME is not set to an absolute path.
    #[error("HOME is not set to an absolute path: say where with --prefix")]
    Homeless,
}

/// The error of a file that cannot be read, written or removed.
pub(super) fn at(path: &Path) -> impl Fn(io::Error) -> Error {
    move |cause| Error::Io {
        path: path.to_owned(),
        cause,
    }
}
