//! Loads the files of definitions. The load is a job of the blocking pool, because the files may be on a file
//! system that does not answer.

use std::{os::fd::OwnedFd, path::PathBuf};

use crate::kernel;

use super::{
    Directory,
    watch::{DirectoryChanges, Watch},
};

/// Loads a directory, and later its changes.
pub(in crate::custom) struct Loader {
    path: PathBuf,
    directory: Directory,
    watch: Watch,
    is_loaded: bool,
}

/// The result of a load.
pub(in crate::custom) struct Loaded {
    pub(in crate::custom) directory: Directory,
    /// Readable when the directory has changed.
    pub(in crate::custom) descriptor: Option<OwnedFd>,
    /// Network and FUSE mounts.
    pub(in crate::custom) mounts: Vec<PathBuf>,
}

impl Loader {
    pub(in crate::custom) fn new(path: PathBuf, taken: Vec<&'static str>) -> Self {
        Self {
            directory: Directory::new(path.clone(), taken),
            path,
            watch: Watch::default(),
            is_loaded: false,
        }
    }

    /// Loads the changed files, or all of them; `None` if nothing has changed.
    pub(in crate::custom) fn run(&mut self, all: bool) -> Option<Loaded> {
        let mut changes = self.watch.take(&self.path);
        if !self.is_loaded || all {
            changes = DirectoryChanges::All;
            self.is_loaded = true;
        }
        // The watch begins before the load, so no change is missed.
        let watched = match changes {
            DirectoryChanges::None => return None,
            DirectoryChanges::Files(_) => Ok(()),
            DirectoryChanges::All => self.watch.begin(&self.path),
        };
        self.directory.load(&changes);
        if let Err(cause) = watched {
            self.directory.fail(cause);
        }
        Some(Loaded {
            directory: self.directory.clone(),
            descriptor: self.watch.descriptor(),
            mounts: kernel::mountinfo::network_and_fuse_mounts(),
        })
    }
}
