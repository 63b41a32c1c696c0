//! What a guard is told to run: a directory, a program and its arguments, as words on a command line.

use std::{
    ffi::{OsStr, OsString},
    path::PathBuf,
    process,
};

/// What a guard is told to run.
pub struct Invocation {
    directory: PathBuf,
    program: OsString,
    arguments: Vec<OsString>,
}

impl Invocation {
    pub(super) fn read(mut words: impl Iterator<Item = OsString>) -> Option<Self> {
        Some(Self {
            directory: words.next()?.into(),
            program: words.next()?,
            arguments: words.collect(),
        })
    }

    pub(super) fn words(&self) -> impl Iterator<Item = &OsStr> {
        let arguments = self.arguments.iter().map(OsString::as_os_str);
        [self.directory.as_os_str(), &self.program]
            .into_iter()
            .chain(arguments)
    }

    /// The command, where it is to run: at the root, if that place is not there.
    pub(super) fn command(&self) -> process::Command {
        let mut command = process::Command::new(&self.program);
        command.args(&self.arguments);
        command.current_dir(match self.directory.is_dir() {
            true => self.directory.as_path(),
            false => "/".as_ref(),
        });
        command
    }
}
