//! A settings file that is damaged: nothing of it is lost.

use std::{
    fs,
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use super::{LARGEST, regular_file};

/// A settings file that could not be read as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The error in it.
    pub cause: String,
    /// The copy of it. Without one, the file is left as it is and nothing is saved.
    pub kept: Option<PathBuf>,
}

/// Writes what a damaged file has to a name beside it that does not exist yet. A name that has the same already will do.
pub(super) fn keep_aside(path: &Path, bytes: &[u8]) -> Option<PathBuf> {
    (1..100).find_map(|number| {
        let kept = path.with_extension(format!("ini.broken-{number}"));
        match create(&kept, bytes) {
            Ok(()) => Some(kept),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                has(&kept, bytes).then_some(kept)
            }
            Err(_) => None,
        }
    })
}

/// Whether a file has these bytes.
pub(super) fn has(path: &Path, bytes: &[u8]) -> bool {
    regular_file::read(path, LARGEST).is_ok_and(|found| found == bytes)
}

/// Makes a file. What cannot be written as a whole is removed.
fn create(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(bytes)
        .and_then(|()| file.sync_all())
        .inspect_err(|_| {
            fs::remove_file(path).ok();
        })
}
