//! Another process, held by a pidfd: a number may be given to a stranger, a pidfd is that process or none.

use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::process::{Pid, PidfdFlags, Signal};

use super::{Error, Stop};

/// What ends a process is the kernel; what outlives SIGKILL for so long hangs in the kernel.
const KILL_PATIENCE: Duration = Duration::from_secs(10);

/// Another process, held so that it cannot be mistaken for one that gets its number later.
///
/// Make sure after [`open`](Self::open), not before, that the number is that of the process which is meant.
#[derive(Debug)]
pub struct Process {
    pid: i32,
    pidfd: OwnedFd,
}

impl Process {
    /// Takes hold of the process that has this number now; none has it if it has ended.
    ///
    /// # Errors
    /// [`Error::Process`] if the kernel refuses.
    pub fn open(pid: i32) -> Result<Option<Self>, Error> {
        match pidfd(pid) {
            Ok(pidfd) => Ok(Some(Self { pid, pidfd })),
            Err(Errno::ESRCH) => Ok(None),
            Err(errno) => Err(Error::Process {
                pid,
                source: errno.into(),
            }),
        }
    }

    /// Its number.
    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// Sends SIGHUP. False if it has ended.
    ///
    /// # Errors
    /// [`Error::Process`] if it is somebody else's.
    pub fn hang_up(&self) -> Result<bool, Error> {
        self.signal(Signal::HUP)
    }

    /// Ends it, and returns when it is gone: asks by SIGTERM, and kills by SIGKILL after this time.
    ///
    /// # Errors
    /// [`Error::Process`] if it is somebody else's, [`Error::Unkillable`].
    pub fn end(&self, patience: Duration) -> Result<Stop, Error> {
        let pid = self.pid;
        if !self.signal(Signal::TERM)? || gone(&self.pidfd, patience) {
            return Ok(Stop::Stopped { pid });
        }
        if !self.signal(Signal::KILL)? || gone(&self.pidfd, KILL_PATIENCE) {
            return Ok(Stop::Killed { pid });
        }
        let after = KILL_PATIENCE;
        Err(Error::Unkillable { pid, after })
    }

    fn signal(&self, with: Signal) -> Result<bool, Error> {
        signal(&self.pidfd, with).map_err(|errno| Error::Process {
            pid: self.pid,
            source: errno.into(),
        })
    }
}

pub(super) fn pidfd(pid: i32) -> Result<OwnedFd, Errno> {
    let pid = Pid::from_raw(pid).ok_or(Errno::EINVAL)?;
    rustix::process::pidfd_open(pid, PidfdFlags::empty()).map_err(errno)
}

/// False if it is gone already.
pub(super) fn signal(pidfd: &OwnedFd, signal: Signal) -> Result<bool, Errno> {
    match rustix::process::pidfd_send_signal(pidfd, signal) {
        Ok(()) => Ok(true),
        Err(rustix::io::Errno::SRCH) => Ok(false),
        Err(cause) => Err(errno(cause)),
    }
}

/// Waits for the end of a process, at most so long. True if it has ended, be it reaped or not: its files are
/// closed and its locks are free then.
pub(super) fn gone(pidfd: &OwnedFd, patience: Duration) -> bool {
    let start = Instant::now();
    loop {
        let left = patience.saturating_sub(start.elapsed());
        match poll(&mut [PollFd::new(pidfd, PollFlags::IN)], left) {
            Ok(true) => return true,
            Ok(false) if !left.is_zero() => {}
            _ => return false,
        }
    }
}

/// poll(2). False if nothing has happened: the time is up, or a signal came.
pub(super) fn poll(fds: &mut [PollFd<'_>], patience: Duration) -> Result<bool, Error> {
    // A time that is out of the kernel's range is for ever, near enough.
    let patience = Timespec::try_from(patience).unwrap_or(Timespec {
        tv_sec: i32::MAX.into(),
        tv_nsec: 0,
    });
    match rustix::event::poll(fds, Some(&patience)) {
        Ok(ready) => Ok(ready > 0),
        Err(rustix::io::Errno::INTR) => Ok(false),
        Err(cause) => Err(Error::call("poll")(cause)),
    }
}

fn errno(cause: rustix::io::Errno) -> Errno {
    Errno::from_raw(cause.raw_os_error())
}
