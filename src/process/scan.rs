//! The processes that are known, and the reading of what the kernel counts of each.

use std::{mem, os::fd::OwnedFd, sync::Arc, time::Duration};

use nix::{
    sys::resource::{Resource, getrlimit},
    unistd::{SysconfVar, sysconf},
};
use rustix::{
    fs::{AtFlags, Mode, OFlags, openat, statat},
    io::{Errno, pread},
    process::{Pid, PidfdFlags, pidfd_open},
};

use crate::{
    process::{
        details::{fault, plain},
        facts::Facts,
        listing::{Found, Listing},
        pass::Counts,
        pid_stat::PidStat,
        ticks::start_time,
    },
    reading::Fault,
    source::{Error, Roots},
};

/// The processes that are known, in the order of their numbers.
pub(super) struct Scan {
    roots: Roots,
    listing: Option<Listing>,
    pub(super) processes: Vec<Process>,
    pids: Vec<u32>,
    reader: Reader,
}

/// What reads a stat.
struct Reader {
    buffer: Box<[u8; LONGEST]>,
    page: u64,
    /// How many files stay open; how many may now, and how many ever.
    open: usize,
    room: usize,
    most: usize,
}

/// A process that is known.
pub(super) struct Process {
    pub(super) pid: u32,
    /// Its stat, if that stays open. It never shows another process: when this one has ended, it
    /// fails with ESRCH.
    stat: Option<OwnedFd>,
    /// The name as of the last pass.
    pub(super) name: Arc<str>,
    seen: Seen,
    /// What that means.
    counts: Counts,
    pub(super) facts: Facts,
    pub(super) is_gone: bool,
    /// Nobody has listed it: the kernel has a directory for each thread, too, but does not list it.
    may_be_thread: bool,
}

/// The part of a stat that counts, as it was read last. Most processes are idle, and to see that costs less
/// than to parse it again.
struct Seen {
    length: u8,
    bytes: [u8; LONGEST_SEEN],
}

/// Enough for all but the threads of the kernel with the longest names.
const LONGEST_SEEN: usize = 160;

/// Twice what there can be in a stat: 64 bytes of name and 51 numbers of up to 20 digits.
const LONGEST: usize = 2048;

/// The kernel has a page for each file that is open, and what stands for its name.
const MOST_OPEN: usize = 8192;

impl Scan {
    pub(super) fn new(roots: &Roots) -> Self {
        Self {
            roots: roots.clone(),
            listing: None,
            processes: Vec::new(),
            pids: Vec::new(),
            reader: Reader::new(),
        }
    }

    /// What the kernel counts of every process, as of now: `now` is of the monotonic clock.
    pub(super) fn pass(&mut self, now: Duration) -> Result<Vec<Counts>, Error> {
        // What was short once need not be short for ever.
        let more = (self.reader.room / 8).saturating_add(1);
        self.reader.room = self.reader.room.saturating_add(more).min(self.reader.most);
        loop {
            match self.try_pass(now) {
                Err(error) if is_starved(&error) && self.make_room() => {}
                outcome => return outcome,
            }
        }
    }

    fn try_pass(&mut self, now: Duration) -> Result<Vec<Counts>, Error> {
        let listing = match &mut self.listing {
            Some(listing) => listing,
            closed => closed.insert(Listing::open(&self.roots)?),
        };
        match listing.read(now, &mut self.pids)? {
            Found::All => {
                merge(&mut self.processes, &self.pids);
                self.reader.open = open_files(&self.processes);
            }
            Found::New => add(&mut self.processes, &self.pids),
        }
        let proc = listing.directory();
        let mut all = Vec::with_capacity(self.processes.len());
        let mut outcome = Ok(());
        for process in &mut self.processes {
            match self.reader.count(proc, process) {
                Ok(counts) => all.push(counts),
                Err(cause) if matches!(cause, Errno::MFILE | Errno::NFILE) => {
                    // Not the last word on what has been listed: it is listed again.
                    listing.forget();
                    outcome = Err(Error::io(&self.roots.proc, cause.into()));
                    break;
                }
                Err(_) => process.is_gone = true,
            }
        }
        if all.len() < self.processes.len() {
            self.processes.retain(|process| !process.is_gone);
            self.reader.open = open_files(&self.processes);
        }
        outcome.map(|()| all)
    }

    /// Has fewer files open than there were; false if there was none.
    pub(super) fn make_room(&mut self) -> bool {
        let has_file = |process: &&mut Process| process.stat.is_some();
        let kept = self.processes.iter_mut().filter(has_file).count();
        let room = kept / 2;
        for process in self.processes.iter_mut().filter(has_file).skip(room) {
            process.stat = None;
        }
        self.reader.room = room;
        self.reader.open = room;
        kept > 0
    }

    /// The directory of the processes, to read other files below it.
    pub(super) fn directory(&self) -> Option<&OwnedFd> {
        self.listing.as_ref().map(Listing::directory)
    }

    /// The user of a process: the owner of its directory is the effective user, even where the
    /// files in it belong to root because nobody may look at its memory (`task_dump_owner` of
    /// fs/proc/base.c).
    pub(super) fn owner(&self, at: usize) -> Result<u32, Fault> {
        let proc = self.directory().ok_or(Fault::Gone)?;
        let pid = self.processes[at].pid.to_string();
        let status = statat(proc, pid, AtFlags::SYMLINK_NOFOLLOW);
        status.map(|status| status.st_uid).map_err(fault)
    }

    /// Whether the process is still there, so that whatever was read below its number until now was
    /// about it.
    pub(super) fn is_there(&mut self, at: usize) -> bool {
        let Some(listing) = &self.listing else {
            return false;
        };
        let process = &mut self.processes[at];
        if process.is_gone {
            return false;
        }
        let started = process.counts.start_time;
        match self.reader.start_time(listing.directory(), process) {
            Ok(now) => process.is_gone = now != started,
            Err(Errno::MFILE | Errno::NFILE) => return self.make_room() && self.is_there(at),
            Err(_) => process.is_gone = true,
        }
        !process.is_gone
    }
}

/// Whether it could not be read because too many files are open.
fn is_starved(error: &Error) -> bool {
    let Error::Io { cause, .. } = error else {
        return false;
    };
    matches!(
        Errno::from_io_error(cause),
        Some(Errno::MFILE | Errno::NFILE)
    )
}

/// Makes the processes those of these numbers.
fn merge(processes: &mut Vec<Process>, pids: &[u32]) {
    let mut known = mem::take(processes).into_iter().peekable();
    processes.reserve(pids.len());
    for &pid in pids {
        while known.next_if(|process| process.pid < pid).is_some() {}
        let process = known.next_if(|process| process.pid == pid);
        processes.push(process.unwrap_or_else(|| Process::new(pid)));
    }
}

/// Adds those of these numbers that may be processes.
fn add(processes: &mut Vec<Process>, pids: &[u32]) {
    let known = processes.len();
    let is_known = |processes: &[Process], pid: u32| {
        let known = &processes[..known];
        known
            .binary_search_by_key(&pid, |process| process.pid)
            .is_ok()
    };
    for &pid in pids {
        if !is_known(processes, pid) {
            processes.push(Process {
                may_be_thread: true,
                ..Process::new(pid)
            });
        }
    }
    if processes.len() > known {
        processes.sort_by_key(|process| process.pid);
    }
}

fn open_files(processes: &[Process]) -> usize {
    processes
        .iter()
        .filter(|process| process.stat.is_some())
        .count()
}

impl Seen {
    fn of(text: &[u8]) -> Self {
        let mut bytes = [0; LONGEST_SEEN];
        let fits = text.len() <= LONGEST_SEEN;
        let text = if fits { text } else { b"" };
        bytes[..text.len()].copy_from_slice(text);
        Self {
            length: text.len() as u8,
            bytes,
        }
    }

    /// Whether a text begins with it.
    fn begins(&self, text: &[u8]) -> bool {
        self.length > 0 && text.starts_with(&self.bytes[..self.length.into()])
    }
}

impl Process {
    fn new(pid: u32) -> Self {
        Self {
            pid,
            stat: None,
            name: "".into(),
            seen: Seen::of(b""),
            counts: Counts::default(),
            facts: Facts::default(),
            is_gone: false,
            may_be_thread: false,
        }
    }
}

impl Reader {
    fn new() -> Self {
        // The sources keep at most half of what may be open. The rest is for connections and clients.
        let limit = getrlimit(Resource::RLIMIT_NOFILE).map_or(0, |(limit, _)| limit / 4);
        let most = usize::try_from(limit).unwrap_or(usize::MAX).min(MOST_OPEN);
        let page = sysconf(SysconfVar::PAGE_SIZE).ok().flatten();
        Self {
            buffer: Box::new([0; LONGEST]),
            page: page.and_then(|page| page.try_into().ok()).unwrap_or(4096),
            open: 0,
            room: most,
            most,
        }
    }

    /// What the kernel counts of a process, which may have got another name, or be another.
    fn count(&mut self, proc: &OwnedFd, process: &mut Process) -> Result<Counts, Errno> {
        let length = self.fill(proc, process)?;
        let text = &self.buffer[..length];
        if process.seen.begins(text) {
            return Ok(process.counts);
        }
        let (stat, length) = PidStat::parse(text).ok_or(Errno::INVAL)?;
        let start_time = start_time(stat.start).ok_or(Errno::INVAL)?;
        let rss = stat.rss.checked_mul(self.page).ok_or(Errno::INVAL)?;
        let is_same = process.counts.start_time == start_time;
        if !is_same || process.name.as_bytes() != stat.name {
            let name = plain(stat.name);
            if !is_same || process.name != name {
                process.name = name;
                process.facts.clear();
            }
        }
        process.seen = Seen::of(&text[..length]);
        process.counts = Counts {
            pid: process.pid,
            parent: stat.parent,
            start_time,
            used: stat.used,
            rss,
            threads: stat.threads,
            state: stat.state,
            nice: stat.nice,
            is_kernel_thread: stat.is_kernel_thread(),
        };
        Ok(process.counts)
    }

    /// When the process of this number started.
    fn start_time(&mut self, proc: &OwnedFd, process: &mut Process) -> Result<u64, Errno> {
        let length = self.fill(proc, process)?;
        let stat = PidStat::parse(&self.buffer[..length]).ok_or(Errno::INVAL)?;
        start_time(stat.0.start).ok_or(Errno::INVAL)
    }

    /// Reads the stat of a process into the buffer; its length.
    fn fill(&mut self, proc: &OwnedFd, process: &mut Process) -> Result<usize, Errno> {
        if let Some(stat) = &process.stat {
            match pread(stat, &mut self.buffer[..], 0) {
                // It has ended, and perhaps another has its number.
                Err(Errno::SRCH) => {
                    process.stat = None;
                    self.open = self.open.saturating_sub(1);
                }
                read => return read,
            }
        }
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
        let stat = openat(proc, format!("{}/stat", process.pid), flags, Mode::empty())?;
        if process.may_be_thread {
            // Of a thread that is no process there is no such descriptor.
            let pid = i32::try_from(process.pid).ok().and_then(Pid::from_raw);
            pidfd_open(pid.ok_or(Errno::SRCH)?, PidfdFlags::empty())?;
            process.may_be_thread = false;
        }
        let length = pread(&stat, &mut self.buffer[..], 0)?;
        if self.open < self.room {
            self.open = self.open.saturating_add(1);
            process.stat = Some(stat);
        }
        Ok(length)
    }
}
