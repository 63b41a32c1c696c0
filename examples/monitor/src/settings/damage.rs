//! A settings file that is damaged: nothing of it is lost.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// A settings file that could not be read as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The error in it.
    pub cause: String,
    /// The copy of it, if one could be made.
    pub kept: Option<PathBuf>,
}

/// Copies a damaged file to a name beside it that does not exist yet.
pub(super) fn keep_aside(path: &Path) -> Option<PathBuf> {
    (1..100).find_map(|number| {
        let kept = path.with_extension(format!("ini.broken-{number}"));
        let created = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&kept);
        let mut source = fs::File::open(path).ok()?;
        io::copy(&mut source, &mut created.ok()?).ok()?;
        Some(kept)
    })
}
