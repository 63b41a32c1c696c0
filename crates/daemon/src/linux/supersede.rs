//! A new pidfile in the place of one that strangers have locked for reading.
//!
//! Everybody who may read a file may lock it for reading, and so keep a daemon from locking it for writing. Such a
//! file is put aside for a new one, which nobody else has open.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::lock::{self, Attempt, Seen};
use super::{pidfile, probe, sys};

/// Swaps the file at the path for a new one that is locked already. `None` if another process was quicker.
pub(crate) fn supersede(path: &Path, own_session: bool) -> io::Result<Option<File>> {
    let scratch = Scratch::create(path)?;
    let attempt = lock::take(&scratch.file, own_session)?;
    let swapped = attempt == Attempt::Taken && swap(&scratch, path)?;
    // Its name is that of the old file now, or of the new one where nothing was swapped.
    scratch.remove();
    Ok(swapped.then_some(scratch.file))
}

/// A new file beside the pidfile, since only names on one file system can be swapped.
pub(crate) struct Scratch {
    pub(crate) file: File,
    path: PathBuf,
}

impl Scratch {
    pub(crate) fn create(beside: &Path) -> io::Result<Self> {
        let mut name = OsString::from(".");
        name.push(beside.file_name().unwrap_or_default());
        name.push(format!(".{}", std::process::id()));
        let path = beside.with_file_name(name);
        match fs::remove_file(&path) {
            Err(cause) if cause.kind() != ErrorKind::NotFound => return Err(cause),
            _ => {}
        }
        let file = pidfile::create(&path)?;
        Ok(Self { file, path })
    }

    pub(crate) fn remove(&self) {
        let _ = fs::remove_file(&self.path);
    }
}

fn swap(scratch: &Scratch, path: &Path) -> io::Result<bool> {
    match sys::exchange(&scratch.path, path).map_err(io::Error::from) {
        Ok(()) => {}
        Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(false),
        Err(cause) => {
            scratch.remove();
            return Err(cause);
        }
    }
    // A daemon that locked the old file before we swapped it has found it in its place. One that locks it from here
    // on finds that it is not.
    let old = File::open(&scratch.path)?;
    if lock::stage(&old)? != Seen::Free {
        sys::exchange(&scratch.path, path)?;
        return Ok(false);
    }
    Ok(matches!(probe::is_at(&scratch.file, path), Ok(true)))
}
