//! Taking the pidfile.

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

/// How long a lock that is no daemon's may be in the way.
const FOREIGN_LOCK_TIMEOUT: Duration = Duration::from_secs(1);

/// Takes the pidfile, or finds the daemon that has it. One that is still starting is waited for, since it may
/// fail; `waiting` is told, once.
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
            // Between open and lock the file's last holder may have removed it.
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
            // It was released this moment; or it is locked by a program that looked into it.
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

/// Checks that a daemon could take the file, without taking it: that it is ours, and that the disk takes a number.
pub(crate) fn verify(path: &Path) -> Result<(), Error> {
    let exists = match file::open_to_write(path) {
        Ok(file) => file::require_own(&file, path).map(|()| true)?,
        Err(cause) if cause.kind() == ErrorKind::NotFound => false,
        Err(cause) => return Err(file::open_to_write_error(path, cause)),
    };
    match replace::verify(path) {
        // Nothing can be created here, and nothing needs to be.
        Err(cause) if exists && cause.kind() == ErrorKind::PermissionDenied => Ok(()),
        verified => verified.map_err(|cause| Error::file(path, cause)),
    }
}
