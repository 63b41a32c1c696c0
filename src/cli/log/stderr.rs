//! Standard error, written to without blocking: its reader may be stopped.
//!
//! Other processes (a shell, the bus) share the open file description, so O_NONBLOCK must not be set on it. On a socket,
//! each message is sent with MSG_DONTWAIT. A pipe or a terminal is opened again for each line, because descriptor 2 may
//! refer to another file by the next line.

use std::{
    env,
    fs::{File, OpenOptions},
    io::{self, Write},
    os::{
        fd::{AsFd, AsRawFd},
        unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt},
    },
    time::{Duration, Instant},
};

use nix::{
    fcntl::OFlag,
    poll::{PollFd, PollFlags, ppoll},
    sys::socket::{MsgFlags, send},
    unistd,
};

/// PIPE_BUF: a pipe takes so many bytes at once or none.
const PIPE_BUF: usize = 4096;

const PATH: &str = "/proc/self/fd/2";

/// Standard error, as it is now.
pub(super) enum Stderr {
    /// A socket, sent to with MSG_DONTWAIT.
    Socket(io::Stderr),
    /// An open file description of our own, with O_NONBLOCK.
    Own(File),
    /// It cannot be opened again, so poll(2) precedes each write. Another process may still write in between.
    Shared(io::Stderr),
    /// A regular file, which never blocks.
    File(io::Stderr),
}

impl Stderr {
    /// Standard error, and whether it is the journal's stream. `JOURNAL_STREAM` may be inherited, so its device and inode
    /// numbers are compared (systemd.exec(5)).
    pub(super) fn open() -> (Self, bool) {
        let stderr = io::stderr();
        let Ok(found) = std::fs::metadata(PATH) else {
            return (Self::Shared(stderr), false);
        };
        let kind = found.file_type();
        let identity = format!("{}:{}", found.dev(), found.ino());
        let is_journal = env::var("JOURNAL_STREAM").is_ok_and(|stream| stream == identity);
        let opened = if kind.is_socket() {
            Self::Socket(stderr)
        } else if kind.is_fifo() || kind.is_char_device() {
            let flags = OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
            let own = OpenOptions::new()
                .write(true)
                .custom_flags(flags.bits())
                .open(PATH);
            own.map_or(Self::Shared(stderr), Self::Own)
        } else {
            Self::File(stderr)
        };
        (opened, is_journal)
    }

    /// Writes as many bytes as find room.
    fn write_some(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let bytes = bytes.get(..PIPE_BUF).unwrap_or(bytes);
        match self {
            Self::Socket(socket) => {
                let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL;
                Ok(send(socket.as_raw_fd(), bytes, flags)?)
            }
            Self::Own(file) => file.write(bytes),
            Self::Shared(file) if !is_ready(&file, Duration::ZERO) => {
                Err(io::ErrorKind::WouldBlock.into())
            }
            Self::Shared(file) => write_once(file, bytes),
            Self::File(file) => write_once(file, bytes),
        }
    }

    /// Writes as many bytes as find room at once or before `until`, and returns their number.
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

/// write(2) without the lock of `io::Stderr`, which a blocked thread may hold. `io::Stderr` has no buffer to bypass.
fn write_once(file: impl AsFd, bytes: &[u8]) -> io::Result<usize> {
    Ok(unistd::write(file, bytes)?)
}

/// Whether there is room for a write within this time.
fn is_ready(file: impl AsFd, time: Duration) -> bool {
    let mut fds = [PollFd::new(file.as_fd(), PollFlags::POLLOUT)];
    ppoll(&mut fds, Some(time.into()), None).is_ok_and(|ready| ready > 0)
}
