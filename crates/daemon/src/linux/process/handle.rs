//! Another process, held by a pidfd: a number may be given to a stranger, a pidfd is that process or none.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant, SystemTime};

use nix::errno::Errno;
use nix::sys::signal::Signal;

use super::stop::Stop;
use crate::linux::error::Error;
use crate::linux::sys::{pidfd, proc, wait};

/// A process that outlives SIGKILL for so long hangs in the kernel.
pub(super) const KILL_TIMEOUT: Duration = Duration::from_secs(10);

/// Another process, held so that it cannot be mistaken for one that gets its number later.
///
/// Check that the number belongs to the right process after [`open`](Self::open), not before.
#[derive(Debug)]
pub struct Process {
    pid: i32,
    pidfd: OwnedFd,
}

impl Process {
    /// Takes hold of the process that has this number now; `None` if there is none.
    ///
    /// # Errors
    /// [`Error::Process`] if the number cannot be a process id or the kernel refuses, [`Error::Unsupported`] if it
    /// has no pidfd_open(2).
    pub fn open(pid: i32) -> Result<Option<Self>, Error> {
        match pidfd::open(pid) {
            Ok(pidfd) => Ok(Some(Self { pid, pidfd })),
            Err(Errno::ESRCH) => Ok(None),
            // A sandbox answers EPERM; the kernel itself does not.
            Err(Errno::ENOSYS | Errno::EPERM) => Err(Error::Unsupported {
                what: "no pidfd_open(2), without which a signal could hit another process (Linux 5.3 has it)",
            }),
            Err(errno) => Err(Error::process(pid, errno)),
        }
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// When it started; `None` where /proc does not tell.
    #[must_use]
    pub fn started(&self) -> Option<SystemTime> {
        let started = proc::started(self.pid);
        started.filter(|_| self.is_alive())
    }

    /// Sends SIGHUP. False if it has ended.
    ///
    /// # Errors
    /// [`Error::Process`] if it is another user's.
    pub fn hang_up(&self) -> Result<bool, Error> {
        self.signal(Signal::SIGHUP)
    }

    /// Asks it to end, and does not wait for that: SIGTERM, with SIGCONT for one that is stopped. False if it has ended.
    ///
    /// # Errors
    /// [`Error::Process`] if it is another user's.
    pub fn terminate(&self) -> Result<bool, Error> {
        Ok(self.signal(Signal::SIGTERM)? && self.signal(Signal::SIGCONT)?)
    }

    /// Ends it, and returns when it is gone: SIGTERM (with SIGCONT, for one that is stopped), and after this time SIGKILL.
    /// Its children are left alone.
    ///
    /// # Errors
    /// [`Error::Process`] if it is another user's, [`Error::Unkillable`].
    pub fn end(&self, timeout: Duration) -> Result<Stop, Error> {
        match self.terminate_within(timeout)? {
            true => Ok(Stop::Stopped { pid: self.pid }),
            false => self.kill(),
        }
    }

    /// True if it ends in time.
    pub(super) fn terminate_within(&self, timeout: Duration) -> Result<bool, Error> {
        Ok(!self.terminate()? || self.is_gone_within(timeout))
    }

    pub(super) fn kill(&self) -> Result<Stop, Error> {
        let pid = self.pid;
        if !self.signal(Signal::SIGKILL)? || self.is_gone_within(KILL_TIMEOUT) {
            return Ok(Stop::Killed { pid });
        }
        let after = KILL_TIMEOUT;
        Err(Error::Unkillable { pid, after })
    }

    /// False if it has ended.
    pub(crate) fn signal(&self, signal: Signal) -> Result<bool, Error> {
        match pidfd::send_signal(&self.pidfd, signal) {
            Ok(()) => Ok(true),
            Err(Errno::ESRCH) => Ok(false),
            Err(errno) => Err(Error::process(self.pid, errno)),
        }
    }

    pub(crate) fn is_alive(&self) -> bool {
        !self.is_gone_within(Duration::ZERO)
    }

    /// Waits for its end. True if it has ended, reaped or not: its files are closed and its locks are free then.
    #[must_use]
    pub fn is_gone_within(&self, timeout: Duration) -> bool {
        let start = Instant::now();
        loop {
            let left = timeout.saturating_sub(start.elapsed());
            match wait::poll_readable(&[self.pidfd.as_fd()], left) {
                Ok(true) => return true,
                Ok(false) if !left.is_zero() => {}
                _ => return false,
            }
        }
    }
}

impl AsFd for Process {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }
}
