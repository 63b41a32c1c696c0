//! The stream socket of systemd-journald(8).

use std::fs::File;
use std::io::{self, Write};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;

use crate::linux::error::Error;

const PATH: &str = "/run/systemd/journal/stdout";

/// A stream whose lines become entries of this identifier, as by sd_journal_stream_fd(3).
pub(super) fn connect(identifier: &str) -> Result<File, Error> {
    let connect = || -> io::Result<UnixStream> {
        let mut stream = UnixStream::connect(PATH)?;
        stream.write_all(header(identifier).as_bytes())?;
        stream.shutdown(Shutdown::Read)?;
        Ok(stream)
    };
    let stream = connect().map_err(|cause| Error::file(Path::new(PATH), cause))?;
    Ok(File::from(OwnedFd::from(stream)))
}

/// Seven lines: identifier, unit (the journal finds it by the process), priority (6 is `info`), whether a prefix such as
/// `<3>` sets the priority of a line, and whether to forward to syslog, the kernel's log and the console.
fn header(identifier: &str) -> String {
    let identifier = identifier.replace('\n', " ");
    format!("{identifier}\n\n6\n1\n0\n0\n0\n")
}
