//! Sources read the kernel's files.
//!
//! A source is one unit of reading: usually one file, read whole. It knows neither intervals nor clients, makes no
//! rates and keeps no history. Parsing is a pure function of the text. The file is opened at the first reading and
//! kept open, because opening costs more than reading.
//!
//! Every source implements [`Source`]: its name, its metrics, a reading. Some implement [`Deferred`], because their
//! readings may block. A [`Family`] finds devices, each of which is a source of its own; it implements
//! [`Definitions`] if the user defines its members. A list of sources is a list of [`Provider`]s.

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

use std::{path::PathBuf, time::Duration};

use crate::{metric::Metric, reading::Raw};

pub use deferred::{Answered, Deferred};
pub use definitions::{Definitions, DefinitionsDirectory, DefinitionsSummary};
pub use device_lists::DeviceLists;
pub use error::Error;
pub use provider::{Family, NewMember, Presence, Provider};

/// One unit of reading.
pub trait Source: Send {
    /// Its name, and the ids that it may have.
    fn about(&self) -> About<'_>;

    /// Makes a step of what its discovery shares with those of other sources, unless that was done at or after the moment
    /// `since` of the monotonic clock. Returns whether something is left to do. Many devices take many steps of about a
    /// millisecond, between which others have their turn. Without steps, the discovery does all of it.
    fn prepare_discovery(&mut self, _since: Duration) -> bool {
        false
    }

    /// Finds its metrics. Absent hardware is an empty list and no error. After a repeated discovery, a device that is
    /// still present keeps its columns and its formulas. The columns of a device that has gone may go to another: the
    /// formulas of the first then read [`Fault::Gone`](crate::reading::Fault::Gone), and those of the second have no
    /// baseline from before ([`Formula::OfRow`](crate::rate::Formula::OfRow)). A device that comes back has new
    /// formulas.
    ///
    /// # Errors
    /// When a file that must exist cannot be read or parsed.
    fn discover(&mut self) -> Result<Vec<Metric>, Error>;

    /// Reads every column into `columns`, which is empty before. A [`Deferred`] source gives its last answer. Never
    /// waits.
    ///
    /// # Errors
    /// When nothing could be read. A failure of one column is a [`Raw::Fault`] in that column.
    fn read(&mut self, columns: &mut Vec<Raw>) -> Result<(), Error>;

    /// Whether the last readings have shown that a device has come or gone since [`Source::discover`], so that a
    /// caller should call that again. This is cheap.
    ///
    /// Discovery may be repeated at any time.
    fn changed(&self) -> bool {
        false
    }

    /// Whether it may have a metric whose id has a form that `is_meant` accepts: one of the patterns of the scope. A
    /// member of a family knows its ids more exactly, so that members that are not selected are not read.
    fn may_have(&self, is_meant: &dyn Fn(&str) -> bool) -> bool {
        self.about().may_have(is_meant)
    }

    /// The same source, if its readings or its discovery may block.
    fn deferred(&mut self) -> Option<&mut dyn Deferred> {
        None
    }
}

/// The name of a source or a family and the ids that it may have, which are known without reading anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct About<'a> {
    /// The name by which a user can switch it off: `cpu`, `memory`. Of a name with a slash, the part before the slash
    /// switches off all sources that begin with it.
    pub name: &'a str,
    /// Patterns of all ids that it may ever have, with `*` for a whole segment, so that a call for one metric opens
    /// only the files of that metric.
    pub scope: &'static [&'static str],
    /// The subsystems of the kernel (`SUBSYSTEM` of its uevents) whose devices it reads. When one of these comes or
    /// goes, discovery is repeated. `swap` stands for the swap areas, which have no uevents.
    pub subsystems: &'static [&'static str],
    /// Whether the user has defined its metrics. Their discovery is cheap, and they are always known.
    pub is_defined: bool,
}

impl<'a> About<'a> {
    /// A source of this name, which may have ids of these patterns.
    pub const fn new(name: &'a str, scope: &'static [&'static str]) -> Self {
        Self {
            name,
            scope,
            subsystems: &[],
            is_defined: false,
        }
    }

    /// The same, reading devices of these subsystems.
    #[must_use]
    pub const fn of_devices(self, subsystems: &'static [&'static str]) -> Self {
        Self { subsystems, ..self }
    }

    /// The same, defined by the user.
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

/// The directories of the kernel's files. They differ in a container that reads its host, and in tests.
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
