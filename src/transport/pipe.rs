//! Pipes whose read end is another process's.

use std::{
    io::{self, IoSlice},
    os::fd::{AsFd, OwnedFd},
};

use nix::{
    errno::Errno,
    fcntl::{FcntlArg, OFlag, fcntl},
    libc,
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::uio::writev,
    unistd::pipe2,
};
use tokio::io::{Interest, unix::AsyncFd};

use super::readable_fd;

/// The most bytes that the kernel writes as a whole or not at all.
pub(crate) const ATOMIC_BYTES: usize = libc::PIPE_BUF;

/// The capacity of a new pipe, in bytes.
pub(crate) const DEFAULT_CAPACITY: usize = 64 * 1024;

/// The write end of a pipe. It never blocks.
#[derive(Debug)]
pub(crate) struct PipeWriter(AsyncFd<OwnedFd>);

/// The outcome of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Written {
    /// So many bytes were written.
    Bytes(usize),
    /// The pipe has no room.
    Full,
    /// No process has the read end any more.
    Closed,
}

impl PipeWriter {
    /// A pipe with room for at least `capacity` bytes, if the kernel grants as much
    /// (`/proc/sys/fs/pipe-user-pages-soft`): the read end, and this one.
    pub(crate) fn pipe(capacity: usize) -> io::Result<(OwnedFd, Self)> {
        let (reader, writer) = pipe2(OFlag::O_CLOEXEC)?;
        // Of this end only: the reader may expect reads that block.
        fcntl(&writer, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        if capacity > DEFAULT_CAPACITY {
            let capacity = i32::try_from(capacity).unwrap_or(i32::MAX);
            // Without it, the pipe has the default capacity.
            fcntl(&writer, FcntlArg::F_SETPIPE_SZ(capacity)).ok();
        }
        // No interest in room: it would wake the service each time the reader has made some.
        let writer = readable_fd::register(writer, Interest::ERROR)?;
        Ok((reader, Self(writer)))
    }

    /// The bytes that the pipe has room for while it is empty.
    pub(crate) fn capacity(&self) -> usize {
        let capacity = fcntl(self.0.get_ref(), FcntlArg::F_GETPIPE_SZ);
        let capacity = capacity.map(usize::try_from);
        capacity.map_or(DEFAULT_CAPACITY, |bytes| bytes.unwrap_or(DEFAULT_CAPACITY))
    }

    /// Writes without waiting.
    pub(crate) fn write(&self, slices: &[IoSlice<'_>]) -> Written {
        loop {
            match writev(self.0.get_ref(), slices) {
                Ok(bytes) => return Written::Bytes(bytes),
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => return Written::Full,
                // EPIPE: the service ignores SIGPIPE, as every program in Rust does.
                Err(_) => return Written::Closed,
            }
        }
    }

    /// Whether [`write`](Self::write) would find no room; also true if the read end is closed.
    pub(crate) fn is_full(&self) -> bool {
        let mut polled = [PollFd::new(self.0.get_ref().as_fd(), PollFlags::POLLOUT)];
        let ready = poll(&mut polled, PollTimeout::ZERO);
        let [polled] = polled;
        ready.is_ok() && polled.revents() != Some(PollFlags::POLLOUT)
    }

    /// Waits until no process has the read end.
    pub(crate) async fn closed(&self) -> io::Result<()> {
        // The kernel reports this as an error condition (EPOLLERR), and reports nothing else here.
        self.0.ready(Interest::ERROR).await.map(drop)
    }
}
