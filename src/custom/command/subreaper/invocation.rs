//! A command as arguments of a subreaper: the working directory, the program and its arguments.

use std::{
    ffi::{OsStr, OsString},
    path::PathBuf,
    process,
};

/// The command that a subreaper runs.
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

    /// The command with its working directory, or `/` if that does not exist.
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
