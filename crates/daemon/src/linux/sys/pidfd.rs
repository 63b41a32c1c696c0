//! pidfd_open(2) and pidfd_send_signal(2).

use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

use nix::errno::Errno;
use nix::libc;

/// pidfd_open(2), Linux 5.3.
pub(crate) fn open(pid: i32) -> Result<OwnedFd, Errno> {
    // SAFETY: the call takes two numbers and returns a descriptor (always close-on-exec) that nobody else owns.
    unsafe {
        let fd = Errno::result(libc::syscall(libc::SYS_pidfd_open, pid, 0))?;
        Ok(OwnedFd::from_raw_fd(fd as RawFd))
    }
}

/// pidfd_send_signal(2), Linux 5.1.
pub(crate) fn send_signal(pidfd: &OwnedFd, signal: i32) -> Result<(), Errno> {
    let (pidfd, no_info) = (pidfd.as_raw_fd(), std::ptr::null::<libc::siginfo_t>());
    // SAFETY: a null siginfo is allowed and means what kill(2) sends.
    let done = unsafe { libc::syscall(libc::SYS_pidfd_send_signal, pidfd, signal, no_info, 0_u32) };
    Errno::result(done).map(drop)
}
