//! Replaces a pidfile that another process has locked for reading.
//!
//! Every process that may read a file can lock it for reading, and so prevent a daemon from locking it for writing.
//! Such a file is exchanged for a new one, which no other process has open.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::file;
use super::lock::{self, Attempt, StageLock};
use crate::linux::sys;

/// Exchanges the file at the path for a new, locked one. `None` if another process was faster.
pub(crate) fn replace_read_locked(path: &Path, own_session: bool) -> io::Result<Option<File>> {
    // Its drop removes the old file after the exchange, or the new file if there was none.
    let temporary = TemporaryName::new(path)?;
    let new = file::create(&temporary.0)?;
    let attempt = lock::take(&new, own_session)?;
    let swapped = attempt == Attempt::Taken && swap(&new, &temporary, path)?;
    Ok(swapped.then_some(new))
}

/// Checks that a file can be created and written beside a pidfile.
pub(crate) fn verify(path: &Path) -> io::Result<()> {
    let temporary = TemporaryName::new(path)?;
    file::create(&temporary.0)?.write_all(b"1\n")
}

/// A name in the directory of the pidfile, since renameat2(2) works within one file system only. `new` and `drop`
/// remove the file of this name.
struct TemporaryName(PathBuf);

impl TemporaryName {
    fn new(path: &Path) -> io::Result<Self> {
        let name = path.file_name().unwrap_or_default().as_bytes();
        let mut temporary = OsString::from(".");
        // A file name has 255 bytes at most.
        temporary.push(OsStr::from_bytes(name.get(..200).unwrap_or(name)));
        temporary.push(format!(".{}", std::process::id()));
        let temporary = Self(path.with_file_name(temporary));
        match fs::remove_file(&temporary.0) {
            Err(cause) if cause.kind() != ErrorKind::NotFound => Err(cause),
            _ => Ok(temporary),
        }
    }
}

impl Drop for TemporaryName {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn swap(new: &File, TemporaryName(temporary): &TemporaryName, path: &Path) -> io::Result<bool> {
    match sys::file::exchange(temporary, path).map_err(io::Error::from) {
        Ok(()) => {}
        Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(false),
        Err(cause) => return Err(cause),
    }
    // A daemon that locked the old file before the exchange has found it at the path, so the exchange is undone. A
    // daemon that locks it from here on finds that it is not at the path any more.
    let old = File::open(temporary)?;
    if lock::stage(&old)? != StageLock::Free {
        sys::file::exchange(temporary, path)?;
        return Ok(false);
    }
    Ok(matches!(file::is_at(new, path), Ok(true)))
}
