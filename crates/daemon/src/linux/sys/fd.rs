//! Descriptors by number.

use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::path::Path;

use nix::errno::Errno;
use nix::libc;

use crate::linux::error::Error;

/// Opens /dev/null on those of the descriptors 0, 1 and 2 that are closed. Without that the next file to be
/// opened would get such a number, and everything printed would end in it.
pub(crate) fn open_closed_standard() -> Result<(), Error> {
    for fd in 0..=2 {
        if descriptor_flags(fd).is_ok() {
            continue;
        }
        // SAFETY: the path is a C string. The kernel gives the lowest free number, which is `fd`.
        // Not close-on-exec: 0, 1 and 2 are there to be passed on.
        if unsafe { libc::open(c"/dev/null".as_ptr(), libc::O_RDWR | libc::O_NOCTTY) } < 0 {
            return Err(Error::file(Path::new("/dev/null"), Errno::last()));
        }
    }
    Ok(())
}

/// The flags of a descriptor (`FD_CLOEXEC`), or EBADF if the number is free.
pub(crate) fn descriptor_flags(fd: RawFd) -> Result<i32, Errno> {
    // SAFETY: F_GETFD reads a number's flags and changes nothing.
    Errno::result(unsafe { libc::fcntl(fd, libc::F_GETFD) })
}

/// Sets `FD_CLOEXEC` on a number, or is EBADF if that is free.
pub(crate) fn set_close_on_exec(fd: RawFd) -> Result<(), Errno> {
    // SAFETY: F_SETFD changes what exec(2) does with the descriptor, and nothing that its owner relies on.
    Errno::result(unsafe { libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) }).map(drop)
}

/// Makes the number `fd` a close-on-exec duplicate of `file`.
pub(crate) fn replace_file(file: impl AsFd, fd: RawFd) -> Result<(), Errno> {
    let file = file.as_fd().as_raw_fd();
    // SAFETY: dup3(2) swaps the file behind the number in one step. The number stays open, so a value that owns it
    // still owns an open descriptor, and can never meet another value's file.
    Errno::result(unsafe { libc::dup3(file, fd, libc::O_CLOEXEC) }).map(drop)
}

/// Closes a number that the process cannot be given again.
pub(crate) fn close(fd: RawFd) -> Result<(), Errno> {
    // SAFETY: the caller has found the number above a limit that it cannot raise, so no file gets it any more, and a
    // value that owns it meets EBADF at worst.
    Errno::result(unsafe { libc::close(fd) }).map(drop)
}
