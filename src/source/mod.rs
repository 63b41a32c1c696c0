//! Sources: what reads the kernel's files, and knows nothing else.
//!
//! A source is one unit of reading: usually one file, read whole. It knows neither intervals nor
//! clients, makes no rates and keeps no history. Parsing is a pure function of the text; the file
//! is opened at the first reading and kept open, because opening costs more than reading.
//!
//! Every source implements [`Source`]: what it is called, which metrics it has, a reading. A few implement more:
//! [`Deferred`] where a reading is asked for first and answered later, [`Family`] where devices are found that are
//! sources of their own, [`Definitions`] where the user writes down what there is. A list of sources is one of
//! [`Provider`]s.

mod deferred;
mod definitions;
pub(crate) mod device;
pub(crate) mod device_lists;
mod error;
pub(crate) mod family;
pub(crate) mod file;
pub(crate) mod last_probe;
pub(crate) mod offload;
pub(crate) mod panic;
pub(crate) mod parse;
pub(crate) mod pool;
pub(crate) mod property;
mod provider;
pub(crate) mod rows;
pub(crate) mod runtime_pm;
#[cfg(test)]
pub(crate) mod tests;

use std::path::PathBuf;

use crate::{metric::Metric, reading::Raw};

pub use deferred::{Answered, Deferred};
pub use definitions::Definitions;
pub use device_lists::DeviceLists;
pub use error::Error;
pub use provider::{Family, NewMember, Presence, Provider};

/// One unit of reading.
pub trait Source: Send {
    /// What it is called, and what it may offer.
    fn about(&self) -> About<'_>;

    /// Finds out which metrics are there. Absent hardware is an empty list and no error. When it is run
    /// again, what is still there keeps its columns and its formulas. The columns of a device that has gone
    /// may be those of another from then on: its formulas then read [`Fault::Gone`](crate::reading::Fault::Gone),
    /// and those of the other compare nothing that was read before
    /// ([`Formula::OfRow`](crate::rate::Formula::OfRow)). A device that comes back has new formulas.
    ///
    /// # Errors
    /// When a file that must be there cannot be read or understood.
    fn discover(&mut self) -> Result<Vec<Metric>, Error>;

    /// Reads every column into `columns`, which comes empty: afresh, and what is [`Deferred`] as it was last
    /// answered. Never waits.
    ///
    /// # Errors
    /// When nothing could be read. A failure of one column is a [`Raw::Fault`] in that column.
    fn read(&mut self, columns: &mut Vec<Raw>) -> Result<(), Error>;

    /// Whether the last readings have shown that something is there, or is no longer, of which
    /// [`Source::discover`] did not know: it is to be called again. Costs nothing to ask.
    ///
    /// Discovery may be repeated at any time.
    fn changed(&self) -> bool {
        false
    }

    /// Whether it may have a metric whose id has a form that `is_meant` accepts: one of the patterns of
    /// the scope. A member of a family knows its ids better, and what is not selected of the family is
    /// then not looked at.
    fn may_have(&self, is_meant: &dyn Fn(&str) -> bool) -> bool {
        self.about().may_have(is_meant)
    }

    /// The same source, if its readings are answered later than they are asked for.
    fn deferred(&mut self) -> Option<&mut dyn Deferred> {
        None
    }
}

/// What a source or a family is called, and what it may offer: known without reading anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct About<'a> {
    /// The name by which a person can switch it off: `cpu`, `memory`. What stands before a slash in it
    /// switches off all that begin with it.
    pub name: &'a str,
    /// Patterns of all the ids that it may ever offer, `*` for a whole segment, so that a call for one metric
    /// opens only the files of that metric.
    pub scope: &'static [&'static str],
    /// The subsystems of the kernel (`SUBSYSTEM` of its uevents) whose devices it is about: when one of them
    /// comes or goes, discovery is run again.
    pub subsystems: &'static [&'static str],
    /// Whether the user has defined what it has: to discover that costs nothing, and it is always to be known.
    pub is_defined: bool,
}

impl<'a> About<'a> {
    /// A source of this name, which may offer ids of these patterns.
    pub const fn new(name: &'a str, scope: &'static [&'static str]) -> Self {
        Self {
            name,
            scope,
            subsystems: &[],
            is_defined: false,
        }
    }

    /// It is about devices of these subsystems.
    #[must_use]
    pub const fn of_devices(self, subsystems: &'static [&'static str]) -> Self {
        Self { subsystems, ..self }
    }

    /// The user has defined it.
    #[must_use]
    pub const fn defined(self) -> Self {
        Self {
            is_defined: true,
            ..self
        }
    }

    /// Whether one of its patterns is of a form that `is_meant` accepts.
    pub fn may_have(&self, is_meant: &dyn Fn(&str) -> bool) -> bool {
        self.scope.iter().any(|pattern| is_meant(pattern))
    }
}

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
