//! Which processes there are.

use std::{os::fd::OwnedFd, path::PathBuf, time::Duration};

use rustix::{
    fs::{Mode, OFlags, RawDir, SeekFrom, open, openat, seek},
    io::{Errno, pread},
};

use crate::{
    process::end::is_own_namespace,
    source::{Error, Roots},
};

/// The directory of the processes.
pub(super) struct Listing {
    path: PathBuf,
    directory: OwnedFd,
    /// `/proc/loadavg`, where its last field speaks of these processes: the number of the one that
    /// was begun last.
    loadavg: Option<OwnedFd>,
    /// What that field was before the last listing, and when.
    last: Option<(u32, Duration)>,
    buffer: Vec<u8>,
}

/// However little seems to have happened, the directory is looked at after as long: numbers go round,
/// and who restores a process chooses its number (`set_tid` of clone3(2)), which the kernel does
/// not count as the last.
const LONGEST: Duration = Duration::from_secs(5);

impl Listing {
    pub(super) fn open(roots: &Roots) -> Result<Self, Error> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let directory = open(&roots.proc, flags, Mode::empty());
        let directory = directory.map_err(|cause| Error::io(&roots.proc, cause.into()))?;
        let loadavg = is_own_namespace(roots).then(|| {
            let flags = OFlags::RDONLY | OFlags::CLOEXEC;
            openat(&directory, "loadavg", flags, Mode::empty())
        });
        Ok(Self {
            path: roots.proc.clone(),
            directory,
            loadavg: loadavg.and_then(Result::ok),
            last: None,
            buffer: Vec::with_capacity(32 * 1024),
        })
    }

    /// The directory, below which the files of the processes are.
    pub(super) fn directory(&self) -> &OwnedFd {
        &self.directory
    }

    /// Has the next reading look at the directory, whatever has happened.
    pub(super) fn forget(&mut self) {
        self.last = None;
    }

    /// The numbers of all processes, in ascending order, into `pids`; false if none has begun since
    /// the last time, so that those which are known are all there are. `now` is a moment of the
    /// monotonic clock.
    pub(super) fn read(&mut self, now: Duration, pids: &mut Vec<u32>) -> Result<bool, Error> {
        let last = self.loadavg.as_ref().and_then(last_pid);
        if let (Some(last), Some((before, listed))) = (last, self.last)
            && last == before
            && now.saturating_sub(listed) < LONGEST
        {
            return Ok(false);
        }
        self.last = None;
        pids.clear();
        self.list(pids)
            .map_err(|cause| Error::io(&self.path, cause.into()))?;
        if !pids.is_sorted() {
            pids.sort_unstable();
        }
        self.last = last.map(|last| (last, now));
        Ok(true)
    }

    fn list(&mut self, pids: &mut Vec<u32>) -> Result<(), Errno> {
        seek(&self.directory, SeekFrom::Start(0))?;
        let mut entries = RawDir::new(&self.directory, self.buffer.spare_capacity_mut());
        while let Some(entry) = entries.next() {
            pids.extend(number(entry?.file_name().to_bytes()));
        }
        Ok(())
    }
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

fn last_pid(loadavg: &OwnedFd) -> Option<u32> {
    let mut buffer = [0; 128];
    let length = pread(loadavg, &mut buffer, 0).ok()?;
    let line = buffer[..length].strip_suffix(b"\n")?;
    number(line.rsplit(|&byte| byte == b' ').next()?)
}
