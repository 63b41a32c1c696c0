//! Changes of a directory, from inotify(7): the kernel queues the events until they are read, so no thread waits
//! for them. A user whose inotify watches are used up gets the changes from the times of the files, when somebody asks.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::{OsStr, OsString},
    fs, io,
    os::{
        fd::{AsFd, OwnedFd},
        unix::{ffi::OsStrExt, fs::MetadataExt},
    },
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use nix::{
    errno::Errno,
    sys::inotify::{AddWatchFlags, InitFlags, Inotify, InotifyEvent, WatchDescriptor},
};

use super::{ENTRIES, FILES};

/// The files to read again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::custom) enum DirectoryChanges {
    #[default]
    None,
    /// The files of these names, some of which may be deleted.
    Files(BTreeSet<OsString>),
    /// All files, and the directory itself.
    All,
}

/// A watch on a directory, which need not exist.
#[derive(Default)]
pub(super) struct Watch {
    /// Kept for good: others poll its descriptor.
    inotify: Option<Inotify>,
    directory: Option<WatchDescriptor>,
    /// The nearest existing directory above it, and the name in it that leads to it.
    above: Option<(WatchDescriptor, OsString)>,
    /// The device and inode number of the watched directory.
    watched: Option<(u64, u64)>,
    changes: DirectoryChanges,
    /// The state of the files at the last look, as long as the kernel does not watch them.
    unwatched: Option<FileStates>,
}

/// Events after which the watch is on another directory than the path, or on none.
const LOST: AddWatchFlags = AddWatchFlags::IN_IGNORED
    .union(AddWatchFlags::IN_UNMOUNT)
    .union(AddWatchFlags::IN_DELETE_SELF)
    .union(AddWatchFlags::IN_MOVE_SELF);

impl Watch {
    /// Watches the directory that the path leads to now, and drops pending events.
    ///
    /// # Errors
    /// The user has no inotify watch left, for example. Then [`take`](Self::take) compares the files.
    pub(super) fn begin(&mut self, path: &Path) -> io::Result<()> {
        let begun = self.watch(path);
        self.unwatched = begun.is_err().then(|| FileStates::of(path));
        begun
    }

    fn watch(&mut self, path: &Path) -> io::Result<()> {
        self.watched = identity(path);
        let inotify = match self.inotify.take() {
            Some(inotify) => inotify,
            None => Inotify::init(InitFlags::IN_NONBLOCK | InitFlags::IN_CLOEXEC)?,
        };
        let before = self.above.take().map(|(above, _)| above);
        for watch in before.into_iter().chain(self.directory.take()) {
            // The kernel has removed the watch of a deleted directory by itself.
            inotify.rm_watch(watch).ok();
        }
        let is_read = |read| !matches!(read, Err(Errno::EAGAIN));
        while is_read(inotify.read_events()) {}
        self.changes = DirectoryChanges::None;
        // The parent first, so that no change falls between the two watches.
        let parent_events = LOST.difference(AddWatchFlags::IN_IGNORED | AddWatchFlags::IN_UNMOUNT)
            | AddWatchFlags::IN_CREATE
            | AddWatchFlags::IN_MOVED_TO
            | AddWatchFlags::IN_MOVED_FROM
            | AddWatchFlags::IN_DELETE
            | AddWatchFlags::IN_ONLYDIR;
        let mut name = path.file_name();
        let mut is_watched = Ok(());
        for above in path.ancestors().skip(1) {
            match (inotify.add_watch(above, parent_events), name) {
                (Ok(watch), Some(name)) => {
                    self.above = Some((watch, name.to_owned()));
                    break;
                }
                (Err(Errno::ENOSPC), _) => is_watched = Err(Errno::ENOSPC),
                _ => {}
            }
            name = above.file_name();
        }
        // A file that is being written is complete when it is closed. A linked file gets no close event, and a
        // change of permissions can make a file readable.
        let events = parent_events | AddWatchFlags::IN_CLOSE_WRITE | AddWatchFlags::IN_ATTRIB;
        let watch = match self.watched {
            Some(_) => inotify.add_watch(path, events).map(Some),
            None => Ok(None),
        };
        self.inotify = Some(inotify);
        self.directory = watch?;
        Ok(is_watched?)
    }

    /// Collects the changes since [`begin`](Self::begin) or the last [`take`](Self::take).
    fn collect(&mut self, path: &Path) {
        // The path leads to another directory, or the watch has failed.
        if identity(path) != self.watched {
            self.changes = DirectoryChanges::All;
        }
        if let Some(unwatched) = &self.unwatched {
            // A watch may be free again. What has changed until now, its events do not tell.
            if unwatched.may_have_changed(path) || self.watch(path).is_ok() {
                self.changes = DirectoryChanges::All;
            }
        }
        while let (Some(inotify), true) = (&self.inotify, self.changes != DirectoryChanges::All) {
            match inotify.read_events() {
                Ok(events) => events.iter().for_each(|event| self.note(path, event)),
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => break,
                Err(_) => self.changes = DirectoryChanges::All,
            }
        }
    }

    /// The changes since the last call.
    pub(super) fn take(&mut self, path: &Path) -> DirectoryChanges {
        self.collect(path);
        std::mem::take(&mut self.changes)
    }

    /// A descriptor that is readable when there are events; `None` if changes have no events.
    pub(super) fn descriptor(&self) -> Option<OwnedFd> {
        let inotify = self.inotify.as_ref().filter(|_| self.unwatched.is_none())?;
        inotify.as_fd().try_clone_to_owned().ok()
    }

    fn note(&mut self, path: &Path, event: &InotifyEvent) {
        let is_of = |watch: Option<&WatchDescriptor>| watch == Some(&event.wd);
        if event.mask.contains(AddWatchFlags::IN_Q_OVERFLOW) {
            self.changes = DirectoryChanges::All;
        } else if is_of(self.above.as_ref().map(|(above, _)| above)) {
            let name = self.above.as_ref().map(|(_, name)| name);
            // An event of the parent itself has no name.
            if event.name.is_none() || event.name.as_ref() == name {
                self.changes = DirectoryChanges::All;
            }
        } else if is_of(self.directory.as_ref()) {
            self.note_file(path, event);
        }
    }

    fn note_file(&mut self, path: &Path, event: &InotifyEvent) {
        match &event.name {
            _ if event.mask.intersects(LOST) => self.changes = DirectoryChanges::All,
            // The permissions of the directory itself.
            None => self.changes = DirectoryChanges::All,
            Some(name) if !is_definitions(name) => {}
            Some(name) if is_incomplete(path, event.mask, name) => {}
            Some(name) => match &mut self.changes {
                DirectoryChanges::All => {}
                DirectoryChanges::Files(files) => drop(files.insert(name.clone())),
                DirectoryChanges::None => {
                    self.changes = DirectoryChanges::Files(BTreeSet::from([name.clone()]))
                }
            },
        }
    }
}

/// The metadata of the files of a directory, and of the directory itself under an empty name. A change of the files shows
/// in them, except one in the same step of the file system's clock as the change before.
#[derive(Debug)]
struct FileStates {
    states: BTreeMap<OsString, FileState>,
    /// Whether a file was changed just before: it may change again and keep all its metadata. Git calls this racy.
    are_racy: bool,
}

/// The longest step of the times of files: that of FAT.
const LONGEST_STEP: Duration = Duration::from_secs(2);

/// Device and inode number, size, permissions, and the times of the last changes of content and of metadata.
type FileState = (u64, u64, u64, u32, [(i64, i64); 2]);

impl FileStates {
    fn of(path: &Path) -> Self {
        let now = SystemTime::now();
        let mut are_racy = false;
        let mut state = |path: &Path| {
            let about = fs::metadata(path).ok()?;
            // Programs can set the time of the last change of the content, but not this one.
            let changed = (about.ctime(), about.ctime_nsec());
            are_racy |= is_racy(changed, now);
            let times = [(about.mtime(), about.mtime_nsec()), changed];
            Some((about.dev(), about.ino(), about.size(), about.mode(), times))
        };
        let directory = state(path).map(|state| (OsString::new(), state));
        let entries = fs::read_dir(path).into_iter().flatten().take(ENTRIES);
        let names = entries.flatten().map(|entry| entry.file_name());
        let files = names.filter(|name| is_definitions(name));
        let files = files.filter_map(|name| {
            let state = state(&path.join(&name))?;
            Some((name, state))
        });
        let states = directory.into_iter().chain(files.take(FILES)).collect();
        Self { states, are_racy }
    }

    /// Whether the files may have changed since.
    fn may_have_changed(&self, path: &Path) -> bool {
        self.are_racy || self.states != Self::of(path).states
    }
}

/// Whether a file with this time of its last change may change again at the same time.
fn is_racy((seconds, nanoseconds): (i64, i64), now: SystemTime) -> bool {
    let nanoseconds = u32::try_from(nanoseconds).unwrap_or_default();
    let changed = u64::try_from(seconds).map(|seconds| Duration::new(seconds, nanoseconds));
    let changed = changed.ok().and_then(|at| UNIX_EPOCH.checked_add(at));
    // The clock of a file server may be a little ahead. A time far in the future is from a clock that was set back.
    changed.is_some_and(|changed| match now.duration_since(changed) {
        Ok(age) => age <= LONGEST_STEP,
        Err(ahead) => ahead.duration() <= LONGEST_STEP,
    })
}

/// Whether a file was only created: a close event follows when it is written.
fn is_incomplete(path: &Path, mask: AddWatchFlags, name: &OsStr) -> bool {
    let is_linked = || {
        let file = fs::symlink_metadata(path.join(name));
        file.is_ok_and(|file| file.is_symlink() || file.nlink() > 1)
    };
    mask == AddWatchFlags::IN_CREATE && !is_linked()
}

/// Whether a file of this name has definitions. Backup and swap files of editors have other names.
pub(super) fn is_definitions(name: &OsStr) -> bool {
    let name = name.as_bytes();
    name.ends_with(b".toml") && !name.starts_with(b".")
}

fn identity(path: &Path) -> Option<(u64, u64)> {
    let directory = fs::metadata(path).ok().filter(fs::Metadata::is_dir)?;
    Some((directory.dev(), directory.ino()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_racy_within_a_step_of_its_last_change() {
        let now = UNIX_EPOCH + Duration::from_secs(1000);
        let check = |seconds, nanoseconds, expected| {
            assert_eq!(
                is_racy((seconds, nanoseconds), now),
                expected,
                "{seconds}.{nanoseconds:09}"
            );
        };
        check(1000, 0, true);
        check(998, 0, true);
        check(997, 999_999_999, false);
        check(1002, 0, true);
        check(1002, 1, false);
        check(0, 0, false);
        check(-1, 0, false);
    }
}
