//! Removes the pidfile of a daemon that was killed.

use std::fs;
use std::path::Path;

use super::lock::{self, Attempt};
use super::replace::replace_read_locked;
use super::{file, held};

/// Removes a file that no process holds, left by a daemon that was killed. Errors are ignored, since the next start
/// takes such a file over. An empty file is left: no daemon has written to it.
pub(crate) fn remove_stale(path: &Path) {
    if held::holder_at(path).is_some() {
        return;
    }
    let Ok(file) = file::open_to_write(path) else {
        return;
    };
    let empty = file.metadata().map_or(true, |found| found.len() == 0);
    if empty || file::require_own(&file, path).is_err() {
        return;
    }
    // Without the record lock, so that a concurrent stop does not signal this process.
    let taken = match lock::take_without_record(&file) {
        Ok(Attempt::Taken) => Some(file),
        Ok(Attempt::ReadLocked(_)) => replace_read_locked(path, false).ok().flatten(),
        _ => None,
    };
    if taken.is_some_and(|file| matches!(file::is_at(&file, path), Ok(true))) {
        let _ = fs::remove_file(path);
    }
}
