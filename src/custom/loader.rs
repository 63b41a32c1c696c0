//! Who reads the files of definitions: a job of the blocking pool, for they may be on a file system that does
//! not answer.

use std::{path::PathBuf, sync::Arc};

use crate::kernel;

use super::{
    directory::Directory,
    shared::Shared,
    watch::{News, Watch},
};

/// Reads what is new in a directory, and publishes what is defined there.
pub(super) struct Loader {
    path: PathBuf,
    directory: Directory,
    watch: Watch,
    is_loaded: bool,
    shared: Arc<Shared>,
}

impl Loader {
    pub(super) fn new(path: PathBuf, taken: Vec<&'static str>, shared: Arc<Shared>) -> Self {
        Self {
            directory: Directory::new(path.clone(), taken),
            path,
            watch: Watch::default(),
            is_loaded: false,
            shared,
        }
    }

    /// Looks whether something is new, and reads it.
    pub(super) fn run(&mut self) {
        let mut news = self.watch.take(&self.path);
        if !self.is_loaded {
            news = News::All;
            self.is_loaded = true;
        }
        // What comes from here on is seen, and what was there before is read.
        let watched = match news {
            News::None => return,
            News::Files(_) => Ok(()),
            News::All => self.watch.begin(&self.path),
        };
        self.directory.load(&news);
        if let Err(cause) = watched {
            self.directory.fail(cause);
        }
        let descriptor = self.watch.descriptor();
        self.shared.publish(
            self.directory.clone(),
            descriptor,
            kernel::mountinfo::foreign(),
        );
    }
}
