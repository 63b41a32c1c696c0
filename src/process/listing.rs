//! Which processes there are.

use std::{mem, ops::Range, os::fd::OwnedFd, path::PathBuf, time::Duration};

use rustix::{
    fs::{Mode, OFlags, RawDir, SeekFrom, open, openat, seek},
    io::{Errno, pread},
    process::{PidfdFlags, getpid, pidfd_open},
};

use crate::{
    process::end::is_own_namespace,
    source::{Error, Roots, last_probe::LastProbe},
};

/// The directory of the processes.
pub(super) struct Listing {
    path: PathBuf,
    directory: OwnedFd,
    /// `/proc/loadavg`, where its last field speaks of these processes: the number that was given last.
    loadavg: Option<OwnedFd>,
    /// What that field was the last time.
    last: u32,
    /// When the directory was listed.
    listed: LastProbe,
    /// The numbers that had been given just before the last time: a process is not there yet when it
    /// has got its number.
    young: Range<u32>,
    buffer: Vec<u8>,
}

/// What was found out about the processes that there are.
#[derive(Debug, PartialEq)]
pub(super) enum Found {
    /// The numbers of all.
    All,
    /// The numbers that were given since the last time: of processes, threads, and what has ended.
    New,
}

/// However little seems to have happened, the directory is listed after as long: numbers go round,
/// and who restores a process chooses its number (`set_tid` of clone3(2)), which the kernel does
/// not count as the last.
const LONGEST: Duration = Duration::from_secs(5);

/// To list a process costs as much as to look for one that is not there.
const MOST_NEW: u32 = 100;

impl Listing {
    pub(super) fn open(roots: &Roots) -> Result<Self, Error> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let directory = open(&roots.proc, flags, Mode::empty());
        let directory = directory.map_err(|cause| Error::io(&roots.proc, cause.into()))?;
        let can_tell = is_own_namespace(roots) && can_tell_threads();
        let loadavg = can_tell.then(|| {
            let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
            openat(&directory, "loadavg", flags, Mode::empty())
        });
        Ok(Self {
            path: roots.proc.clone(),
            directory,
            loadavg: loadavg.and_then(Result::ok),
            last: 0,
            listed: LastProbe::default(),
            young: 0..0,
            buffer: Vec::with_capacity(32 * 1024),
        })
    }

    /// The directory, below which the files of the processes are.
    pub(super) fn directory(&self) -> &OwnedFd {
        &self.directory
    }

    /// Has the next reading list the directory, whatever has happened.
    pub(super) fn forget(&mut self) {
        self.listed.forget();
    }

    /// Numbers of processes into `pids`, in ascending order. `now` is a moment of the monotonic clock.
    pub(super) fn read(&mut self, now: Duration, pids: &mut Vec<u32>) -> Result<Found, Error> {
        pids.clear();
        let Some(last) = self.loadavg.as_ref().and_then(last_pid) else {
            self.list(pids)?;
            return Ok(Found::All);
        };
        let given = last.checked_sub(self.last);
        let is_little = given.is_some_and(|given| given <= MOST_NEW);
        let new = if is_little {
            after(self.last)..after(last)
        } else {
            after(last)..after(last)
        };
        let young = mem::replace(&mut self.young, new.clone());
        self.last = last;
        if !self.listed.again(now, LONGEST, || !is_little) {
            pids.extend(young);
            pids.extend(new);
            pids.dedup();
            return Ok(Found::New);
        }
        self.young = last.saturating_sub(MOST_NEW).max(1)..after(last);
        let listed = self.list(pids);
        if listed.is_err() {
            self.forget();
        }
        listed.map(|()| Found::All)
    }

    fn list(&mut self, pids: &mut Vec<u32>) -> Result<(), Error> {
        let listed = self.entries(pids);
        listed.map_err(|cause| Error::io(&self.path, cause.into()))?;
        if !pids.is_sorted() {
            pids.sort_unstable();
        }
        Ok(())
    }

    fn entries(&mut self, pids: &mut Vec<u32>) -> Result<(), Errno> {
        seek(&self.directory, SeekFrom::Start(0))?;
        let mut entries = RawDir::new(&self.directory, self.buffer.spare_capacity_mut());
        while let Some(entry) = entries.next() {
            pids.extend(number(entry?.file_name().to_bytes()));
        }
        Ok(())
    }
}

/// Whether the kernel says of a number whether it is a process's: since Linux 5.3.
fn can_tell_threads() -> bool {
    pidfd_open(getpid(), PidfdFlags::empty()).is_ok()
}

/// The number that a name is, as the kernel writes it.
fn number(name: &[u8]) -> Option<u32> {
    let mut number = 0_u32;
    for byte in name {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        number = number.checked_mul(10)?.checked_add(digit.into())?;
    }
    (number > 0).then_some(number)
}

/// The number that is given after this one: no kernel gives as many.
fn after(number: u32) -> u32 {
    number.saturating_add(1)
}

fn last_pid(loadavg: &OwnedFd) -> Option<u32> {
    let mut buffer = [0; 128];
    let length = pread(loadavg, &mut buffer, 0).ok()?;
    let line = buffer[..length].strip_suffix(b"\n")?;
    number(line.rsplit(|&byte| byte == b' ').next()?)
}
