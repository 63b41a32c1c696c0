//! The locks on a pidfile. The kernel drops them with the process, so they tell the truth about a daemon.
//!
//! Three kinds are taken on one descriptor:
//!
//! - An open file description lock on the first bytes decides who is the daemon. Its *length* is the [`Stage`], so
//!   one F_OFD_GETLK answers whether there is a daemon and how far it has come. A child that was forked without
//!   exec(2) shares it, and keeps it after the daemon's death.
//! - A record lock (F_SETLK) on a byte of its own names the daemon: F_GETLK gives the holder's process id, in the
//!   caller's pid namespace, to anybody who may read the file. It belongs to that process's table of descriptors: a
//!   forked child has none of it, and it is lost when the process closes *any* descriptor of the file.
//! - A flock(2) shows the daemon to `flock(1)`, `lslocks` and other programs. It decides nothing, because everybody
//!   who may read the file can take it.
//!
//! Where the kernel has no open file description locks, record locks on the same bytes take their place.

use std::fs::File;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc::{self, off_t};

use crate::linux::sys;

/// How far the holder of the lock is; as a number, how many bytes it has locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// It holds the file, which may still contain the number of a dead predecessor.
    Taken = 3,
    /// Its process id is in the file; the service is starting.
    Named = 2,
    /// The service works.
    Ready = 1,
}

/// The stage bytes, as an observer sees them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    Free,
    Held(Stage),
    /// Locked for writing in a way that no [`Stage`] is.
    Foreign,
}

/// The record lock, as an observer sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    /// The holder; 0 or negative if it has no number here: it lives in another pid namespace or on another
    /// machine.
    pub(crate) pid: i32,
    /// Whether the holder's session(7) was made by this library.
    pub(crate) own_session: bool,
}

/// The outcome of an attempt to take the locks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Attempt {
    Taken,
    /// A lock for writing is in the way. The process that has it, if it is a record lock.
    Busy(Option<i32>),
    /// Only locks for reading are in the way. Everybody who may read the file can take those: no daemon's. The
    /// process that has one, if it is a record lock.
    ReadLocked(Option<i32>),
}

/// The byte of the record lock. The byte behind it is locked, too, by a daemon with a session of its own.
const RECORD: off_t = 8;

/// Takes the locks, at [`Stage::Taken`], or none. Never waits.
pub(crate) fn take(file: &File, own_session: bool) -> Result<Attempt, Errno> {
    let attempt = take_unnamed(file)?;
    if attempt != Attempt::Taken {
        return Ok(attempt);
    }
    if !try_record(file, own_session)? {
        try_stages(file, libc::F_UNLCK, 0, Stage::Taken as off_t)?;
        return obstacle(file);
    }
    show(file);
    Ok(Attempt::Taken)
}

/// Keeps others from taking the locks, without a record lock: for a process that is no daemon, and must not be shown as
/// one.
pub(crate) fn take_unnamed(file: &File) -> Result<Attempt, Errno> {
    match try_stages(file, libc::F_WRLCK, 0, Stage::Taken as off_t)? {
        true => Ok(Attempt::Taken),
        false => obstacle(file),
    }
}

/// Shrinks the lock to that of a later stage. Takes the record lock once more, because a service that has opened and
/// closed its own pidfile has lost it.
pub(crate) fn advance(file: &File, stage: Stage, own_session: bool) -> Result<(), Errno> {
    show(file);
    try_record(file, own_session)?;
    let length = stage as off_t;
    let rest = (Stage::Taken as off_t).saturating_sub(length);
    try_stages(file, libc::F_UNLCK, length, rest).map(drop)
}

/// Looks at the stage without taking it: needs no more than a file opened for reading.
pub(crate) fn stage(file: &File) -> Result<Seen, Errno> {
    // Asked for reading, so that only locks for writing are shown. The answer is the whole lock that covers the
    // first byte.
    let found = ask_stages(file, libc::F_RDLCK, 0, 1)?;
    let stages = [Stage::Taken, Stage::Named, Stage::Ready];
    let stage = stages
        .into_iter()
        .find(|&stage| stage as off_t == found.l_len);
    Ok(match (kind(&found), stage) {
        (libc::F_UNLCK, _) => Seen::Free,
        (_, Some(stage)) if found.l_start == 0 => Seen::Held(stage),
        _ => Seen::Foreign,
    })
}

/// The holder of the record lock. A process does not see its own.
pub(crate) fn record(file: &File) -> Result<Option<Record>, Errno> {
    let mut found = range(libc::F_RDLCK, RECORD, 1);
    fcntl(file, FcntlArg::F_GETLK(&mut found))?;
    let ours = kind(&found) != libc::F_UNLCK && found.l_start == RECORD;
    Ok(ours.then_some(Record {
        pid: found.l_pid,
        own_session: found.l_len == 2,
    }))
}

/// Finds the lock that is in the way of [`take`]. It asks for locks for writing first, since a daemon's is one; the
/// kernel alone would show the lock that was taken first.
fn obstacle(file: &File) -> Result<Attempt, Errno> {
    let bytes = [(0, Stage::Taken as off_t), (RECORD, 2)];
    for (asked, attempt) in [
        (libc::F_RDLCK, Attempt::Busy as fn(Option<i32>) -> Attempt),
        (libc::F_WRLCK, Attempt::ReadLocked),
    ] {
        for (start, length) in bytes {
            let found = ask_stages(file, asked, start, length)?;
            if kind(&found) != libc::F_UNLCK {
                return Ok(attempt(taker(&found)));
            }
        }
    }
    // It was released this moment.
    Ok(Attempt::Busy(None))
}

/// The process that has the lock on the first byte, where that is a record lock.
pub(crate) fn stage_taker(file: &File) -> Option<i32> {
    taker(&ask_stages(file, libc::F_RDLCK, 0, 1).ok()?)
}

fn taker(found: &libc::flock) -> Option<i32> {
    Some(found.l_pid).filter(|&pid| pid > 0)
}

/// Whatever keeps us from the flock is no obstacle; the next stage tries again.
fn show(file: &File) {
    let _ = sys::file::try_flock(file);
}

fn try_stages(file: &File, kind: i32, start: off_t, length: off_t) -> Result<bool, Errno> {
    let lock = range(kind, start, length);
    match fcntl(file, FcntlArg::F_OFD_SETLK(&lock)) {
        // The kernel has no such command.
        Err(Errno::EINVAL) => granted(fcntl(file, FcntlArg::F_SETLK(&lock))),
        done => granted(done),
    }
}

fn try_record(file: &File, own_session: bool) -> Result<bool, Errno> {
    let length = if own_session { 2 } else { 1 };
    let lock = range(libc::F_WRLCK, RECORD, length);
    granted(fcntl(file, FcntlArg::F_SETLK(&lock)))
}

fn granted(done: Result<i32, Errno>) -> Result<bool, Errno> {
    match done {
        Ok(_) => Ok(true),
        Err(Errno::EAGAIN | Errno::EACCES) => Ok(false),
        Err(errno) => Err(errno),
    }
}

fn ask_stages(file: &File, kind: i32, start: off_t, length: off_t) -> Result<libc::flock, Errno> {
    let mut lock = range(kind, start, length);
    match fcntl(file, FcntlArg::F_OFD_GETLK(&mut lock)) {
        Err(Errno::EINVAL) => fcntl(file, FcntlArg::F_GETLK(&mut lock)),
        done => done,
    }?;
    Ok(lock)
}

fn kind(lock: &libc::flock) -> i32 {
    lock.l_type.into()
}

fn range(kind: i32, start: off_t, length: off_t) -> libc::flock {
    libc::flock {
        // The constants are ints and the fields are shorts, in C as well.
        l_type: kind as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: start,
        l_len: length,
        // Must be zero for open file description locks.
        l_pid: 0,
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsRawFd;

    use super::*;

    /// Two descriptions of one file, as two processes would have them.
    fn pair() -> (File, File) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.pid");
        (File::create(&path).unwrap(), File::open(&path).unwrap())
    }

    #[test]
    fn the_length_tells_the_stage() {
        let (daemon, observer) = pair();
        assert_eq!(stage(&observer), Ok(Seen::Free));
        assert_eq!(take(&daemon, false), Ok(Attempt::Taken));
        assert_eq!(stage(&observer), Ok(Seen::Held(Stage::Taken)));
        advance(&daemon, Stage::Named, false).unwrap();
        assert_eq!(stage(&observer), Ok(Seen::Held(Stage::Named)));
        advance(&daemon, Stage::Ready, false).unwrap();
        assert_eq!(stage(&observer), Ok(Seen::Held(Stage::Ready)));
        drop(daemon);
        assert_eq!(stage(&observer), Ok(Seen::Free));
    }

    #[test]
    fn a_process_that_is_no_daemon_has_no_name() {
        let (sweeper, observer) = pair();
        assert_eq!(take_unnamed(&sweeper), Ok(Attempt::Taken));
        assert_eq!(stage(&observer), Ok(Seen::Held(Stage::Taken)));
        // Open file description locks and record locks are in each other's way, also within one process.
        let mut record = range(libc::F_WRLCK, RECORD, 2);
        fcntl(&observer, FcntlArg::F_OFD_GETLK(&mut record)).unwrap();
        assert_eq!(kind(&record), libc::F_UNLCK);
    }

    #[test]
    fn somebody_elses_flock_is_no_obstacle() {
        let (daemon, observer) = pair();
        sys::file::try_flock(&observer).unwrap();
        assert_eq!(take(&daemon, false), Ok(Attempt::Taken));
        assert_eq!(stage(&observer), Ok(Seen::Held(Stage::Taken)));
    }

    #[test]
    fn a_lock_for_reading_is_told_from_a_daemon() {
        let (daemon, observer) = pair();
        assert_eq!(try_stages(&observer, libc::F_RDLCK, 0, 0), Ok(true));
        assert_eq!(take(&daemon, false), Ok(Attempt::ReadLocked(None)));
        assert_eq!(stage(&observer), Ok(Seen::Free));
    }

    #[test]
    fn a_daemon_is_seen_behind_a_lock_for_reading() {
        let (daemon, stranger) = pair();
        // It was taken first, and so it is the one that the kernel shows.
        let path = std::path::PathBuf::from(format!("/proc/self/fd/{}", daemon.as_raw_fd()));
        assert_eq!(try_stages(&stranger, libc::F_RDLCK, 2, 1), Ok(true));
        assert_eq!(try_stages(&daemon, libc::F_WRLCK, 0, 1), Ok(true));
        let other = File::options().read(true).write(true).open(path).unwrap();
        assert_eq!(take(&other, false), Ok(Attempt::Busy(None)));
    }

    #[test]
    fn a_lock_for_writing_that_is_no_daemons_is_foreign() {
        let (other, observer) = pair();
        assert_eq!(try_stages(&other, libc::F_WRLCK, 0, 0), Ok(true));
        assert_eq!(stage(&observer), Ok(Seen::Foreign));
        assert_eq!(take(&observer, false), Err(Errno::EBADF));
    }
}
