//! The locks on a pidfile. The kernel releases them when the process ends, so they show whether a daemon runs.
//!
//! Three kinds are taken on one descriptor:
//!
//! - An open file description lock on the first bytes: its holder is the daemon. Its *length* is the [`Stage`], so
//!   one F_OFD_GETLK shows whether there is a daemon and at which stage it is. A child that was forked without
//!   exec(2) shares it, and keeps it after the daemon's death.
//! - A record lock (F_SETLK) on a byte of its own names the daemon: F_GETLK gives the holder's process id, in the
//!   caller's pid namespace, to every process that may read the file. It belongs to the descriptor table of its holder:
//!   a forked child does not inherit it, and it is lost when the holder closes *any* descriptor of the file.
//! - A flock(2) shows the daemon to `flock(1)`, `lslocks` and other programs. It decides nothing, because every process
//!   that may read the file can take it.
//!
//! Where the kernel has no open file description locks, record locks on the same bytes are used instead.

use std::fs::File;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc::{self, off_t};

use crate::linux::sys;

/// The stage of the holder's start. Its number is the length of the lock in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// The file is locked, and may still contain the process id of a dead predecessor.
    Locked = 3,
    /// Its process id is in the file; the service is starting.
    PidWritten = 2,
    /// The service works.
    Ready = 1,
}

/// The lock on the first bytes, as another process sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StageLock {
    Free,
    Held(Stage),
    /// A lock for writing whose range is no [`Stage`].
    Foreign,
}

/// The record lock, as another process sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RecordLock {
    /// The holder; 0 or negative if it has no process id here, because it runs in another pid namespace or on another
    /// machine, or has died in a pid namespace that is not the first.
    pub(crate) pid: i32,
    /// Whether this library has made the session of the holder, see setsid(2).
    pub(crate) own_session: bool,
}

/// The outcome of an attempt to take the locks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Attempt {
    Taken,
    /// A lock for writing conflicts. The process that has it, if it is a record lock.
    Busy(Option<i32>),
    /// Only locks for reading conflict. Every process that may read the file can take those, and no daemon does. The
    /// process that has one, if it is a record lock.
    ReadLocked(Option<i32>),
}

/// The byte of the record lock. A daemon with a session of its own locks the next byte, too.
const RECORD_BYTE: off_t = 8;

/// Takes the locks, at [`Stage::Locked`], or none. Never waits.
pub(crate) fn take(file: &File, own_session: bool) -> Result<Attempt, Errno> {
    let attempt = take_without_record(file)?;
    if attempt != Attempt::Taken {
        return Ok(attempt);
    }
    if !set_record_lock(file, own_session)? {
        set_stage_lock(file, libc::F_UNLCK, 0, Stage::Locked as off_t)?;
        return conflicting_lock(file);
    }
    take_flock(file);
    Ok(Attempt::Taken)
}

/// Takes the first lock without the record lock, for a process that removes a stale file and must not appear as the
/// daemon.
pub(crate) fn take_without_record(file: &File) -> Result<Attempt, Errno> {
    match set_stage_lock(file, libc::F_WRLCK, 0, Stage::Locked as off_t)? {
        true => Ok(Attempt::Taken),
        false => conflicting_lock(file),
    }
}

/// Shrinks the lock to the length of a later stage. Takes the record lock again, because a service that has opened and
/// closed its own pidfile has lost it.
pub(crate) fn advance(file: &File, stage: Stage, own_session: bool) -> Result<(), Errno> {
    take_flock(file);
    set_record_lock(file, own_session)?;
    let length = stage as off_t;
    let rest = (Stage::Locked as off_t).saturating_sub(length);
    set_stage_lock(file, libc::F_UNLCK, length, rest).map(drop)
}

/// The lock on the first bytes. The file may be opened for reading only.
pub(crate) fn stage(file: &File) -> Result<StageLock, Errno> {
    // F_RDLCK, so that only locks for writing conflict. The kernel reports the whole lock that covers the first byte.
    let found = get_lock(file, libc::F_RDLCK, 0, 1)?;
    let stages = [Stage::Locked, Stage::PidWritten, Stage::Ready];
    let stage = stages
        .into_iter()
        .find(|&stage| stage as off_t == found.l_len);
    Ok(match (lock_type(&found), stage) {
        (libc::F_UNLCK, _) => StageLock::Free,
        (_, Some(stage)) if found.l_start == 0 => StageLock::Held(stage),
        _ => StageLock::Foreign,
    })
}

/// The record lock of another process. F_GETLK does not report the caller's own.
pub(crate) fn record(file: &File) -> Result<Option<RecordLock>, Errno> {
    let mut found = lock_range(libc::F_RDLCK, RECORD_BYTE, 1);
    fcntl(file, FcntlArg::F_GETLK(&mut found))?;
    let ours = lock_type(&found) != libc::F_UNLCK && found.l_start == RECORD_BYTE;
    Ok(ours.then_some(RecordLock {
        pid: found.l_pid,
        own_session: found.l_len == 2,
    }))
}

/// Finds the lock that conflicts with [`take`]. It looks for locks for writing first, since a daemon's is one; for a
/// single query the kernel reports the conflicting lock that was taken first.
fn conflicting_lock(file: &File) -> Result<Attempt, Errno> {
    let bytes = [(0, Stage::Locked as off_t), (RECORD_BYTE, 2)];
    for (asked, attempt) in [
        (libc::F_RDLCK, Attempt::Busy as fn(Option<i32>) -> Attempt),
        (libc::F_WRLCK, Attempt::ReadLocked),
    ] {
        for (start, length) in bytes {
            let found = get_lock(file, asked, start, length)?;
            if lock_type(&found) != libc::F_UNLCK {
                return Ok(attempt(lock_pid(&found)));
            }
        }
    }
    // It has just been released.
    Ok(Attempt::Busy(None))
}

/// The process that has the lock on the first byte, if that is a record lock.
pub(crate) fn stage_lock_pid(file: &File) -> Option<i32> {
    lock_pid(&get_lock(file, libc::F_RDLCK, 0, 1).ok()?)
}

fn lock_pid(found: &libc::flock) -> Option<i32> {
    Some(found.l_pid).filter(|&pid| pid > 0)
}

/// A failure is ignored, because the flock decides nothing; the next stage tries again.
fn take_flock(file: &File) {
    let _ = sys::file::try_flock(file);
}

fn set_stage_lock(file: &File, lock_type: i32, start: off_t, length: off_t) -> Result<bool, Errno> {
    let lock = lock_range(lock_type, start, length);
    match fcntl(file, FcntlArg::F_OFD_SETLK(&lock)) {
        // The kernel has no such command.
        Err(Errno::EINVAL) => is_granted(fcntl(file, FcntlArg::F_SETLK(&lock))),
        done => is_granted(done),
    }
}

fn set_record_lock(file: &File, own_session: bool) -> Result<bool, Errno> {
    let length = if own_session { 2 } else { 1 };
    let lock = lock_range(libc::F_WRLCK, RECORD_BYTE, length);
    is_granted(fcntl(file, FcntlArg::F_SETLK(&lock)))
}

fn is_granted(done: Result<i32, Errno>) -> Result<bool, Errno> {
    match done {
        Ok(_) => Ok(true),
        Err(Errno::EAGAIN | Errno::EACCES) => Ok(false),
        Err(errno) => Err(errno),
    }
}

fn get_lock(
    file: &File,
    lock_type: i32,
    start: off_t,
    length: off_t,
) -> Result<libc::flock, Errno> {
    let mut lock = lock_range(lock_type, start, length);
    match fcntl(file, FcntlArg::F_OFD_GETLK(&mut lock)) {
        Err(Errno::EINVAL) => fcntl(file, FcntlArg::F_GETLK(&mut lock)),
        done => done,
    }?;
    Ok(lock)
}

fn lock_type(lock: &libc::flock) -> i32 {
    lock.l_type.into()
}

fn lock_range(lock_type: i32, start: off_t, length: off_t) -> libc::flock {
    libc::flock {
        // In C, too, the constants are ints and the fields are shorts.
        l_type: lock_type as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: start,
        l_len: length,
        // F_OFD_SETLK requires 0.
        l_pid: 0,
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsRawFd;

    use super::*;

    /// Two open file descriptions of one file, as two processes would have them.
    fn pair() -> (File, File) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.pid");
        (File::create(&path).unwrap(), File::open(&path).unwrap())
    }

    #[test]
    fn the_length_of_the_lock_is_the_stage() {
        let (daemon, observer) = pair();
        assert_eq!(stage(&observer), Ok(StageLock::Free));
        assert_eq!(take(&daemon, false), Ok(Attempt::Taken));
        assert_eq!(stage(&observer), Ok(StageLock::Held(Stage::Locked)));
        advance(&daemon, Stage::PidWritten, false).unwrap();
        assert_eq!(stage(&observer), Ok(StageLock::Held(Stage::PidWritten)));
        advance(&daemon, Stage::Ready, false).unwrap();
        assert_eq!(stage(&observer), Ok(StageLock::Held(Stage::Ready)));
        drop(daemon);
        assert_eq!(stage(&observer), Ok(StageLock::Free));
    }

    #[test]
    fn without_a_record_lock_the_process_is_not_shown() {
        let (other, observer) = pair();
        assert_eq!(take_without_record(&other), Ok(Attempt::Taken));
        assert_eq!(stage(&observer), Ok(StageLock::Held(Stage::Locked)));
        // Open file description locks and record locks conflict, also within one process.
        let mut record = lock_range(libc::F_WRLCK, RECORD_BYTE, 2);
        fcntl(&observer, FcntlArg::F_OFD_GETLK(&mut record)).unwrap();
        assert_eq!(lock_type(&record), libc::F_UNLCK);
    }

    #[test]
    fn a_flock_of_another_process_does_not_prevent_a_start() {
        let (daemon, observer) = pair();
        sys::file::try_flock(&observer).unwrap();
        assert_eq!(take(&daemon, false), Ok(Attempt::Taken));
        assert_eq!(stage(&observer), Ok(StageLock::Held(Stage::Locked)));
    }

    #[test]
    fn a_read_lock_is_not_taken_for_a_daemon() {
        let (daemon, observer) = pair();
        assert_eq!(set_stage_lock(&observer, libc::F_RDLCK, 0, 0), Ok(true));
        assert_eq!(take(&daemon, false), Ok(Attempt::ReadLocked(None)));
        assert_eq!(stage(&observer), Ok(StageLock::Free));
    }

    #[test]
    fn a_daemon_is_found_beside_an_older_read_lock() {
        let (daemon, reader) = pair();
        // The read lock was taken first, so the kernel reports it first.
        let path = std::path::PathBuf::from(format!("/proc/self/fd/{}", daemon.as_raw_fd()));
        assert_eq!(set_stage_lock(&reader, libc::F_RDLCK, 2, 1), Ok(true));
        assert_eq!(set_stage_lock(&daemon, libc::F_WRLCK, 0, 1), Ok(true));
        let other = File::options().read(true).write(true).open(path).unwrap();
        assert_eq!(take(&other, false), Ok(Attempt::Busy(None)));
    }

    #[test]
    fn a_write_lock_of_another_length_is_foreign() {
        let (other, observer) = pair();
        assert_eq!(set_stage_lock(&other, libc::F_WRLCK, 0, 0), Ok(true));
        assert_eq!(stage(&observer), Ok(StageLock::Foreign));
        assert_eq!(take(&observer, false), Err(Errno::EBADF));
    }
}
