//! Members that the user defines.

use std::{
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    time::Duration,
};

use crate::reading::Fault;

/// A family whose members the user defines in files, which may change at any time.
pub trait Definitions {
    /// The directory of the files.
    fn path(&self) -> &Path;

    /// Starts a probe for changed definitions on the blocking pool, and returns whether it did.
    /// [`Family::changed`](super::Family::changed) has the result. Without `force`, the probe starts only if
    /// something has shown a change or the last probe is long ago.
    fn probe(&self, force: bool) -> bool;

    /// Has all files read again on the blocking pool, if they were read before: the user has asked for it. Some changes
    /// have no events, such as those of a file that a link behind a link leads to.
    fn read_again(&self);

    /// Has all files read on the blocking pool, also if no caller has needed them. Returns the moment of the monotonic
    /// clock for [`read_since`](Self::read_since).
    fn read_all(&self) -> Duration;

    /// The result of the last reading; `None` until one has begun at or after the moment `since` and ended.
    ///
    /// # Errors
    /// [`Fault::Malformed`] if the reading has panicked.
    fn read_since(&self, since: Duration) -> Option<Result<DefinitionsSummary, Fault>>;

    /// A descriptor that is readable when there is something to [probe](Self::probe). Once there is one, it stays
    /// the same.
    fn change_fd(&self) -> Option<OwnedFd>;
}

/// The result of reading the files of definitions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DefinitionsSummary {
    /// Whether their directory exists.
    pub is_found: bool,
    /// The number of files.
    pub files: usize,
    /// The number of metrics that they define, without those that have an error and were never valid.
    pub metrics: usize,
    /// The first errors, of the directory and of the files.
    pub errors: Vec<String>,
}

/// A directory of definitions, and the result of reading all its files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DefinitionsDirectory {
    /// The directory.
    pub path: PathBuf,
    /// [`Fault::Timeout`] if its file system has not answered.
    pub read: Result<DefinitionsSummary, Fault>,
}
