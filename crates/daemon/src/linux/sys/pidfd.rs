//! pidfd_open(2), Linux 5.3, and pidfd_send_signal(2), Linux 5.1.

use std::os::fd::OwnedFd;

use nix::errno::Errno;
use nix::sys::signal;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use super::to_nix;

/// pidfd_open(2). EINVAL for a number that is no process id.
pub(crate) fn open(pid: i32) -> Result<OwnedFd, Errno> {
    let pid = (pid > 0).then(|| Pid::from_raw(pid)).flatten();
    pidfd_open(pid.ok_or(Errno::EINVAL)?, PidfdFlags::empty()).map_err(to_nix)
}

/// pidfd_send_signal(2), with the signal information of kill(2).
pub(crate) fn send_signal(pidfd: &OwnedFd, signal: signal::Signal) -> Result<(), Errno> {
    let signal = Signal::from_named_raw(signal as i32).ok_or(Errno::EINVAL)?;
    pidfd_send_signal(pidfd, signal).map_err(to_nix)
}
