use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::libc;
use nix::unistd;

use crate::linux::error::Error;

/// The target of a standard stream of the daemon once it is ready.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stdio {
    /// `/dev/null`.
    Null,
    /// A file. As an output it is created with mode 0640 if it is missing, and opened with O_APPEND; as standard input
    /// it is opened for reading.
    File(PathBuf),
    /// The caller's stream. `$(...)` around the start then waits for the daemon's end.
    Inherit,
}

/// The three streams, opened but not yet installed as 0, 1 and 2.
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

fn open(stream: &Stdio, output: bool) -> Result<Option<File>, Error> {
    let path = match stream {
        Stdio::Null => return null().map(Some),
        Stdio::Inherit => return Ok(None),
        Stdio::File(path) => path,
    };
    let failed = |cause| Error::file(path, cause);
    let file = OpenOptions::new()
        .read(!output)
        .append(output)
        .create(output)
        .mode(0o640)
        // O_NOCTTY: a tty must not become the controlling terminal. O_NONBLOCK: a FIFO may have no reader.
        .custom_flags(libc::O_NOCTTY | libc::O_NONBLOCK)
        .open(path)
        .map_err(failed)?;
    let flags = if output {
        OFlag::O_APPEND
    } else {
        OFlag::empty()
    };
    fcntl(&file, FcntlArg::F_SETFL(flags)).map_err(|errno| Error::file(path, errno))?;
    Ok(Some(file))
}
