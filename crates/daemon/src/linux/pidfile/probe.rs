//! Reads the state of a pidfile without taking it.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::errno::Errno;

use super::lock::{self, RecordLock, StageLock};
use super::state::{Holder, PidfileState, Proof};
use super::{file, held};
use crate::linux::error::Error;
use crate::linux::process::Process;
use crate::linux::sys::proc::{self, FileLocks};
use crate::linux::sys::wait;

/// The time for which the locks may contradict each other: at the end of a process the kernel releases them one after
/// the other.
const SETTLE_TIMEOUT: Duration = Duration::from_millis(250);

enum Observation {
    Settled(PidfileState),
    /// A daemon started or ended meanwhile, so the values that were read are of two states.
    Changing,
    /// Locked, but not by a daemon that is known to run.
    Orphaned(OrphanedLock),
}

struct OrphanedLock {
    inode: (u64, u64),
    /// The process that has the lock, if it is a record lock.
    pid: Option<i32>,
}

/// The state of the pidfile. Takes no lock.
pub(crate) fn observe(path: &Path) -> Result<PidfileState, Error> {
    let start = Instant::now();
    loop {
        let after = start.elapsed();
        let timed_out = after >= SETTLE_TIMEOUT;
        let path_buf = || path.to_path_buf();
        match observe_once(path)? {
            Observation::Settled(state) => return Ok(state),
            Observation::Orphaned(OrphanedLock { inode, pid }) if timed_out => {
                let pid = pid.or_else(|| proc::find_lock_holder(inode));
                let path = path_buf();
                return Err(Error::Orphaned { path, pid });
            }
            Observation::Changing if timed_out => {
                let path = path_buf();
                return Err(Error::StillStarting { path, after });
            }
            Observation::Orphaned(_) => wait::before_retry(),
            Observation::Changing => {}
        }
    }
}

fn observe_once(path: &Path) -> Result<Observation, Error> {
    let failed = |cause| Error::file(path, cause);
    let held_by_us = |holder| Ok(Observation::Settled(PidfileState::Held(holder)));
    if let Some(holder) = held::holder_at(path) {
        return held_by_us(holder);
    }
    let mut file = match file::open_to_read(path) {
        Ok(file) => file,
        Err(cause) if cause.kind() == ErrorKind::NotFound => {
            return Ok(Observation::Settled(PidfileState::Absent));
        }
        Err(cause) => return Err(file::open_error(path, cause)),
    };
    let found = file.metadata().map_err(failed)?;
    if let Some(holder) = held::holder_of(&found) {
        // It has just been renamed to this path. Closing it would drop this process's record lock.
        std::mem::forget(file);
        return held_by_us(holder);
    }
    file::require_regular(&found, path)?;
    let before = read_locks(&file, path)?;
    let mut text = Vec::new();
    // Limited, because the file may contain anything.
    let read = file.by_ref().take(64).read_to_end(&mut text);
    read.map_err(failed)?;
    let found = file.metadata().map_err(failed)?;
    let after = read_locks(&file, path)?;
    if before != after || !file::is_at(&file, path)? {
        return Ok(Observation::Changing);
    }
    let stage = match after.0 {
        StageLock::Free => {
            let empty = found.len() == 0;
            return Ok(Observation::Settled(PidfileState::Free { empty }));
        }
        StageLock::Foreign => {
            let (path, pid) = (path.to_path_buf(), lock::stage_lock_pid(&file));
            return Err(Error::Locked { path, pid });
        }
        StageLock::Held(stage) => stage,
    };
    let known = match after.1 {
        Some(RecordLock { pid, own_session }) if pid > 0 => {
            Some((pid, Proof::RecordLock { own_session }))
        }
        Some(_) => {
            let path = path.to_path_buf();
            return Err(Error::Elsewhere { path });
        }
        None => parse_pid(&text).map(|pid| (pid, Proof::Fdinfo)),
    };
    let inode = file::device_and_inode(&found);
    let Some((pid, proof)) = known.filter(|&(pid, proof)| is_holder(pid, proof, inode)) else {
        let pid = lock::stage_lock_pid(&file);
        return Ok(Observation::Orphaned(OrphanedLock { inode, pid }));
    };
    let owner = found.uid();
    Ok(Observation::Settled(PidfileState::Held(Holder {
        pid,
        stage,
        proof,
        owner,
    })))
}

/// Whether the process is alive and has taken the locks.
///
/// A record lock has the process id of the process that took it. A child that shares its parent's descriptor table
/// (clone(2) with CLONE_FILES) keeps the lock with the process id of a dead parent, and the kernel may have given that
/// id to another process. So where /proc shows the locks of the process, they are checked.
fn is_holder(pid: i32, proof: Proof, file: (u64, u64)) -> bool {
    let lives = match Process::open(pid) {
        Ok(process) => process.is_some_and(|process| process.is_alive()),
        // Without pidfds only /proc can show that it has ended.
        Err(_) => !proc::Stat::read(pid).is_some_and(|stat| stat.is_zombie()),
    };
    lives
        && match (proc::file_locks(pid, file), proof) {
            (FileLocks::Hidden, Proof::RecordLock { .. }) => true,
            (FileLocks::Hidden, Proof::Fdinfo) => false,
            (FileLocks::Shown { record, .. }, Proof::RecordLock { .. }) => record,
            (FileLocks::Shown { ofd, flock, .. }, Proof::Fdinfo) => ofd && flock,
        }
}

fn read_locks(file: &File, path: &Path) -> Result<(StageLock, Option<RecordLock>), Error> {
    let failed = |errno: Errno| Error::file(path, errno);
    Ok((
        lock::stage(file).map_err(failed)?,
        lock::record(file).map_err(failed)?,
    ))
}

/// The process id in the file's text.
fn parse_pid(text: &[u8]) -> Option<i32> {
    let text = std::str::from_utf8(text).ok()?.strip_suffix('\n')?;
    text.parse().ok().filter(|&pid| pid > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_positive_number_and_a_newline_are_a_process_id() {
        let check =
            |text: &str, expected| assert_eq!(parse_pid(text.as_bytes()), expected, "{text:?}");
        check("1234\n", Some(1234));
        check("1\n", Some(1));
        check("", None);
        check("1234", None);
        check("-1\n", None);
        check("0\n", None);
        check("99999999999\n", None);
        check("12 34\n", None);
        check("abc\n", None);
    }
}
