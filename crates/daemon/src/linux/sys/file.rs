//! flock(2) and renameat2(2).

use std::os::fd::{AsFd, AsRawFd};
use std::path::Path;

use nix::errno::Errno;
use nix::libc;

/// flock(2) for writing, without waiting.
pub(crate) fn try_flock(file: impl AsFd) -> Result<(), Errno> {
    // SAFETY: the descriptor is open for as long as it is borrowed.
    let done = unsafe { libc::flock(file.as_fd().as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) };
    Errno::result(done).map(drop)
}

/// renameat2(2) with RENAME_EXCHANGE: swaps two names in one step. By number, because musl has no wrapper.
pub(crate) fn exchange(one: &Path, other: &Path) -> Result<(), Errno> {
    use nix::NixPath;
    let done = one.with_nix_path(|one| {
        other.with_nix_path(|other| {
            // SAFETY: both paths are C strings that outlive the call.
            unsafe {
                let here = libc::AT_FDCWD;
                let flags = libc::RENAME_EXCHANGE;
                let call = libc::SYS_renameat2;
                libc::syscall(call, here, one.as_ptr(), here, other.as_ptr(), flags)
            }
        })
    })??;
    Errno::result(done).map(drop)
}
