//! Reads `/proc/PID/stat` of the known processes, and keeps as many of these files open as it may.

use std::{os::fd::OwnedFd, sync::Arc};

use nix::{
    sys::resource::{Resource, getrlimit},
    unistd::{SysconfVar, sysconf},
};
// nix has no pidfd_open(2). The errors of one process come from one library.
use rustix::{
    fs::{Mode, OFlags, openat},
    io::{Errno, pread},
    process::{Pid, PidfdFlags, pidfd_open},
};

use crate::process::{
    attributes::Attributes, clock_ticks::start_time, details::lossy_text, pass::Counts,
    pid_stat::PidStat,
};

/// A known process.
pub(super) struct Process {
    pub(super) pid: u32,
    /// Its stat file, if that stays open. The file never shows another process: when this one has ended, reads fail
    /// with ESRCH.
    pub(super) stat: Option<OwnedFd>,
    /// The name as of the last pass.
    pub(super) name: Arc<str>,
    pub(super) last_stat: LastStat,
    /// The counters in `last_stat`.
    pub(super) counts: Counts,
    pub(super) attributes: Attributes,
    pub(super) is_gone: bool,
    /// Whether this may be a thread: its directory was not listed. The kernel has a directory for each thread as well,
    /// but does not list it.
    pub(super) may_be_thread: bool,
}

/// The buffer for a stat, and the limits for open files.
pub(super) struct StatReader {
    buffer: Box<[u8; LONGEST]>,
    page: u64,
    /// The number of files that are open.
    pub(super) open: usize,
    /// The number that may be open now: less than the limit after the process ran out of descriptors.
    pub(super) room: usize,
    /// The number that may ever be open.
    pub(super) limit: usize,
}

/// The part of the last stat that was parsed. Most processes are idle, and comparing the text costs less than parsing
/// it again.
pub(super) struct LastStat {
    length: u8,
    bytes: [u8; LONGEST_KEPT],
}

/// The longest text that is kept. Only kernel threads with the longest names have a longer one.
const LONGEST_KEPT: usize = 160;

/// Twice the longest stat: 64 bytes of name and 51 numbers of up to 20 digits.
const LONGEST: usize = 2048;

/// The limit for open files. For each, the kernel holds a page, a dentry and an inode.
const OPEN_LIMIT: usize = 8192;

impl Process {
    pub(super) fn new(pid: u32) -> Self {
        Self {
            pid,
            stat: None,
            name: "".into(),
            last_stat: LastStat::of(b""),
            counts: Counts::default(),
            attributes: Attributes::default(),
            is_gone: false,
            may_be_thread: false,
        }
    }
}

impl StatReader {
    pub(super) fn new() -> Self {
        // The sources keep at most half of the descriptors open (`source::file`). The last quarter is for connections.
        let limit = getrlimit(Resource::RLIMIT_NOFILE).map_or(0, |(limit, _)| limit / 4);
        let limit = usize::try_from(limit).unwrap_or(usize::MAX).min(OPEN_LIMIT);
        let page = sysconf(SysconfVar::PAGE_SIZE).ok().flatten();
        Self {
            buffer: Box::new([0; LONGEST]),
            page: page.and_then(|page| page.try_into().ok()).unwrap_or(4096),
            open: 0,
            room: limit,
            limit,
        }
    }

    /// Reads the counters of a process. If its name has changed or the pid belongs to another process, updates it.
    pub(super) fn count(&mut self, proc: &OwnedFd, process: &mut Process) -> Result<Counts, Errno> {
        let length = self.fill(proc, process)?;
        let text = &self.buffer[..length];
        if process.last_stat.begins(text) {
            return Ok(process.counts);
        }
        let (stat, length) = PidStat::parse(text).ok_or(Errno::INVAL)?;
        let start_time = start_time(stat.start);
        let is_same = process.counts.start_time == start_time;
        if !is_same || process.name.as_bytes() != stat.name {
            let name = lossy_text(stat.name);
            if !is_same || process.name != name {
                process.name = name;
                process.attributes.clear();
            }
        }
        process.last_stat = LastStat::of(&text[..length]);
        process.counts = Counts {
            pid: process.pid,
            parent: stat.parent,
            start_time,
            used: stat.used,
            rss: stat.rss.and_then(|pages| pages.checked_mul(self.page)),
            threads: stat.threads,
            state: stat.state,
            nice: stat.nice,
            is_kernel_thread: stat.is_kernel_thread(),
        };
        Ok(process.counts)
    }

    /// Reads the start time of the process that has this pid now.
    pub(super) fn start_time(
        &mut self,
        proc: &OwnedFd,
        process: &mut Process,
    ) -> Result<u64, Errno> {
        let length = self.fill(proc, process)?;
        let stat = PidStat::parse(&self.buffer[..length]).ok_or(Errno::INVAL)?;
        Ok(start_time(stat.0.start))
    }

    /// Reads the stat of a process into the buffer. Returns its length.
    fn fill(&mut self, proc: &OwnedFd, process: &mut Process) -> Result<usize, Errno> {
        if let Some(stat) = &process.stat {
            match pread(stat, &mut self.buffer[..], 0) {
                // The process has ended, and perhaps another has its pid.
                Err(Errno::SRCH) => {
                    process.stat = None;
                    self.open = self.open.saturating_sub(1);
                }
                read => return read,
            }
        }
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
        let stat = openat(proc, format!("{}/stat", process.pid), flags, Mode::empty());
        if process.may_be_thread && !matches!(stat, Err(Errno::NOENT)) {
            // A thread that is not the leader of its process has no pidfd.
            let pid = i32::try_from(process.pid).ok().and_then(Pid::from_raw);
            match pidfd_open(pid.ok_or(Errno::SRCH)?, PidfdFlags::empty()) {
                Err(Errno::INVAL) => return Err(Errno::SRCH),
                held => held?,
            };
            process.may_be_thread = false;
        }
        let stat = stat?;
        let length = pread(&stat, &mut self.buffer[..], 0)?;
        if self.open < self.room {
            self.open = self.open.saturating_add(1);
            process.stat = Some(stat);
        }
        Ok(length)
    }
}

impl LastStat {
    pub(super) fn of(text: &[u8]) -> Self {
        let mut bytes = [0; LONGEST_KEPT];
        let fits = text.len() <= LONGEST_KEPT;
        let text = if fits { text } else { b"" };
        bytes[..text.len()].copy_from_slice(text);
        Self {
            length: text.len() as u8,
            bytes,
        }
    }

    /// Whether a stat begins with the kept text, so that its counters are the same.
    fn begins(&self, text: &[u8]) -> bool {
        self.length > 0 && text.starts_with(&self.bytes[..self.length.into()])
    }
}
