//! Who reads the files of definitions: a job of the blocking pool, for they may be on a file system that does
//! not answer.

use std::{os::fd::OwnedFd, path::PathBuf};

use crate::kernel;

use super::{
    Directory,
    watch::{News, Watch},
};

/// Reads what is new in a directory.
pub(in crate::custom) struct Loader {
    path: PathBuf,
    directory: Directory,
    watch: Watch,
    is_loaded: bool,
}

/// What a directory defines now.
pub(in crate::custom) struct Loaded {
    pub(in crate::custom) directory: Directory,
    /// Can be read when there is something to look at in the directory.
    pub(in crate::custom) descriptor: Option<OwnedFd>,
    /// The mounts of servers and programs.
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

    /// Looks whether something is new, and reads it.
    pub(in crate::custom) fn run(&mut self) -> Option<Loaded> {
        let mut news = self.watch.take(&self.path);
        if !self.is_loaded {
            news = News::All;
            self.is_loaded = true;
        }
        // What comes from here on is seen, and what was there before is read.
        let watched = match news {
            News::None => return None,
            News::Files(_) => Ok(()),
            News::All => self.watch.begin(&self.path),
        };
        self.directory.load(&news);
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
