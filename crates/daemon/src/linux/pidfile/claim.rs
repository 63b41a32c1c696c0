//! Takes the pidfile.

use std::io::ErrorKind;
use std::path::Path;
use std::time::{Duration, Instant};

use super::held::{self, Pidfile};
use super::lock::{self, Attempt, Stage};
use super::replace::{self, replace_read_locked};
use super::state::{Holder, PidfileState};
use super::{file, probe};
use crate::linux::error::Error;
use crate::linux::sys::wait;

/// The outcome of an attempt to take a pidfile.
pub(crate) enum Claim {
    Taken(Pidfile),
    HeldBy(Holder),
}

/// The time to wait for the release of a conflicting lock that is not a daemon's.
const FOREIGN_LOCK_TIMEOUT: Duration = Duration::from_secs(1);

/// Takes the pidfile, or finds the daemon that holds it. Waits for a daemon that is still starting, since it may fail,
/// and then calls `waiting` once.
pub(crate) fn claim(
    path: &Path,
    timeout: Duration,
    own_session: bool,
    mut waiting: impl FnMut(),
) -> Result<Claim, Error> {
    let start = Instant::now();
    let mut waiting_reported = false;
    loop {
        if let Some(holder) = held::holder_at(path) {
            return Ok(Claim::HeldBy(holder));
        }
        let file = file::open_or_create(path)?;
        let attempt = lock::take(&file, own_session).map_err(|errno| Error::file(path, errno))?;
        let after = start.elapsed();
        let taken = match attempt {
            // The last holder may have removed the file between open and lock.
            Attempt::Taken => file::is_at(&file, path)?.then_some(file),
            Attempt::ReadLocked(pid) => {
                replace_read_locked(path, own_session).map_err(|cause| {
                    let path = path.to_path_buf();
                    Error::ReadLocked { path, pid, cause }
                })?
            }
            Attempt::Busy(_) => None,
        };
        if let Some(file) = taken {
            return held::write_pid(file, path, own_session).map(Claim::Taken);
        }
        let pid = match attempt {
            Attempt::Busy(pid) | Attempt::ReadLocked(pid) => pid,
            Attempt::Taken => None,
        };
        let path = path.to_path_buf();
        match probe::observe(&path) {
            Ok(PidfileState::Held(holder)) if holder.stage == Stage::Ready => {
                return Ok(Claim::HeldBy(holder));
            }
            Ok(PidfileState::Held(_)) if after < timeout => {}
            Ok(PidfileState::Held(_)) => return Err(Error::StillStarting { path, after }),
            // The holder has just released it; or a program that reads the file has locked it.
            Ok(PidfileState::Free { .. } | PidfileState::Absent) | Err(Error::Locked { .. })
                if after < FOREIGN_LOCK_TIMEOUT.min(timeout) => {}
            Ok(PidfileState::Free { .. } | PidfileState::Absent) => {
                return Err(Error::Locked { path, pid });
            }
            Err(error) => return Err(error),
        }
        if !waiting_reported {
            waiting_reported = true;
            waiting();
        }
        wait::before_retry();
    }
}

/// Checks without taking the file that a daemon could take it: that it is this user's, and that the disk is writable.
pub(crate) fn verify(path: &Path) -> Result<(), Error> {
    let exists = match file::open_to_write(path) {
        Ok(file) => file::require_own(&file, path).map(|()| true)?,
        Err(cause) if cause.kind() == ErrorKind::NotFound => false,
        Err(cause) => return Err(file::open_to_write_error(path, cause)),
    };
    match replace::verify(path) {
        // The directory is not writable, but the file exists.
        Err(cause) if exists && cause.kind() == ErrorKind::PermissionDenied => Ok(()),
        verified => verified.map_err(|cause| Error::file(path, cause)),
    }
}
