use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use nix::unistd::geteuid;

use super::lock::{self, Attempt, Stage};
use super::probe::{self, Holder, Proof, State};
use super::supersede::{self, supersede};
use super::{Error, sys};

/// The running daemon's own pidfile: locked, with its process id in it.
///
/// It is released when the process ends: by returning from the service, or by [`std::process::exit`]. A service
/// whose end takes long, because it still answers what it was asked, should [`release`](Self::release) it
/// before, and so make room for its successor.
///
/// A child that the service forks without exec(2) shares one of the locks. It must not outlive the service, or it
/// keeps the next daemon from starting. The service should not open and close the file itself either: that drops
/// the lock which shows the process to signal.
#[derive(Clone, Debug)]
pub struct Pidfile(Arc<Mutex<Option<Held>>>);

#[derive(Debug)]
struct Held {
    path: PathBuf,
    file: File,
    /// The process that took it. A forked child has a copy of this value, and no right to remove the file.
    pid: i32,
    stage: Stage,
    own_session: bool,
}

impl Pidfile {
    /// Removes the file and then gives up the locks, so that the next daemon can start. A second call does
    /// nothing, and a file that has been put in the place of ours is left alone.
    ///
    /// A daemon that cannot remove the file, for example because it has become another user, empties it instead.
    ///
    /// # Errors
    /// [`Error::File`] if the file can be neither removed nor emptied. The locks are gone all the same.
    pub fn release(&self) -> Result<(), Error> {
        let Some(held) = self.lock().take() else {
            return Ok(());
        };
        let Held { path, file, .. } = &held;
        // Where the directory cannot be searched any more, the file is emptied below.
        if !held.is_ours() || matches!(probe::is_at(file, path), Ok(false)) {
            return Ok(());
        }
        match fs::remove_file(path) {
            Err(cause) if cause.kind() != ErrorKind::NotFound => {
                file.set_len(0).map_err(|cause| Error::file(path, cause))
            }
            _ => Ok(()),
        }
    }

    /// A handle on no file, for a daemon that has none.
    pub(crate) fn none() -> Self {
        Self(Arc::default())
    }

    /// Shows that the service works.
    pub(crate) fn ready(&self) -> Result<(), Error> {
        match &mut *self.lock() {
            Some(held) => held.advance(Stage::Ready),
            None => Ok(()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Held>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    fn advance(&mut self, stage: Stage) -> Result<(), Error> {
        lock::advance(&self.file, stage, self.own_session)
            .map_err(|errno| Error::file(&self.path, errno))?;
        self.stage = stage;
        Ok(())
    }

    fn is_ours(&self) -> bool {
        self.pid == process_id()
    }
}

/// The outcome of an attempt to take a pidfile.
pub(crate) enum Claim {
    Ours(Pidfile),
    Theirs(Holder),
}

/// How long a lock that is no daemon's may be in the way.
const FOREIGN_LOCK: Duration = Duration::from_secs(1);

/// Takes the pidfile, or finds the daemon that has it. One that is still starting is waited for, since it may
/// fail; `waiting` is told, once.
pub(crate) fn claim(
    path: &Path,
    timeout: Duration,
    own_session: bool,
    mut waiting: impl FnMut(),
) -> Result<Claim, Error> {
    let start = Instant::now();
    let mut told = false;
    loop {
        if let Some(holder) = probe::held_by_this_process(path) {
            return Ok(Claim::Theirs(holder));
        }
        let file = open_or_create(path)?;
        let attempt = lock::take(&file, own_session).map_err(|errno| Error::file(path, errno))?;
        let after = start.elapsed();
        let taken = match attempt {
            // Between open and lock the file's last holder may have removed it.
            Attempt::Taken => probe::is_at(&file, path)?.then_some(file),
            Attempt::ReadLocked(pid) => supersede(path, own_session).map_err(|cause| {
                let path = path.to_path_buf();
                Error::ReadLocked { path, pid, cause }
            })?,
            Attempt::Busy(_) => None,
        };
        if let Some(file) = taken {
            return sign(file, path, own_session).map(Claim::Ours);
        }
        let pid = match attempt {
            Attempt::Busy(pid) | Attempt::ReadLocked(pid) => pid,
            Attempt::Taken => None,
        };
        let path = path.to_path_buf();
        match probe::observe(&path) {
            Ok(State::Held(holder)) if holder.stage == Stage::Ready => {
                return Ok(Claim::Theirs(holder));
            }
            Ok(State::Held(_)) if after < timeout => {}
            Ok(State::Held(_)) => return Err(Error::StillStarting { path, after }),
            // It was released this moment; or it is locked by a program that looked into it.
            Ok(State::Free { .. } | State::Absent) | Err(Error::Locked { .. })
                if after < FOREIGN_LOCK.min(timeout) => {}
            Ok(State::Free { .. } | State::Absent) => return Err(Error::Locked { path, pid }),
            Err(error) => return Err(error),
        }
        if !told {
            told = true;
            waiting();
        }
        sys::wait::pause();
    }
}

/// Removes a file that nobody holds, left by a daemon that was killed. Errors are ignored, since the next start takes
/// such a file over. An empty one is left: no daemon has written to it.
pub(crate) fn sweep(path: &Path) {
    if probe::held_by_this_process(path).is_some() {
        return;
    }
    let Ok(file) = open(path) else {
        return;
    };
    let empty = file.metadata().map_or(true, |found| found.len() == 0);
    if empty || require_ours(&file, path).is_err() {
        return;
    }
    // A stop at this moment must not take us for the daemon.
    let taken = match lock::take_unnamed(&file) {
        Ok(Attempt::Taken) => Some(file),
        Ok(Attempt::ReadLocked(_)) => supersede(path, false).ok().flatten(),
        _ => None,
    };
    if taken.is_some_and(|file| matches!(probe::is_at(&file, path), Ok(true))) {
        let _ = fs::remove_file(path);
    }
}

/// Checks that a daemon could take the file, without taking it: that it is ours, and that the disk takes a number.
pub(crate) fn verify(path: &Path) -> Result<(), Error> {
    let exists = match open(path) {
        Ok(file) => require_ours(&file, path).map(|()| true)?,
        Err(cause) if cause.kind() == ErrorKind::NotFound => false,
        Err(cause) => return Err(not_opened(path, cause)),
    };
    match supersede::verify(path) {
        // Nothing can be created here, and nothing needs to be.
        Err(cause) if exists && cause.kind() == ErrorKind::PermissionDenied => Ok(()),
        verified => verified.map_err(|cause| Error::file(path, cause)),
    }
}

/// Closes in a child what it has of its parent's pidfiles: it is not the daemon that has them.
pub(crate) fn close_inherited() {
    for pidfile in registry().iter() {
        // It removes nothing, since the process is another one.
        let _ = pidfile.release();
    }
}

/// The holder, if the file is the pidfile of this very process.
pub(crate) fn held(file: &Metadata) -> Option<Holder> {
    let all = registry().clone();
    all.iter().find_map(|pidfile| {
        let held = pidfile.lock();
        let held = held.as_ref().filter(|held| held.is_ours())?;
        let found = held.file.metadata().ok()?;
        (probe::identity(&found) == probe::identity(file)).then_some(Holder {
            pid: held.pid,
            stage: held.stage,
            proof: Proof::Record {
                own_session: held.own_session,
            },
            owner: found.uid(),
        })
    })
}

pub(crate) const MODE: u32 = 0o644;

/// Opens the file, or creates it. Not by O_CREAT alone, which the kernel refuses on another user's file in a sticky
/// directory (`fs.protected_regular`) before we can say whose it is.
fn open_or_create(path: &Path) -> Result<File, Error> {
    loop {
        match open(path) {
            Ok(file) => return require_ours(&file, path).map(|()| file),
            Err(cause) if cause.kind() == ErrorKind::NotFound => {}
            Err(cause) => return Err(not_opened(path, cause)),
        }
        match create(path) {
            Err(cause) if cause.kind() == ErrorKind::AlreadyExists => {}
            created => return created.map_err(|cause| Error::file(path, cause)),
        }
    }
}

fn not_opened(path: &Path, cause: io::Error) -> Error {
    let found = path.symlink_metadata();
    let user = found.map(|found| found.uid()).unwrap_or(geteuid().as_raw());
    if cause.kind() == ErrorKind::PermissionDenied && user != geteuid().as_raw() {
        let path = path.to_path_buf();
        return Error::NotOwned { path, user };
    }
    probe::not_opened(path, cause)
}

/// Never O_TRUNC: the file may be somebody's.
fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(probe::OPEN_FLAGS)
        .open(path)
}

pub(crate) fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .mode(MODE)
        .custom_flags(probe::OPEN_FLAGS)
        .open(path)
}

/// Refuses what cannot be our pidfile. Another user could write any number into a file of his, and truncate ours by
/// a hard link.
fn require_ours(file: &File, path: &Path) -> Result<(), Error> {
    let found = file.metadata().map_err(|cause| Error::file(path, cause))?;
    probe::require_plain(&found, path)?;
    if found.uid() == geteuid().as_raw() {
        return Ok(());
    }
    let (path, user) = (path.to_path_buf(), found.uid());
    Err(Error::NotOwned { path, user })
}

/// Writes our number into the file we have locked.
fn sign(mut file: File, path: &Path, own_session: bool) -> Result<Pidfile, Error> {
    let pid = process_id();
    let written = file
        .set_len(0)
        .and_then(|()| file.write_all(format!("{pid}\n").as_bytes()))
        // Whatever the file mode mask is, and whatever an older program made of the file.
        .and_then(|()| file.set_permissions(Permissions::from_mode(MODE)));
    let path = path.to_path_buf();
    let mut held = Held {
        path: path.clone(),
        file,
        pid,
        stage: Stage::Taken,
        own_session,
    };
    let written = written
        .map_err(|cause| Error::file(&path, cause))
        .and_then(|()| held.advance(Stage::Named));
    let pidfile = Pidfile(Arc::new(Mutex::new(Some(held))));
    if let Err(error) = written {
        // The first error is worth more than a second one.
        let _ = pidfile.release();
        return Err(error);
    }
    let mut registry = registry();
    if registry.is_empty() {
        sys::fork::at_exit(release_all);
    }
    registry.retain(|pidfile| pidfile.lock().is_some());
    registry.push(pidfile.clone());
    Ok(pidfile)
}

fn process_id() -> i32 {
    nix::unistd::getpid().as_raw()
}

/// The pidfiles of this process: to release them when the service calls `exit`, and to know them by sight.
static REGISTRY: Mutex<Vec<Pidfile>> = Mutex::new(Vec::new());

fn registry() -> MutexGuard<'static, Vec<Pidfile>> {
    REGISTRY.lock().unwrap_or_else(PoisonError::into_inner)
}

extern "C" fn release_all() {
    let all = std::mem::take(&mut *registry());
    for pidfile in all {
        // There is nobody left to tell, and the locks end with the process anyway.
        let _ = pidfile.release();
    }
}
