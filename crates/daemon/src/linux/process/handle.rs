//! Another process, by its pidfd: a process id may be reused, a pidfd refers to the same process for ever.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant, SystemTime};

use nix::errno::Errno;
use nix::sys::signal::Signal;

use super::stop::Stop;
use crate::linux::error::Error;
use crate::linux::sys::{pidfd, proc, wait};

/// A process that is still there after this time is in uninterruptible sleep.
pub(super) const KILL_TIMEOUT: Duration = Duration::from_secs(10);

/// Another process, by its pidfd: it is not confused with a later process of the same id.
///
/// Check after [`open`](Self::open), not before, that the id is that of the right process.
#[derive(Debug)]
pub struct Process {
    pid: i32,
    pidfd: OwnedFd,
}

impl Process {
    /// Opens the process with this id; `None` if there is none.
    ///
    /// # Errors
    /// [`Error::Process`] if the number is no process id or pidfd_open(2) fails, [`Error::Unsupported`] if the kernel
    /// or a sandbox lacks that call.
    pub fn open(pid: i32) -> Result<Option<Self>, Error> {
        match pidfd::open(pid) {
            Ok(pidfd) => Ok(Some(Self { pid, pidfd })),
            Err(Errno::ESRCH) => Ok(None),
            // EPERM comes from a sandbox only, not from the kernel.
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

    /// Its start time; `None` where /proc does not show it.
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

    /// Sends SIGTERM, then SIGCONT in case it is stopped, and does not wait for its end. False if it has ended.
    ///
    /// # Errors
    /// [`Error::Process`] if it is another user's.
    pub fn terminate(&self) -> Result<bool, Error> {
        Ok(self.signal(Signal::SIGTERM)? && self.signal(Signal::SIGCONT)?)
    }

    /// Ends it, and returns when it is gone: sends SIGTERM (then SIGCONT, in case it is stopped), and SIGKILL after
    /// `timeout`. Its children get no signal.
    ///
    /// # Errors
    /// [`Error::Process`] if it is another user's, [`Error::Unkillable`].
    pub fn end(&self, timeout: Duration) -> Result<Stop, Error> {
        match self.terminate_within(timeout)? {
            true => Ok(Stop::Stopped { pid: self.pid }),
            false => self.kill(),
        }
    }

    /// Whether it ends in time after SIGTERM.
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

    /// Waits for its end. True if it has ended, reaped or not: its files are closed and its locks released then.
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
