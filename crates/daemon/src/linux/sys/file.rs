//! flock(2) and renameat2(2).

use std::os::fd::AsFd;
use std::path::Path;

use nix::errno::Errno;
use rustix::fs::{CWD, FlockOperation, RenameFlags, flock, renameat_with};

use super::to_nix;

/// flock(2) with LOCK_EX and LOCK_NB.
pub(crate) fn try_flock(file: impl AsFd) -> Result<(), Errno> {
    flock(file, FlockOperation::NonBlockingLockExclusive).map_err(to_nix)
}

/// renameat2(2) with RENAME_EXCHANGE: exchanges two names atomically.
pub(crate) fn exchange(one: &Path, other: &Path) -> Result<(), Errno> {
    renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE).map_err(to_nix)
}
