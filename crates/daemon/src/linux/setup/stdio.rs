use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use nix::libc;
use nix::unistd;

use super::identity::Identity;
use super::{journal, log_file};
use crate::linux::error::Error;

/// The target of a standard stream of the daemon once it is ready.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stdio {
    /// `/dev/null`.
    Null,
    /// A file. As an output it is created with mode 0640 if it is missing, and opened with O_APPEND; as standard input
    /// it is opened for reading.
    ///
    /// It is opened after the change of user: where that user may write, the user may have placed a link, which root
    /// must not follow. The exception is an output in a directory of root's that not everybody may write to, such as
    /// `/var/log`: the file is opened before the change, if it is a regular file of root's or that user's, and a new one
    /// is given to the user. [`reopen_logs`](crate::Ready::reopen_logs) is for log rotation.
    File(PathBuf),
    /// The journal of systemd, by a stream as systemd gives it to its services: each line becomes an entry of priority
    /// `info`, or of another one with a prefix such as `<3>`, with the daemon's name as its identifier. As standard
    /// input it is `/dev/null`.
    Journal,
    /// The caller's stream. `$(...)` around the start then waits for the daemon's end.
    Inherit,
}

/// The three streams as far as they are opened, but not yet installed as 0, 1 and 2.
#[derive(Debug, Default)]
pub(crate) struct Streams([Option<File>; 3]);

impl Streams {
    /// Opens the outputs in directories where only root may create files, and gives new ones to the user.
    pub(crate) fn open_as_root(streams: &[Stdio; 3], user: &Identity) -> Result<Self, Error> {
        let [_, output, error] = streams;
        let open = |stream: &Stdio| match stream {
            Stdio::File(path) => log_file::open_as_root(path, user),
            _ => Ok(None),
        };
        Ok(Self([None, open(output)?, open(error)?]))
    }

    /// Opens those that are not open. `name` is the daemon's.
    pub(crate) fn open_rest(self, streams: &[Stdio; 3], name: &str) -> Result<Self, Error> {
        let Self(opened) = self;
        let [input, output, error] = streams;
        let [_, opened_output, opened_error] = opened;
        let open = |opened: Option<File>, stream: &Stdio| match (opened, stream) {
            (Some(opened), _) => Ok(Some(opened)),
            (None, Stdio::Null) => null().map(Some),
            (None, Stdio::File(path)) => log_file::open(path).map(Some),
            (None, Stdio::Journal) => journal::connect(name).map(Some),
            (None, Stdio::Inherit) => Ok(None),
        };
        let input = match input {
            Stdio::Null | Stdio::Journal => Some(null()?),
            Stdio::File(path) => Some(log_file::open_input(path)?),
            Stdio::Inherit => None,
        };
        Ok(Self([
            input,
            open(opened_output, output)?,
            open(opened_error, error)?,
        ]))
    }

    pub(crate) fn null() -> Result<Self, Error> {
        Ok(Self([Some(null()?), Some(null()?), Some(null()?)]))
    }

    /// Opens the files of the outputs.
    pub(crate) fn reopen([output, error]: &[Option<PathBuf>; 2]) -> Result<Self, Error> {
        let open = |path: &Option<PathBuf>| path.as_deref().map(log_file::open).transpose();
        Ok(Self([None, open(output)?, open(error)?]))
    }

    /// Replaces the streams that are open in `newer`.
    pub(crate) fn replace(&mut self, newer: Self) {
        for (stream, newer) in self.0.iter_mut().zip(newer.0) {
            if newer.is_some() {
                *stream = newer;
            }
        }
    }

    /// Installs them as 0, 1 and 2.
    pub(crate) fn install(self) -> Result<(), Error> {
        let [input, output, error] = self.0;
        input
            .map_or(Ok(()), unistd::dup2_stdin)
            .and_then(|()| output.map_or(Ok(()), unistd::dup2_stdout))
            .and_then(|()| error.map_or(Ok(()), unistd::dup2_stderr))
            .map_err(Error::call("dup2"))
    }
}

/// `/dev/null`, for reading and writing.
pub(crate) fn null() -> Result<File, Error> {
    let path = Path::new("/dev/null");
    OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(libc::O_NOCTTY)
        .open(path)
        .map_err(|cause| Error::file(path, cause))
}
