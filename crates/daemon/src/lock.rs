//! The locks on a pidfile. A lock is the truth about a daemon, since the kernel takes it away with the process.
//!
//! Two kinds are taken on one descriptor. The flock(2) is for `flock(1)`, `lslocks` and other daemons. The open
//! file description lock is for us: F_OFD_GETLK shows it without taking it, and its *length* tells how far the
//! daemon is, so that one question answers both "is there one" and "may the number in the file be believed".

use std::fs::File;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;
use rustix::fs::FlockOperation;

/// How far the holder of the lock is; as a number, how many bytes it has locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// It holds the file, which may still contain the number of a dead predecessor.
    Taken = 3,
    /// Its process id is in the file; the service is starting.
    Named = 2,
    /// The service works.
    Ready = 1,
}

/// What is seen from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    Free,
    Held(Stage),
    /// Locked in a way that no [`Stage`] is.
    Foreign,
}

/// Takes both locks, at [`Stage::Taken`], or none. Never waits.
pub(super) fn take(file: &File) -> Result<bool, Errno> {
    match set(file, libc::F_WRLCK, 0, Stage::Taken as i64) {
        Err(Errno::EAGAIN | Errno::EACCES) => return Ok(false),
        done => done?,
    }
    match rustix::fs::flock(file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(true),
        Err(rustix::io::Errno::WOULDBLOCK) => {
            set(file, libc::F_UNLCK, 0, Stage::Taken as i64)?;
            Ok(false)
        }
        Err(cause) => Err(Errno::from_raw(cause.raw_os_error())),
    }
}

/// Shrinks the lock to that of a later stage.
pub(super) fn advance(file: &File, stage: Stage) -> Result<(), Errno> {
    let length = stage as i64;
    set(file, libc::F_UNLCK, length, Stage::Taken as i64 - length)
}

/// Looks without taking: needs no more than a file opened for reading.
pub(super) fn probe(file: &File) -> Result<Seen, Errno> {
    // The answer is the whole lock that covers the first byte. Asked for writing, a lock for reading would be
    // in the way as well; but such a one can be had by everybody who may read the file, and is no daemon's.
    let mut lock = lock(libc::F_WRLCK, 0, 1);
    fcntl(file, FcntlArg::F_OFD_GETLK(&mut lock))?;
    let stages = [Stage::Taken, Stage::Named, Stage::Ready];
    let stage = stages.into_iter().find(|&stage| stage as i64 == lock.l_len);
    Ok(match (i32::from(lock.l_type), stage) {
        (libc::F_UNLCK, _) => Seen::Free,
        (libc::F_WRLCK, Some(stage)) if lock.l_start == 0 => Seen::Held(stage),
        _ => Seen::Foreign,
    })
}

fn set(file: &File, kind: i32, start: i64, length: i64) -> Result<(), Errno> {
    fcntl(file, FcntlArg::F_OFD_SETLK(&lock(kind, start, length))).map(drop)
}

fn lock(kind: i32, start: i64, length: i64) -> libc::flock {
    libc::flock {
        // The constants are ints and the field is a short, in C as well.
        l_type: kind as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: start,
        l_len: length,
        // Must be zero for this kind of lock.
        l_pid: 0,
    }
}

#[cfg(test)]
mod tests {
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
        assert_eq!(probe(&observer), Ok(Seen::Free));
        assert_eq!(take(&daemon), Ok(true));
        assert_eq!(probe(&observer), Ok(Seen::Held(Stage::Taken)));
        advance(&daemon, Stage::Named).unwrap();
        assert_eq!(probe(&observer), Ok(Seen::Held(Stage::Named)));
        advance(&daemon, Stage::Ready).unwrap();
        assert_eq!(probe(&observer), Ok(Seen::Held(Stage::Ready)));
        drop(daemon);
        assert_eq!(probe(&observer), Ok(Seen::Free));
    }

    #[test]
    fn both_locks_or_none() {
        let (daemon, observer) = pair();
        rustix::fs::flock(&observer, FlockOperation::LockExclusive).unwrap();
        assert_eq!(take(&daemon), Ok(false));
        assert_eq!(probe(&observer), Ok(Seen::Free));
    }

    #[test]
    fn the_lock_of_somebody_else_is_foreign() {
        let (other, observer) = pair();
        set(&other, libc::F_WRLCK, 0, 0).unwrap();
        assert_eq!(probe(&observer), Ok(Seen::Foreign));
    }
}
