//! The intermediate process, between the two forks: the child of the launcher and the parent of the daemon.

use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::sys::signalfd::SignalFd;
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid, waitpid};
use nix::unistd::Pid;

use crate::linux::error::{Death, Error};
use crate::linux::readiness::{Message, Reader, Writer};
use crate::linux::sys::{self, wait};

/// The launcher's child, the parent of the daemon. It leads the daemon's session. The kernel does not reuse the number
/// of the session before this process is reaped.
pub(super) struct Intermediate {
    pub(super) pid: Pid,
    pub(super) socket: Socket,
}

/// The launcher's end of a socket to the intermediate process, which ends when this is closed.
pub(super) struct Socket {
    pub(super) reader: Reader,
    pub(super) writer: Writer,
}

impl Socket {
    pub(super) fn new(socket: OwnedFd) -> Result<Self, Error> {
        let other = socket.try_clone().map_err(Error::call("fcntl"))?;
        Ok(Self {
            reader: Reader::new(socket)?,
            writer: Writer::new(other),
        })
    }
}

impl Intermediate {
    /// Whether it is a child of this process that is not reaped, running or zombie, so that its number is not reused.
    /// If the caller ignores SIGCHLD, the kernel reaps it when it ends.
    pub(super) fn is_our_child(&self) -> bool {
        let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
        waitid(Id::Pid(self.pid), flags).is_ok()
    }

    pub(super) fn signal(&self, signal: Signal) {
        if self.is_our_child() {
            let _ = kill(self.pid, signal);
        }
    }

    /// SIGKILL: when the socket is closed it ends by itself, but not while it is stopped.
    pub(super) fn end(&self) {
        self.signal(Signal::SIGKILL);
        // ECHILD if the caller ignores SIGCHLD.
        while let Err(Errno::EINTR) = waitpid(self.pid, None) {}
    }
}

/// The loop of the intermediate process. It reports how the daemon ended and kills it on request: only the parent gets
/// the exit status, and can signal by number without hitting another process. Ends when the launcher closes its end.
pub(super) fn watch_daemon(daemon: Pid, child_ended: &SignalFd, socket: OwnedFd) -> ! {
    let (Ok(reader), socket) = (socket.try_clone(), Writer::new(socket)) else {
        sys::fork::exit_now(1)
    };
    let Ok(mut reader) = Reader::new(reader) else {
        sys::fork::exit_now(1)
    };
    let mut ended = false;
    loop {
        let polled = wait::poll_readable(&[child_ended.as_fd(), reader.as_fd()], Duration::MAX);
        let Ok(messages) = reader.read() else {
            sys::fork::exit_now(1)
        };
        if polled.is_err() || !reader.is_open() {
            sys::fork::exit_now(0);
        }
        while let Ok(Some(_)) = child_ended.read_signal() {}
        if ended {
            continue;
        }
        // The number is not reused before waitpid(2) below.
        if messages.contains(&Message::Kill) {
            let _ = kill(daemon, Signal::SIGKILL);
        }
        let death = match waitpid(daemon, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::Exited(_, status)) => Death::Exited { status },
            Ok(WaitStatus::Signaled(_, signal, _)) => Death::Killed {
                signal: signal as i32,
            },
            _ => continue,
        };
        ended = true;
        socket.write(&Message::Ended(death));
    }
}
