//! Sources: what reads the kernel's files, and knows nothing else.
//!
//! A source is one unit of reading: usually one file, read whole. It knows neither intervals nor
//! clients, makes no rates and keeps no history. Parsing is a pure function of the text; the file
//! is opened at the first reading and kept open, because opening costs more than reading.

pub(crate) mod device;
pub(crate) mod family;
pub(crate) mod file;
pub(crate) mod guard;
pub(crate) mod listings;
pub(crate) mod panic;
pub(crate) mod parse;
pub(crate) mod pool;
pub(crate) mod property;
pub(crate) mod rest;
pub(crate) mod rows;
#[cfg(test)]
pub(crate) mod tests;

use std::{
    io,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    metric::Metric,
    reading::{Fault, Raw, Stamp},
};
pub use family::{Life, NewMember};
pub use listings::Listings;
use panic::Panic;

/// One unit of reading.
pub trait Source: Send {
    /// The name by which a person can switch it off: `cpu`, `memory`. What stands before a slash in it
    /// switches off all that begin with it.
    fn name(&self) -> &str;

    /// Patterns of all the ids it may ever offer, `*` for a whole segment. Known without reading
    /// anything, so that a call for one metric opens only the files of that metric.
    fn scope(&self) -> &'static [&'static str];

    /// Begins to find out what [`discover`](Self::discover) needs and may block, if that was not done since
    /// the moment `since` of the monotonic clock. Never waits.
    fn begin_discovery(&mut self, _since: Duration) {}

    /// Finds out which metrics are there. Absent hardware is an empty list and no error. When it is run
    /// again, what is still there keeps its columns and its formulas. The columns of a device that has gone
    /// may be those of another from then on: its formulas then read [`Fault::Gone`], and those of the other
    /// compare nothing that was read before ([`Formula::OfRow`](crate::rate::Formula::OfRow)). A device that
    /// comes back has new formulas.
    ///
    /// # Errors
    /// When a file that must be there cannot be read or understood.
    fn discover(&mut self) -> Result<Vec<Metric>, Error>;

    /// Sources of their own, one for each device of a family (a sensor chip, a battery) that has turned
    /// up since this was asked last. The [life](Life) of those whose device has gone is over from then on; when
    /// the device comes back, it is found like any other.
    ///
    /// # Errors
    /// When the directory of the family cannot be read. If it is not there, there are no members.
    fn members(&mut self) -> Result<Vec<NewMember>, Error> {
        Ok(Vec::new())
    }

    /// Whether it may have a metric whose id has a form that `is_meant` accepts: one of the patterns of
    /// the scope. A member of a family knows its ids better, and what is not selected of the family is
    /// then not looked at.
    fn may_have(&self, is_meant: &dyn Fn(&str) -> bool) -> bool {
        self.scope().iter().any(|pattern| is_meant(pattern))
    }

    /// The subsystems of the kernel (`SUBSYSTEM` of its uevents) whose devices this source is about:
    /// when one of them comes or goes, discovery is run again.
    fn subsystems(&self) -> &'static [&'static str] {
        &[]
    }

    /// Begins what the next reading needs and may block, on the blocking pool, if that was not done since the
    /// moment `since` of the monotonic clock. Never waits.
    fn begin(&mut self, _since: Duration) {}

    /// Until when it is worth to wait for what was begun before it is read or discovered, if it is at all.
    /// To be asked again then, and when an [answer has come](Self::when_answered).
    fn awaited_until(&self) -> Option<Instant> {
        None
    }

    /// Reads every column into `columns`, which comes empty: afresh, and what may block as it was answered
    /// since it was [begun](Self::begin). Never waits.
    ///
    /// # Errors
    /// When nothing could be read. A failure of one column is a [`Raw::Fault`] in that column.
    fn read(&mut self, columns: &mut Vec<Raw>) -> Result<(), Error>;

    /// When that was read which the last [`read`](Self::read) has given, where it was read earlier and for others, too.
    fn stamp(&self) -> Option<Stamp> {
        None
    }

    /// Whether the last readings have shown that something is there, or is no longer, of which
    /// [`Source::discover`] did not know: it is to be called again. Costs nothing to ask.
    ///
    /// Discovery may be repeated at any time.
    fn changed(&self) -> bool {
        false
    }

    /// Whether what it has was written down by the user: to discover it costs nothing, and it is always
    /// to be known.
    fn is_defined(&self) -> bool {
        false
    }

    /// Looks whether the user has defined something anew, on the blocking pool: [`Source::changed`] says so when
    /// that is answered. Without looking `closely`, only if something has shown it, or that was long ago.
    /// Returns whether it looks.
    fn look(&self, _closely: bool) -> bool {
        false
    }

    /// A descriptor that can be read when there is something to [look](Self::look) at. It is the same one
    /// for good, once there is one.
    fn news(&self) -> Option<OwnedFd> {
        None
    }

    /// Is told, once and first of all, what to call when an answer has come that is awaited.
    fn when_answered(&mut self, _tell: Answered) {}

    /// Whether an answer is on its way that takes as long as it pleases: a command runs. A call may wait
    /// for it as long as its caller likes, and a frame never does.
    fn is_awaited(&self) -> bool {
        false
    }
}

/// Tells those who wait that an answer has come. It never blocks, and any thread may call it.
pub type Answered = Arc<dyn Fn() + Send + Sync>;

/// Where the kernel's files are: elsewhere in a container that looks at its host, and in tests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roots {
    /// The proc file system, `/proc`.
    pub proc: PathBuf,
    /// The sys file system, `/sys`.
    pub sys: PathBuf,
    /// The root of the file system whose `/etc/os-release` is read, `/`.
    pub root: PathBuf,
}

impl Default for Roots {
    fn default() -> Self {
        Self {
            proc: "/proc".into(),
            sys: "/sys".into(),
            root: "/".into(),
        }
    }
}

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

impl From<Panic> for Error {
    fn from(Panic(what): Panic) -> Self {
        Self::Panicked(what)
    }
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
