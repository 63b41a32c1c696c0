use std::fs::{File, OpenOptions, Permissions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use nix::libc;

use super::lock::{self, Stage};
use super::look::{self, Holder, Look};
use super::{Error, sys};

/// The running daemon's own pidfile: locked, with its process id in it.
///
/// It is released when the process ends: by returning from the service, or by [`std::process::exit`]. A service
/// whose end takes long, because it still answers what it was asked, should [`release`](Self::release) it
/// before, and so make room for its successor.
///
/// The lock is shared with children that the service forks without exec(2). Such a child must not outlive it.
#[derive(Clone, Debug)]
pub struct Pidfile(Arc<Mutex<Option<Held>>>);

#[derive(Debug)]
struct Held {
    path: PathBuf,
    file: File,
    /// A forked child has a copy of this value, and no right to remove its parent's file.
    owner: u32,
}

impl Pidfile {
    /// Removes the file and then gives up the lock, so that the next daemon can start. A second call does
    /// nothing, and a file that has been put in the place of ours is left alone.
    ///
    /// A daemon that has become a user without the right to remove the file empties it instead.
    ///
    /// # Errors
    /// [`Error::File`] if the file can be neither removed nor emptied. The lock is gone all the same.
    pub fn release(&self) -> Result<(), Error> {
        let Some(Held { path, file, owner }) = self.held().take() else {
            return Ok(());
        };
        // Where we may not even look, we try, and empty the file below.
        if owner != std::process::id() || matches!(look::is_at(&file, &path), Ok(false)) {
            return Ok(());
        }
        match std::fs::remove_file(&path) {
            Err(cause) if cause.kind() == ErrorKind::PermissionDenied => {
                file.set_len(0).map_err(|cause| Error::file(&path, cause))
            }
            removed => removed.map_err(|cause| Error::file(&path, cause)),
        }
    }

    /// A handle on no file, for a daemon that has none.
    pub(super) fn none() -> Self {
        Self(Arc::default())
    }

    /// Shows that the service works.
    pub(super) fn ready(&self) -> Result<(), Error> {
        match &*self.held() {
            Some(held) => lock::advance(&held.file, Stage::Ready)
                .map_err(|errno| Error::file(&held.path, errno)),
            None => Ok(()),
        }
    }

    fn held(&self) -> MutexGuard<'_, Option<Held>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What comes of trying to take a pidfile.
pub(super) enum Claim {
    Ours(Pidfile),
    Theirs(Holder),
}

/// Takes the pidfile, or finds the daemon that has it. One that is still starting is waited for, since it may
/// fail; `waiting` is told, once.
pub(super) fn claim(
    path: &Path,
    patience: Duration,
    mut waiting: impl FnMut(),
) -> Result<Claim, Error> {
    let start = Instant::now();
    let mut told = false;
    loop {
        let file = open(path, true).map_err(|cause| Error::file(path, cause))?;
        look::regular(&file, path)?;
        if lock::take(&file).map_err(|errno| Error::file(path, errno))? {
            // Between open and lock the file's last holder may have removed it.
            if look::is_at(&file, path)? {
                return sign(file, path).map(Claim::Ours);
            }
            continue;
        }
        let (path, after) = (path.to_path_buf(), start.elapsed());
        match look::look(&path) {
            Ok(Look::Held(holder)) if holder.ready => return Ok(Claim::Theirs(holder)),
            Ok(Look::Held(_) | Look::Taken) if after < patience => {}
            Ok(Look::Held(_) | Look::Taken) => return Err(Error::StillStarting { path, after }),
            // A passer-by has locked it: `flock -n`, somebody's backup. Or it was released this moment.
            Ok(Look::Free { .. } | Look::Absent) | Err(Error::Locked { .. })
                if after < PASSER_BY.min(patience) => {}
            Ok(Look::Free { .. } | Look::Absent) => return Err(Error::Locked { path }),
            Err(error) => return Err(error),
        }
        if !told {
            told = true;
            waiting();
        }
        pause();
    }
}

/// Removes a file that nobody holds, after a daemon that was killed.
pub(super) fn sweep(path: &Path) {
    if let Ok(file) = open(path, false)
        && matches!(lock::take(&file), Ok(true))
        && matches!(look::is_at(&file, path), Ok(true))
    {
        // The next start would as well do without.
        let _ = std::fs::remove_file(path);
    }
}

/// Between two looks at a lock. The kernel has no wait for a lock that ends after a given time, and waiting in
/// line would itself show as a lock.
pub(super) fn pause() {
    std::thread::sleep(Duration::from_millis(2));
}

/// How long a foreign lock may be in the way.
const PASSER_BY: Duration = Duration::from_secs(1);

/// Never O_TRUNC: the file may be somebody's.
fn open(path: &Path, create: bool) -> std::io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(create)
        .truncate(false)
        .mode(MODE)
        .custom_flags(libc::O_NOFOLLOW | libc::O_NOCTTY | libc::O_NONBLOCK)
        .open(path)
}

const MODE: u32 = 0o644;

/// Writes our number into the file we have locked.
fn sign(mut file: File, path: &Path) -> Result<Pidfile, Error> {
    let owner = std::process::id();
    let written = file
        .set_len(0)
        .and_then(|()| file.write_all(format!("{owner}\n").as_bytes()))
        .and_then(|()| tighten(&file))
        .and_then(|()| Ok(lock::advance(&file, Stage::Named)?));
    let path = path.to_path_buf();
    let pidfile = Pidfile(Arc::new(Mutex::new(Some(Held {
        path: path.clone(),
        file,
        owner,
    }))));
    if let Err(cause) = written {
        pidfile.release()?;
        return Err(Error::file(&path, cause));
    }
    if lock_last(&LAST).replace(pidfile.clone()).is_none() {
        sys::at_exit(release_last);
    }
    Ok(pidfile)
}

/// A file that an older program left behind writable for all would let all choose whom `stop` kills.
fn tighten(file: &File) -> std::io::Result<()> {
    let found = file.metadata()?;
    if found.mode() & 0o022 != 0 && found.uid() == nix::unistd::geteuid().as_raw() {
        file.set_permissions(Permissions::from_mode(MODE))?;
    }
    Ok(())
}

/// The pidfile to release when the service calls `exit`.
static LAST: Mutex<Option<Pidfile>> = Mutex::new(None);

fn lock_last(last: &Mutex<Option<Pidfile>>) -> MutexGuard<'_, Option<Pidfile>> {
    last.lock().unwrap_or_else(PoisonError::into_inner)
}

extern "C" fn release_last() {
    let last = lock_last(&LAST).take();
    if let Some(pidfile) = last {
        // There is nobody left to tell, and the lock ends with the process anyway.
        let _ = pidfile.release();
    }
}
