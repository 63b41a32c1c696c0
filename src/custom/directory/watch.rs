//! What is new in a directory, known without a thread: the kernel keeps it until it is asked for, and wakes
//! who waits for it.

use std::{
    collections::BTreeSet,
    ffi::{OsStr, OsString},
    fs, io,
    os::{
        fd::{AsFd, OwnedFd},
        unix::{ffi::OsStrExt, fs::MetadataExt},
    },
    path::Path,
};

use nix::{
    errno::Errno,
    sys::inotify::{AddWatchFlags, InitFlags, Inotify, InotifyEvent, WatchDescriptor},
};

/// What is to be read again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::custom) enum News {
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
    /// The same one for good: others wait for it.
    inotify: Option<Inotify>,
    directory: Option<WatchDescriptor>,
    /// The nearest directory above it that is there, and the name in it that leads to it.
    above: Option<(WatchDescriptor, OsString)>,
    /// The device and the inode of the directory that is watched.
    watched: Option<(u64, u64)>,
    news: News,
}

/// What ends a watch, or leads it astray: what is watched is elsewhere now.
const LOST: AddWatchFlags = AddWatchFlags::IN_IGNORED
    .union(AddWatchFlags::IN_UNMOUNT)
    .union(AddWatchFlags::IN_DELETE_SELF)
    .union(AddWatchFlags::IN_MOVE_SELF);

impl Watch {
    /// Watches the directory that has this path now, and forgets what was new.
    ///
    /// # Errors
    /// When the kernel has no watch left, for instance. Then only another directory is noticed.
    pub(super) fn begin(&mut self, path: &Path) -> io::Result<()> {
        let inotify = match self.inotify.take() {
            Some(inotify) => inotify,
            None => Inotify::init(InitFlags::IN_NONBLOCK | InitFlags::IN_CLOEXEC)?,
        };
        let before = self.above.take().map(|(above, _)| above);
        for watch in before.into_iter().chain(self.directory.take()) {
            // What has gone is not watched any more.
            inotify.rm_watch(watch).ok();
        }
        let is_read = |read| !matches!(read, Err(Errno::EAGAIN));
        while is_read(inotify.read_events()) {}
        self.news = News::None;
        // From above, so that nothing comes between.
        let comings = LOST.difference(AddWatchFlags::IN_IGNORED | AddWatchFlags::IN_UNMOUNT)
            | AddWatchFlags::IN_CREATE
            | AddWatchFlags::IN_MOVED_TO
            | AddWatchFlags::IN_MOVED_FROM
            | AddWatchFlags::IN_DELETE
            | AddWatchFlags::IN_ONLYDIR;
        let mut name = path.file_name();
        for above in path.ancestors().skip(1) {
            let watch = inotify.add_watch(above, comings);
            if let (Ok(watch), Some(name)) = (watch, name) {
                self.above = Some((watch, name.to_owned()));
                break;
            }
            name = above.file_name();
        }
        self.watched = identity(path);
        // A file that is written is not complete before it is closed. One that is linked is never
        // written, and one whose permissions change may be read now.
        let events = comings | AddWatchFlags::IN_CLOSE_WRITE | AddWatchFlags::IN_ATTRIB;
        let watch = match self.watched {
            Some(_) => inotify.add_watch(path, events).map(Some),
            None => Ok(None),
        };
        self.inotify = Some(inotify);
        self.directory = watch?;
        Ok(())
    }

    /// Looks what is new since the watch has begun, or since it was [taken](Self::take).
    fn look(&mut self, path: &Path) {
        // A directory that is reached through another link, or whose watch has failed.
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
    }

    /// What is new; from now on it is not.
    pub(super) fn take(&mut self, path: &Path) -> News {
        self.look(path);
        std::mem::take(&mut self.news)
    }

    /// A descriptor that can be read when there is something to look at.
    pub(super) fn descriptor(&self) -> Option<OwnedFd> {
        let inotify = self.inotify.as_ref()?;
        inotify.as_fd().try_clone_to_owned().ok()
    }

    fn note(&mut self, path: &Path, event: &InotifyEvent) {
        let is_of = |watch: Option<&WatchDescriptor>| watch == Some(&event.wd);
        if event.mask.contains(AddWatchFlags::IN_Q_OVERFLOW) {
            self.news = News::All;
        } else if is_of(self.above.as_ref().map(|(above, _)| above)) {
            let name = self.above.as_ref().map(|(_, name)| name);
            // Its own beginning and end have no name.
            if event.name.is_none() || event.name.as_ref() == name {
                self.news = News::All;
            }
        } else if is_of(self.directory.as_ref()) {
            self.note_file(path, event);
        }
    }

    fn note_file(&mut self, path: &Path, event: &InotifyEvent) {
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
