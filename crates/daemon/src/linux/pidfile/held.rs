//! The pidfiles that this process holds.

use std::fs::{self, File, Metadata, Permissions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::file::{self, MODE};
use super::lock::{self, Stage};
use super::state::{Holder, Proof};
use crate::linux::error::Error;
use crate::linux::sys::fork::at_exit;

/// The running daemon's own pidfile: locked, with its process id in it.
///
/// It is released when the service returns or calls [`std::process::exit`]. A service whose end takes long, for example
/// because it still answers requests, should [`release`](Self::release) it before, so that its successor can start.
///
/// A child that the service forks without exec(2) shares one of the locks. If it outlives the service, the next daemon
/// cannot start. The service should not open and close the file: that drops the record lock, which names the process
/// to signal.
#[derive(Clone, Debug)]
pub struct Pidfile(Arc<Mutex<Option<Held>>>);

#[derive(Debug)]
struct Held {
    path: PathBuf,
    file: File,
    /// The process that took it. A forked child has a copy of this value, and must not remove the file.
    pid: i32,
    stage: Stage,
    own_session: bool,
}

impl Pidfile {
    /// Removes the file and then releases the locks, so that the next daemon can start. A second call does
    /// nothing, and a file that has replaced the pidfile is not removed.
    ///
    /// A daemon that cannot remove the file, for example because it has changed its user, empties it instead.
    ///
    /// # Errors
    /// [`Error::File`] if the file can be neither removed nor emptied. The locks are released even so.
    pub fn release(&self) -> Result<(), Error> {
        let Some(held) = self.lock().take() else {
            return Ok(());
        };
        let Held { path, file, .. } = &held;
        // If the directory cannot be searched any more, `is_at` fails, and the file is emptied below.
        if !held.is_own() || matches!(file::is_at(file, path), Ok(false)) {
            return Ok(());
        }
        match fs::remove_file(path) {
            Err(cause) if cause.kind() != ErrorKind::NotFound => {
                file.set_len(0).map_err(|cause| Error::file(path, cause))
            }
            _ => Ok(()),
        }
    }

    /// For a daemon without a pidfile: releases nothing.
    pub(crate) fn none() -> Self {
        Self(Arc::default())
    }

    /// Marks the service as ready.
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

    fn is_own(&self) -> bool {
        self.pid == process_id()
    }
}

/// Closes a forked child's copies of its parent's pidfiles, which the child does not hold.
pub(crate) fn close_inherited() {
    for pidfile in registry().iter() {
        // Removes no file, because the process id differs.
        let _ = pidfile.release();
    }
}

/// The holder of the pidfile at this path, if it is this process. The file must not be opened then: closing it would
/// drop the record lock.
pub(super) fn holder_at(path: &Path) -> Option<Holder> {
    holder_of(&path.symlink_metadata().ok()?)
}

/// The holder of this file, if it is this process.
pub(super) fn holder_of(file: &Metadata) -> Option<Holder> {
    let all = registry().clone();
    all.iter().find_map(|pidfile| {
        let held = pidfile.lock();
        let held = held.as_ref().filter(|held| held.is_own())?;
        let found = held.file.metadata().ok()?;
        (file::device_and_inode(&found) == file::device_and_inode(file)).then_some(Holder {
            pid: held.pid,
            stage: held.stage,
            proof: Proof::RecordLock {
                own_session: held.own_session,
            },
            owner: found.uid(),
        })
    })
}

/// Writes this process's id into the locked file, and registers it.
pub(super) fn write_pid(mut file: File, path: &Path, own_session: bool) -> Result<Pidfile, Error> {
    let pid = process_id();
    let written = file
        .set_len(0)
        .and_then(|()| file.write_all(format!("{pid}\n").as_bytes()))
        // The file mode mask or an older program may have set another mode.
        .and_then(|()| file.set_permissions(Permissions::from_mode(MODE)));
    let path = path.to_path_buf();
    let mut held = Held {
        path: path.clone(),
        file,
        pid,
        stage: Stage::Locked,
        own_session,
    };
    let written = written
        .map_err(|cause| Error::file(&path, cause))
        .and_then(|()| held.advance(Stage::PidWritten));
    let pidfile = Pidfile(Arc::new(Mutex::new(Some(held))));
    if let Err(error) = written {
        // The first error is reported, not a second one.
        let _ = pidfile.release();
        return Err(error);
    }
    let mut registry = registry();
    if registry.is_empty() {
        at_exit(release_all);
    }
    registry.retain(|pidfile| pidfile.lock().is_some());
    registry.push(pidfile.clone());
    Ok(pidfile)
}

fn process_id() -> i32 {
    nix::unistd::getpid().as_raw()
}

/// The pidfiles of this process, for their release at exit(3) and for [`holder_of`].
static REGISTRY: Mutex<Vec<Pidfile>> = Mutex::new(Vec::new());

fn registry() -> MutexGuard<'static, Vec<Pidfile>> {
    REGISTRY.lock().unwrap_or_else(PoisonError::into_inner)
}

extern "C" fn release_all() {
    let all = std::mem::take(&mut *registry());
    for pidfile in all {
        // An error cannot be returned from here, and the locks end with the process.
        let _ = pidfile.release();
    }
}
