use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use nix::libc;
use nix::unistd;

use super::Error;

/// The file behind a standard stream of the daemon once it is ready.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stdio {
    /// `/dev/null`.
    Null,
    /// A file. As an output it is created with mode 0640 if it is missing, and only ever appended to; as
    /// standard input it is read.
    File(PathBuf),
    /// The caller's own. `$(...)` around the start then waits for the daemon's end.
    Inherit,
}

/// The three streams, open but not yet in their places.
#[derive(Debug)]
pub(crate) struct Streams([Option<File>; 3]);

impl Streams {
    pub(crate) fn open(streams: &[Stdio; 3]) -> Result<Self, Error> {
        let [input, output, error] = streams;
        Ok(Self([
            open(input, false)?,
            open(output, true)?,
            open(error, true)?,
        ]))
    }

    pub(crate) fn null() -> Result<Self, Error> {
        Self::open(&[Stdio::Null, Stdio::Null, Stdio::Null])
    }

    /// Puts them in place of 0, 1 and 2.
    pub(crate) fn install(self) -> Result<(), Error> {
        let [input, output, error] = self.0;
        input
            .map_or(Ok(()), unistd::dup2_stdin)
            .and_then(|()| output.map_or(Ok(()), unistd::dup2_stdout))
            .and_then(|()| error.map_or(Ok(()), unistd::dup2_stderr))
            .map_err(Error::call("dup2"))
    }
}

/// `/dev/null`, in both directions.
pub(crate) fn null() -> Result<File, Error> {
    let path = Path::new("/dev/null");
    OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(libc::O_NOCTTY)
        .open(path)
        .map_err(|cause| Error::file(path, cause))
}

fn open(stream: &Stdio, output: bool) -> Result<Option<File>, Error> {
    let path = match stream {
        Stdio::Null => return null().map(Some),
        Stdio::Inherit => return Ok(None),
        Stdio::File(path) => path,
    };
    OpenOptions::new()
        .read(!output)
        .append(output)
        .create(output)
        .mode(0o640)
        // A terminal given as a log must not become ours.
        .custom_flags(libc::O_NOCTTY)
        .open(path)
        .map(Some)
        .map_err(|cause| Error::file(path, cause))
}
