//! A new pidfile in the place of one that strangers have locked for reading.
//!
//! Everybody who may read a file may lock it for reading, and so keep a daemon from locking it for writing. Such a
//! file is put aside for a new one, which nobody else has open.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use nix::errno::Errno;

use super::lock::{self, Attempt, Seen};
use super::{Error, pidfile, probe, sys};

/// Swaps the file at the path for a new one that is locked already. `None` if another process was quicker.
pub(crate) fn supersede(path: &Path, own_session: bool) -> Result<Option<File>, Error> {
    let aside = aside(path);
    let failed = |cause| Error::file(&aside, cause);
    match fs::remove_file(&aside) {
        Err(cause) if cause.kind() != ErrorKind::NotFound => return Err(failed(cause)),
        _ => {}
    }
    let new = pidfile::create(&aside).map_err(failed)?;
    let swapped = swap(&new, &aside, path, own_session);
    // The old file, or the new one where nothing was swapped.
    let _ = fs::remove_file(&aside);
    Ok(swapped?.then_some(new))
}

fn swap(new: &File, aside: &Path, path: &Path, own_session: bool) -> Result<bool, Error> {
    let taken = lock::take(new, own_session).map_err(|errno| Error::file(aside, errno))?;
    if taken != Attempt::Taken {
        return Ok(false);
    }
    match sys::exchange(aside, path) {
        Ok(()) => {}
        Err(Errno::ENOENT) => return Ok(false),
        Err(errno) => return Err(Error::file(path, errno)),
    }
    // A daemon that locked the old file before we swapped it has found it in its place. Whoever locks it from here
    // on finds that it has none.
    let old = File::open(aside).map_err(|cause| Error::file(aside, cause))?;
    let seen = lock::stage(&old).map_err(|errno| Error::file(aside, errno))?;
    if seen != Seen::Free {
        sys::exchange(aside, path).map_err(|errno| Error::file(path, errno))?;
        return Ok(false);
    }
    probe::is_at(new, path)
}

/// Beside the pidfile, since only names on one file system can be swapped.
fn aside(path: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}", std::process::id()));
    path.with_file_name(name)
}
