//! Sources of the user's own: what the files `*.toml` of a directory define, read like any other.
//!
//! The directory is looked at when somebody asks for what no other source may have, and from then on
//! what is saved there counts at the next call, and in sessions as soon as the kernel tells of it: without a
//! thread, and without a wake-up while there is no session. A diagnostic harms only the metric that it is made in, which stays as it was before.
//!
//! Each reader (a file, a command) is a member of the family, so that nothing is read but what is
//! asked for; and for each file of definitions there is one more, which says what is wrong with it.
//!
//! - `definition`: what a file of definitions says, a pure function of its text.
//! - `directory`: finds the files, and reads them again when they change.
//! - `reader`: reads the files and the outputs of commands that are defined; `extract` finds the values in them.
//! - [`command`]: runs commands.
//! - `family`, `shared`: the members, and what they share.

pub mod command;
mod definition;
mod directory;
mod extract;
mod family;
mod reader;
mod shared;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use nix::errno::Errno;

use crate::source::{self, Provider, pool::Pool};
use directory::{Directory, News};

/// The name of the whole family: its directory. Its members are called by their files,
/// `sources.d/room.toml`.
pub const NAME: &str = "sources.d";

/// The directory of definitions, and the program that looks after their commands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectoryOptions {
    /// The directory. It need not exist.
    pub directory: PathBuf,
    /// The program that becomes the subreaper of each run of a command: see [`command::Runner::new`].
    pub subreaper: PathBuf,
}

/// What the files of a directory define.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Check {
    /// The ids, in the order of the files.
    pub ids: Vec<Arc<str>>,
    /// What is wrong, each as `<file>:<line>:<column>: <key>: <what>`.
    pub diagnostics: Vec<String>,
}

/// Reads the definitions of a directory, and nothing that they define. `taken` are the patterns of all ids that
/// belong to other sources ([`crate::sources::scopes`]).
///
/// # Errors
/// When the directory is not there, cannot be read, or may be written by others.
pub fn check(path: &Path, taken: Vec<&'static str>) -> Result<Check, source::Error> {
    let mut directory = Directory::new(path.to_owned(), taken);
    directory.load(&News::All);
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

/// The family of what a directory defines, where `taken` are the patterns of all ids that belong to
/// other sources.
pub(super) fn source(
    options: &DirectoryOptions,
    taken: Vec<&'static str>,
    pool: &Pool,
) -> Provider {
    Provider::family(family::Family::new(options, taken, pool))
}
