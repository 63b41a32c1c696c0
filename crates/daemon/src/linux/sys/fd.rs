//! System calls on descriptor numbers.

use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::path::Path;

use nix::errno::Errno;
use nix::libc;

use crate::linux::error::Error;

/// Opens /dev/null on those of the descriptors 0, 1 and 2 that are closed. Otherwise the next opened file would get
/// such a number, and the program would print into it.
pub(crate) fn open_closed_standard() -> Result<(), Error> {
    for fd in 0..=2 {
        if descriptor_flags(fd).is_ok() {
            continue;
        }
        // SAFETY: the path is a C string. The kernel gives the lowest free number, which is `fd`.
        // Not close-on-exec: child processes inherit 0, 1 and 2.
        if unsafe { libc::open(c"/dev/null".as_ptr(), libc::O_RDWR | libc::O_NOCTTY) } < 0 {
            return Err(Error::file(Path::new("/dev/null"), Errno::last()));
        }
    }
    Ok(())
}

/// F_GETFD: the flags of a descriptor (`FD_CLOEXEC`). EBADF if the number is not open.
pub(crate) fn descriptor_flags(fd: RawFd) -> Result<i32, Errno> {
    // SAFETY: F_GETFD reads the flags and changes nothing.
    Errno::result(unsafe { libc::fcntl(fd, libc::F_GETFD) })
}

/// Sets `FD_CLOEXEC` on a descriptor. EBADF if the number is not open.
pub(crate) fn set_close_on_exec(fd: RawFd) -> Result<(), Errno> {
    // SAFETY: F_SETFD changes the effect of exec(2) on the descriptor only; its owner does not rely on that.
    Errno::result(unsafe { libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) }).map(drop)
}

/// Owns a descriptor that the process has inherited. The caller has checked that it is open and that no value owns it,
/// and never calls this for the same descriptor again: see `setup/listen_fds.rs`.
pub(crate) fn own_inherited(fd: RawFd) -> OwnedFd {
    // SAFETY: it is open and has no other owner, by the checks of the caller.
    unsafe { OwnedFd::from_raw_fd(fd) }
}

/// Makes the number `fd` a close-on-exec duplicate of `file`.
pub(crate) fn replace_file(file: impl AsFd, fd: RawFd) -> Result<(), Errno> {
    let file = file.as_fd().as_raw_fd();
    // SAFETY: dup3(2) replaces the open file description of the number atomically. The number stays open, so a value
    // that owns it still owns an open descriptor, and never another value's file.
    Errno::result(unsafe { libc::dup3(file, fd, libc::O_CLOEXEC) }).map(drop)
}

/// Closes a descriptor whose number no later open can get.
pub(crate) fn close(fd: RawFd) -> Result<(), Errno> {
    // SAFETY: the caller has found the number above a limit that it cannot raise, so no later open gets it, and a value
    // that owns it gets EBADF at worst.
    Errno::result(unsafe { libc::close(fd) }).map(drop)
}
