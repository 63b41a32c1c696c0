//! The intermediate process, between the two forks: the child of the launcher, and the parent of the daemon.

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

/// Our child, the parent of the daemon. It leads the daemon's session, whose number is nobody else's as long as it is
/// not reaped.
pub(super) struct Intermediate {
    pub(super) pid: Pid,
    pub(super) socket: Socket,
}

/// Our side of the socket to the intermediate process, which ends when this is closed.
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
    /// Whether it is our child still, dead or alive, so that its number is nobody else's. It is not if the caller ignores
    /// SIGCHLD and it has ended.
    pub(super) fn is_our_child(&self) -> bool {
        let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
        waitid(Id::Pid(self.pid), flags).is_ok()
    }

    pub(super) fn signal(&self, signal: Signal) {
        if self.is_our_child() {
            let _ = kill(self.pid, signal);
        }
    }

    /// It would end by itself, unless it is stopped.
    pub(super) fn end(&self) {
        self.signal(Signal::SIGKILL);
        // ECHILD if the caller ignores SIGCHLD.
        while let Err(Errno::EINTR) = waitpid(self.pid, None) {}
    }
}

/// The intermediate process: only a parent hears how its child ended, and can kill it by its number. Ends when the
/// launcher closes its side.
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
        // Its number is its own until it is waited for.
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
