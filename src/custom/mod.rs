//! Custom metrics: the files `*.toml` of a directory define metrics that clients read like any other.
//!
//! The service reads the directory at the first request for an id that no other source can have. From then on, a
//! saved file counts at the next call; a session takes it at the inotify event, without a thread and without a
//! wake-up while there is no session. An error in a definition affects only that metric, which keeps its last
//! valid definition.
//!
//! Each reader (a file or a command that definitions name) is a member of the family, so only the requested
//! readers run. Each file of definitions is a member, too: it has no metrics, and fails with the diagnostics of
//! the file.
//!
//! - `definition`: parses a file of definitions; a pure function of its text.
//! - `directory`: finds the files, and reads them again when they change.
//! - `reader`: reads the defined files and the outputs of commands; `extract` finds the values in them.
//! - [`command`]: runs commands.
//! - `family`, `registry`: the members, and the definitions that they share.

pub mod command;
mod definition;
mod directory;
mod extract;
mod family;
mod reader;
mod registry;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use nix::errno::Errno;

use crate::source::{self, Provider, pool::Pool};
use directory::{Directory, DirectoryChanges};

/// The name of the family. The name of a member adds its file: `sources.d/room.toml`.
pub const NAME: &str = "sources.d";

/// The directory of definitions, and the program that looks after their commands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectoryOptions {
    /// The directory. It need not exist.
    pub directory: PathBuf,
    /// The program that becomes the subreaper of each run of a command: see [`command::Runner::new`].
    pub subreaper: PathBuf,
}

/// The result of checking the files of a directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Check {
    /// The ids, in the order of the files.
    pub ids: Vec<Arc<str>>,
    /// The errors, each as `<file>:<line>:<column>: <key>: <message>`.
    pub diagnostics: Vec<String>,
}

/// Parses the definitions of a directory, without reading a file or running a command that they name. `taken` are
/// the patterns of the ids of all other sources ([`crate::sources::scopes`]).
///
/// # Errors
/// The directory does not exist, cannot be read, or is writable by others.
pub fn check(path: &Path, taken: Vec<&'static str>) -> Result<Check, source::Error> {
    let mut directory = Directory::new(path.to_owned(), taken);
    directory.load(&DirectoryChanges::All);
    if !directory.is_there() {
        return Err(source::Error::io(path, Errno::ENOENT.into()));
    }
    if let Some(error) = directory.error() {
        return Err(error.again());
    }
    Ok(Check {
        ids: directory.ids().collect(),
        diagnostics: directory.diagnostics().cloned().collect(),
    })
}

/// The family of a directory's metrics. `taken` are the patterns of the ids of all other sources.
pub(super) fn source(
    options: &DirectoryOptions,
    taken: Vec<&'static str>,
    pool: &Pool,
) -> Provider {
    Provider::family(family::Family::new(options, taken, pool))
}
