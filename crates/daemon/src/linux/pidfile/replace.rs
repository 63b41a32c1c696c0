//! A new pidfile in the place of one that strangers have locked for reading.
//!
//! Everybody who may read a file may lock it for reading, and so keep a daemon from locking it for writing. Such a
//! file is put aside for a new one, which nobody else has open.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::file;
use super::lock::{self, Attempt, StageLock};
use crate::linux::sys;

/// Swaps the file at the path for a new one that is locked already. `None` if another process was quicker.
pub(crate) fn replace_read_locked(path: &Path, own_session: bool) -> io::Result<Option<File>> {
    // In the end this is the name of the old file, or of the new one where nothing was swapped.
    let aside = TemporaryName::new(path)?;
    let new = file::create(&aside.0)?;
    let attempt = lock::take(&new, own_session)?;
    let swapped = attempt == Attempt::Taken && swap(&new, &aside, path)?;
    Ok(swapped.then_some(new))
}

/// Checks that a file can be created and written beside a pidfile.
pub(crate) fn verify(path: &Path) -> io::Result<()> {
    let aside = TemporaryName::new(path)?;
    file::create(&aside.0)?.write_all(b"1\n")
}

/// A name beside the pidfile, since only names on one file system can be swapped. It is free before, and after.
struct TemporaryName(PathBuf);

impl TemporaryName {
    fn new(path: &Path) -> io::Result<Self> {
        let name = path.file_name().unwrap_or_default().as_bytes();
        let mut aside = OsString::from(".");
        // A name has 255 bytes at most.
        aside.push(OsStr::from_bytes(name.get(..200).unwrap_or(name)));
        aside.push(format!(".{}", std::process::id()));
        let aside = Self(path.with_file_name(aside));
        match fs::remove_file(&aside.0) {
            Err(cause) if cause.kind() != ErrorKind::NotFound => Err(cause),
            _ => Ok(aside),
        }
    }
}

impl Drop for TemporaryName {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn swap(new: &File, TemporaryName(aside): &TemporaryName, path: &Path) -> io::Result<bool> {
    match sys::file::exchange(aside, path).map_err(io::Error::from) {
        Ok(()) => {}
        Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(false),
        Err(cause) => return Err(cause),
    }
    // A daemon that locked the old file before we swapped it has found it in its place. One that locks it from here
    // on finds that it is not.
    let old = File::open(aside)?;
    if lock::stage(&old)? != StageLock::Free {
        sys::file::exchange(aside, path)?;
        return Ok(false);
    }
    Ok(matches!(file::is_at(new, path), Ok(true)))
}
