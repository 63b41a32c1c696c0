//! A scan of /proc: the known processes and the counters of each.

use std::{mem, os::fd::OwnedFd, time::Duration};

// As in `stat_reader`, which the errors come from.
use rustix::{
    fs::{AtFlags, statat},
    io::Errno,
};

use crate::{
    process::{
        details::fault,
        listing::{Listed, Listing},
        pass::{Counts, Unread},
        stat_reader::{Process, StatReader},
    },
    reading::Fault,
    source::{Error, Roots},
};

/// The known processes, in the order of their pids.
pub(super) struct Scan {
    roots: Roots,
    listing: Option<Listing>,
    pub(super) processes: Vec<Process>,
    pids: Vec<u32>,
    reader: StatReader,
}

impl Scan {
    pub(super) fn new(roots: &Roots) -> Self {
        Self {
            roots: roots.clone(),
            listing: None,
            processes: Vec::new(),
            pids: Vec::new(),
            reader: StatReader::new(),
        }
    }

    /// Reads the counters of every process, and counts those whose counters cannot be read. `now` is the present moment of the monotonic clock.
    pub(super) fn pass(&mut self, now: Duration) -> Result<(Vec<Counts>, Unread), Error> {
        // A shortage of descriptors may be over: the room grows again with each pass.
        let more = (self.reader.room / 8).saturating_add(1);
        self.reader.room = self.reader.room.saturating_add(more).min(self.reader.limit);
        loop {
            match self.try_pass(now) {
                Err(error) if lacks_descriptors(&error) && self.close_half() => {}
                outcome => return outcome,
            }
        }
    }

    fn try_pass(&mut self, now: Duration) -> Result<(Vec<Counts>, Unread), Error> {
        let listing = match &mut self.listing {
            Some(listing) => listing,
            closed => closed.insert(Listing::open(&self.roots)?),
        };
        match listing.read(now, &mut self.pids)? {
            Listed::All => {
                merge(&mut self.processes, &self.pids);
                self.reader.open = open_files(&self.processes);
            }
            Listed::New => add(&mut self.processes, &self.pids),
        }
        let proc = listing.directory();
        let mut all = Vec::with_capacity(self.processes.len());
        let mut unread = Unread::default();
        let mut outcome = Ok(());
        for process in &mut self.processes {
            match self.reader.count(proc, process) {
                Ok(counts) => {
                    // Another process may have the pid of one that was gone.
                    process.is_gone = false;
                    all.push(counts);
                }
                Err(cause) if matches!(cause, Errno::MFILE | Errno::NFILE) => {
                    // The pass is incomplete, so that the next one must list the directory again.
                    listing.forget();
                    outcome = Err(Error::io(&self.roots.proc, cause.into()));
                    break;
                }
                Err(cause) => {
                    process.is_gone = true;
                    unread.add(cause);
                }
            }
        }
        if unread.count > 0 {
            // They are not known to the next pass, which would count only those that are new.
            listing.forget();
        }
        if all.len() < self.processes.len() {
            self.processes.retain(|process| !process.is_gone);
            self.reader.open = open_files(&self.processes);
        }
        outcome.map(|()| (all, unread))
    }

    /// Closes half of the open files. Returns false if there was none.
    pub(super) fn close_half(&mut self) -> bool {
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

    /// The directory of the processes, for reading other files below it.
    pub(super) fn directory(&self) -> Option<&OwnedFd> {
        self.listing.as_ref().map(Listing::directory)
    }

    /// The effective user of a process: the owner of its directory. The files in the directory belong to root if the
    /// process is not dumpable (`task_dump_owner` of fs/proc/base.c).
    pub(super) fn owner(&self, index: usize) -> Result<u32, Fault> {
        let proc = self.directory().ok_or(Fault::Gone)?;
        let pid = self.processes[index].pid.to_string();
        let status = statat(proc, pid, AtFlags::SYMLINK_NOFOLLOW);
        status.map(|status| status.st_uid).map_err(fault)
    }

    /// Whether the process still exists, so that everything that was read below its pid until now belongs to it.
    pub(super) fn is_there(&mut self, index: usize) -> bool {
        let Some(listing) = &self.listing else {
            return false;
        };
        let process = &mut self.processes[index];
        if process.is_gone {
            return false;
        }
        let started = process.counts.start_time;
        match self.reader.start_time(listing.directory(), process) {
            Ok(now) => process.is_gone = now != started,
            Err(Errno::MFILE | Errno::NFILE) => return self.close_half() && self.is_there(index),
            Err(_) => process.is_gone = true,
        }
        !process.is_gone
    }
}

impl Unread {
    /// Adds a process whose stat could not be read for this reason, unless the reason is that it has ended.
    fn add(&mut self, cause: Errno) {
        let fault = match cause {
            Errno::INVAL => Fault::Malformed,
            cause => fault(cause),
        };
        if fault != Fault::Gone {
            self.count = self.count.saturating_add(1);
            self.fault = Some(fault);
        }
    }
}

/// Whether a file could not be opened because too many are open.
fn lacks_descriptors(error: &Error) -> bool {
    let Error::Io { cause, .. } = error else {
        return false;
    };
    matches!(
        Errno::from_io_error(cause),
        Some(Errno::MFILE | Errno::NFILE)
    )
}

/// Makes `processes` those with these pids. Known ones are kept.
fn merge(processes: &mut Vec<Process>, pids: &[u32]) {
    let mut known = mem::take(processes).into_iter().peekable();
    processes.reserve(pids.len());
    for &pid in pids {
        while known.next_if(|process| process.pid < pid).is_some() {}
        let process = known.next_if(|process| process.pid == pid);
        processes.push(process.unwrap_or_else(|| Process::new(pid)));
    }
}

/// Adds the new ones of these pids, which may be threads.
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
