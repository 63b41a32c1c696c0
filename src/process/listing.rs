//! Lists the pids of all processes.

use std::{mem, ops::Range, os::fd::OwnedFd, path::PathBuf, time::Duration};

// nix has no getdents64(2) into a buffer of ours, and no pidfd_open(2).
use rustix::{
    fs::{Mode, OFlags, RawDir, SeekFrom, fstat, open, openat, seek},
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
    /// `/proc/loadavg`, if its last field is the last pid of this pid namespace.
    loadavg: Option<OwnedFd>,
    /// The value of that field at the last reading.
    last: u32,
    /// The time of the last listing of the directory.
    listed: LastProbe,
    /// The pids that the kernel gave just before the last reading. It gives a process its pid before it lists it.
    young: Range<u32>,
    buffer: Vec<u8>,
}

/// The meaning of the listed pids.
#[derive(Debug, PartialEq)]
pub(super) enum Listed {
    /// All processes.
    All,
    /// The pids given since the last reading: of processes, threads, and processes that have ended.
    New,
}

/// The longest time between two listings of the directory. `loadavg` does not show everything: pids wrap around, and a
/// checkpoint restore chooses the pid (`set_tid` of clone3(2)), which the kernel does not report as the last.
const MAX_AGE: Duration = Duration::from_secs(5);

/// The limit for new pids that are tried one by one. A try of an unused pid costs as much as a directory entry.
const MAX_NEW: u32 = 100;

impl Listing {
    pub(super) fn open(roots: &Roots) -> Result<Self, Error> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let directory = open(&roots.proc, flags, Mode::empty());
        let directory = directory.map_err(|cause| Error::io(&roots.proc, cause.into()))?;
        let can_tell = is_own_namespace(roots) && can_tell_threads();
        let loadavg = can_tell.then(|| {
            let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
            let loadavg = openat(&directory, "loadavg", flags, Mode::empty())?;
            // lxcfs provides another file, which it renews every five seconds.
            match fstat(&loadavg)?.st_dev == fstat(&directory)?.st_dev {
                true => Ok(loadavg),
                false => Err(Errno::NOENT),
            }
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

    /// The directory of the processes.
    pub(super) fn directory(&self) -> &OwnedFd {
        &self.directory
    }

    /// Makes the next reading list the directory.
    pub(super) fn forget(&mut self) {
        self.listed.forget();
    }

    /// Reads pids into `pids`, in ascending order. `now` is the present moment of the monotonic clock.
    pub(super) fn read(&mut self, now: Duration, pids: &mut Vec<u32>) -> Result<Listed, Error> {
        pids.clear();
        let Some(last) = self.loadavg.as_ref().and_then(last_pid) else {
            self.list(pids)?;
            return Ok(Listed::All);
        };
        let given = last.checked_sub(self.last);
        let is_little = given.is_some_and(|given| given <= MAX_NEW);
        let new = if is_little {
            after(self.last)..after(last)
        } else {
            after(last)..after(last)
        };
        let young = mem::replace(&mut self.young, new.clone());
        self.last = last;
        if !self.listed.again(now, MAX_AGE, || !is_little) {
            pids.extend(young);
            pids.extend(new);
            pids.dedup();
            return Ok(Listed::New);
        }
        self.young = last.saturating_sub(MAX_NEW).max(1)..after(last);
        let listed = self.list(pids);
        if listed.is_err() {
            self.forget();
        }
        listed.map(|()| Listed::All)
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

/// Whether pidfd_open(2) can tell a process from a thread: since Linux 5.3.
fn can_tell_threads() -> bool {
    pidfd_open(getpid(), PidfdFlags::empty()).is_ok()
}

/// The number in a name, in the form in which the kernel writes it.
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

/// The next pid. Pids are far below the maximum of 32 bits.
fn after(number: u32) -> u32 {
    number.saturating_add(1)
}

fn last_pid(loadavg: &OwnedFd) -> Option<u32> {
    let mut buffer = [0; 128];
    let length = pread(loadavg, &mut buffer, 0).ok()?;
    let line = buffer[..length].strip_suffix(b"\n")?;
    number(line.rsplit(|&byte| byte == b' ').next()?)
}
