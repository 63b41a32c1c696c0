//! What is new in a directory, known without a thread and without a wake-up: the kernel keeps it
//! until it is asked for.

use std::{
    collections::BTreeSet,
    ffi::{OsStr, OsString},
    fs, io,
    os::unix::{ffi::OsStrExt, fs::MetadataExt},
    path::Path,
};

use nix::{
    errno::Errno,
    sys::inotify::{AddWatchFlags, InitFlags, Inotify, InotifyEvent},
};

/// What is to be read again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum News {
    #[default]
    None,
    /// The files of these names, which may have gone.
    Files(BTreeSet<OsString>),
    /// Everything.
    All,
}

/// A watch on a directory, whether it is there or not.
#[derive(Default)]
pub(super) struct Watch {
    inotify: Option<Inotify>,
    /// The device and the inode of the directory that is watched.
    watched: Option<(u64, u64)>,
    news: News,
}

/// What ends the watch, or has been lost.
const LOST: AddWatchFlags = AddWatchFlags::IN_Q_OVERFLOW
    .union(AddWatchFlags::IN_IGNORED)
    .union(AddWatchFlags::IN_UNMOUNT);

impl Watch {
    /// Watches the directory that has this path now, and forgets what was new.
    ///
    /// # Errors
    /// When the kernel has no watch left, for instance. Then only another directory is noticed.
    pub(super) fn begin(&mut self, path: &Path) -> io::Result<()> {
        self.news = News::None;
        self.inotify = None;
        self.watched = identity(path);
        if self.watched.is_none() {
            return Ok(());
        }
        // A file that is written is not complete before it is closed. One that is linked is never
        // written, and one whose permissions change may be read now.
        let events = AddWatchFlags::IN_CLOSE_WRITE
            | AddWatchFlags::IN_CREATE
            | AddWatchFlags::IN_MOVED_TO
            | AddWatchFlags::IN_MOVED_FROM
            | AddWatchFlags::IN_DELETE
            | AddWatchFlags::IN_ATTRIB
            | AddWatchFlags::IN_ONLYDIR;
        let inotify = Inotify::init(InitFlags::IN_NONBLOCK | InitFlags::IN_CLOEXEC)?;
        inotify.add_watch(path, events)?;
        self.inotify = Some(inotify);
        Ok(())
    }

    /// What is new since the watch has begun, or since it was [taken](Self::take).
    pub(super) fn look(&mut self, path: &Path) -> &News {
        // A directory that comes, goes, is replaced or reached through another link.
        if identity(path) != self.watched {
            self.news = News::All;
        }
        while let (Some(inotify), true) = (&self.inotify, self.news != News::All) {
            match inotify.read_events() {
                Ok(events) => events.iter().for_each(|event| self.note(path, event)),
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => break,
                Err(_) => self.news = News::All,
            }
        }
        &self.news
    }

    /// What is new; from now on it is not.
    pub(super) fn take(&mut self, path: &Path) -> News {
        self.look(path);
        std::mem::take(&mut self.news)
    }

    fn note(&mut self, path: &Path, event: &InotifyEvent) {
        match &event.name {
            _ if event.mask.intersects(LOST) => self.news = News::All,
            // The directory itself: its permissions.
            None => self.news = News::All,
            Some(name) if !is_definitions(name) => {}
            Some(name) if is_begun(path, event.mask, name) => {}
            Some(name) => match &mut self.news {
                News::All => {}
                News::Files(files) => drop(files.insert(name.clone())),
                News::None => self.news = News::Files(BTreeSet::from([name.clone()])),
            },
        }
    }
}

/// Whether a file has only been made, and will be closed when it is written.
fn is_begun(path: &Path, mask: AddWatchFlags, name: &OsStr) -> bool {
    let is_linked = || {
        let file = fs::symlink_metadata(path.join(name));
        file.is_ok_and(|file| file.is_symlink() || file.nlink() > 1)
    };
    mask == AddWatchFlags::IN_CREATE && !is_linked()
}

/// Whether a file of this name has definitions: what editors leave beside it has not.
pub(super) fn is_definitions(name: &OsStr) -> bool {
    let name = name.as_bytes();
    name.ends_with(b".toml") && !name.starts_with(b".")
}

fn identity(path: &Path) -> Option<(u64, u64)> {
    let directory = fs::metadata(path).ok().filter(fs::Metadata::is_dir)?;
    Some((directory.dev(), directory.ino()))
}
