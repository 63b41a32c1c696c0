//! Standard error, written to without waiting: who reads it may have stopped.
//!
//! The open file description is shared with others (a shell, the bus), so it must not get O_NONBLOCK. A socket
//! takes that for each message; a pipe or a terminal is opened once more, for each line: by the next one,
//! descriptor 2 may be another file.

use std::{
    env,
    fs::{File, OpenOptions},
    io::{self, Write},
    os::{
        fd::AsFd,
        unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt},
    },
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::OFlags,
    net::{SendFlags, send},
};

/// As much is written to a pipe at once, if at all: PIPE_BUF.
const AT_ONCE: usize = 4096;

const PATH: &str = "/proc/self/fd/2";

/// Standard error, as it is now.
pub(super) enum Stderr {
    /// Each message says that it is not to wait.
    Socket(io::Stderr),
    /// A description of its own, with O_NONBLOCK.
    Own(File),
    /// It cannot be opened again: it is looked at before each write. Whoever else writes to it in between is not
    /// seen.
    Shared(io::Stderr),
    /// A file does not wait for a reader.
    File(io::Stderr),
}

impl Stderr {
    /// Standard error, and whether it is the stream to the journal: the variable is inherited, so it is the device
    /// and inode number in it that say so (systemd.exec(5)).
    pub(super) fn open() -> (Self, bool) {
        let stderr = io::stderr();
        let Ok(found) = std::fs::metadata(PATH) else {
            return (Self::Shared(stderr), false);
        };
        let kind = found.file_type();
        let place = format!("{}:{}", found.dev(), found.ino());
        let is_journal = env::var("JOURNAL_STREAM").is_ok_and(|stream| stream == place);
        let opened = if kind.is_socket() {
            Self::Socket(stderr)
        } else if kind.is_fifo() || kind.is_char_device() {
            let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
            let own = OpenOptions::new()
                .write(true)
                .custom_flags(flags.bits() as i32)
                .open(PATH);
            own.map_or(Self::Shared(stderr), Self::Own)
        } else {
            Self::File(stderr)
        };
        (opened, is_journal)
    }

    /// Writes as much as there is room for.
    fn write_some(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let bytes = bytes.get(..AT_ONCE).unwrap_or(bytes);
        match self {
            Self::Socket(socket) => {
                let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
                Ok(send(socket, bytes, flags)?)
            }
            Self::Own(file) => file.write(bytes),
            Self::Shared(file) if !is_ready(&file, Duration::ZERO) => {
                Err(io::ErrorKind::WouldBlock.into())
            }
            Self::Shared(file) => write_once(file, bytes),
            Self::File(file) => write_once(file, bytes),
        }
    }

    /// Writes as much as there is room for before `until`, or now. Returns how much that was.
    pub(super) fn write(&mut self, bytes: &[u8], until: Option<Instant>) -> usize {
        let mut rest = bytes;
        while !rest.is_empty() {
            match self.write_some(rest) {
                Ok(0) => break,
                Ok(written) => rest = rest.get(written..).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let left = until.map(|until| until.saturating_duration_since(Instant::now()));
                    match left {
                        Some(left) if !left.is_zero() => drop(is_ready(io::stderr(), left)),
                        _ => break,
                    }
                }
                Err(_) => break,
            }
        }
        bytes.len().saturating_sub(rest.len())
    }
}

/// Past the buffer of `io::Stderr`, which has none; and without its lock, which a thread may hold that waits.
fn write_once(file: impl AsFd, bytes: &[u8]) -> io::Result<usize> {
    Ok(rustix::io::write(file, bytes)?)
}

/// Whether a write finds room in this time.
fn is_ready(file: impl AsFd, time: Duration) -> bool {
    let time = Timespec::try_from(time).unwrap_or_default();
    let mut fds = [PollFd::new(&file, PollFlags::OUT)];
    poll(&mut fds, Some(&time)).is_ok_and(|ready| ready > 0)
}
