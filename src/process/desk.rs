//! What is known of the processes of the last pass, beyond what it counts: read when it is asked for.

use std::{collections::HashMap, sync::Arc, time::Duration};

use nix::time::ClockId;

use crate::{
    process::{
        Field, Pass,
        details::{self, Answer, Details, Files, Request},
        lane::Lane,
        scan::Scan,
    },
    reading::{Fault, Stamp, clock},
    source::{Error, Roots, pool::Pool},
};

/// What is known of the processes of the last pass.
pub(super) struct Desk {
    pub(super) scan: Scan,
    pool: Pool,
    lane: Option<Lane<Request, Answer>>,
    /// How long a reading may take that may block.
    pub(super) patience: Duration,
    /// By pid, of the last pass.
    pss: HashMap<u32, Result<u64, Fault>>,
    swap: HashMap<u32, Result<u64, Fault>>,
    /// The names of the users, and when they were looked up.
    users: HashMap<u32, (Duration, Arc<str>)>,
}

/// What is healthy answers in microseconds, but for processes with very much memory.
const PATIENCE: Duration = Duration::from_millis(100);

/// How long a user's name is remembered.
const KEEP_USERS: Duration = Duration::from_secs(60);

impl Desk {
    pub(super) fn new(roots: &Roots, pool: &Pool) -> Self {
        Self {
            scan: Scan::new(roots),
            pool: pool.clone(),
            lane: None,
            patience: PATIENCE,
            pss: HashMap::new(),
            swap: HashMap::new(),
            users: HashMap::new(),
        }
    }

    /// Takes a pass.
    pub(super) fn pass(&mut self) -> Result<Pass, Error> {
        self.pss.clear();
        self.swap.clear();
        let stamp = Stamp::now();
        let processes = self.scan.pass(stamp.monotonic)?;
        Ok(Pass::new(stamp, processes))
    }

    /// Reads what these fields need of the processes at these places, as far as it is not known; those
    /// that have ended are taken out of `places`.
    pub(super) fn gather(
        &mut self,
        pass: &Pass,
        fields: impl Iterator<Item = Field> + Clone,
        places: &mut Vec<usize>,
    ) {
        let files = fields.clone().map(Files::of);
        let files = files.fold(Files::NONE, |all, files| all | files);
        if files != Files::NONE {
            let now = clock(ClockId::CLOCK_MONOTONIC);
            self.read_owners(files, now, places);
            let open = self.open(pass, files, now, places);
            let starved = self.read(pass, now, open);
            if !starved.is_empty() && self.scan.make_room() {
                self.read(pass, now, starved);
            }
            if fields.clone().any(|field| field == Field::User) {
                self.name_users(now, places);
            }
        }
        places.retain(|&at| !self.scan.processes[at].is_gone);
    }

    fn read_owners(&mut self, files: Files, now: Duration, places: &[usize]) {
        for &at in places {
            let facts = &self.scan.processes[at].facts;
            if files.has(Files::OWNER) && facts.missing(Files::OWNER, now) != Files::NONE {
                let uid = self.scan.owner(at);
                if self.scan.is_there(at) {
                    self.scan.processes[at].facts.learn_uid(now, uid);
                }
            }
        }
    }

    /// What is to be read, of which process.
    fn open(
        &self,
        pass: &Pass,
        files: Files,
        now: Duration,
        places: &[usize],
    ) -> Vec<(usize, Files)> {
        let of_facts = Files::COMMAND_LINE | Files::EXECUTABLE | Files::CGROUP;
        let missing = |&at: &usize| {
            let (process, counts) = (&self.scan.processes[at], &pass.processes[at]);
            let mut missing = process.facts.missing(files.and(of_facts), now);
            if files.has(Files::IO) && pass.io_of(counts.pid).is_none() {
                missing = missing | Files::IO;
            }
            if files.has(Files::PSS) && !self.pss.contains_key(&counts.pid) {
                missing = missing | Files::PSS;
            }
            if files.has(Files::SWAP) && !self.swap.contains_key(&counts.pid) {
                missing = missing | Files::SWAP;
            }
            // What has no memory need not be asked, and the kernel's answers differ.
            if counts.has_ended() || counts.is_kernel_thread {
                missing = missing.without(Files::OF_MEMORY);
            }
            (missing != Files::NONE && !process.is_gone).then_some((at, missing))
        };
        places.iter().filter_map(missing).collect()
    }

    /// Reads this; returns what could not be, because too many files are open.
    fn read(
        &mut self,
        pass: &Pass,
        now: Duration,
        open: Vec<(usize, Files)>,
    ) -> Vec<(usize, Files)> {
        if open.is_empty() {
            return open;
        }
        let request = |&(at, files): &(usize, Files)| Request::Process {
            pid: pass.processes[at].pid,
            files,
        };
        let requests: Vec<_> = open.iter().map(request).collect();
        let answers = self.ask(&requests);
        let mut starved = Vec::new();
        for ((at, files), answer) in open.into_iter().zip(answers) {
            let mut details = match answer {
                Ok(Answer::Process(details)) => *details,
                Ok(Answer::User(_)) => Details::failed(files, Fault::Malformed),
                Err(fault) => Details::failed(files, fault),
            };
            if details.is_starved {
                starved.push((at, files));
            }
            if self.scan.is_there(at) {
                self.learn(pass, now, at, &mut details);
            }
        }
        starved
    }

    fn learn(&mut self, pass: &Pass, now: Duration, at: usize, details: &mut Details) {
        let pid = pass.processes[at].pid;
        self.scan.processes[at].facts.learn(now, details);
        if let Some(io) = details.io {
            pass.learn_io(pid, io);
        }
        if let Some(pss) = details.pss {
            self.pss.insert(pid, pss);
        }
        if let Some(swap) = details.swap {
            self.swap.insert(pid, swap);
        }
    }

    /// Looks up the names of the users of these processes.
    fn name_users(&mut self, now: Duration, places: &[usize]) {
        self.users
            .retain(|_, (moment, _)| now.saturating_sub(*moment) < KEEP_USERS);
        let uid = |&at: &usize| self.scan.processes[at].facts.uid().ok();
        let mut uids: Vec<_> = places.iter().filter_map(uid).collect();
        uids.sort_unstable();
        uids.dedup();
        uids.retain(|uid| !self.users.contains_key(uid));
        let requests: Vec<_> = uids.iter().copied().map(Request::User).collect();
        for (uid, answer) in uids.into_iter().zip(self.ask(&requests)) {
            if let Ok(Answer::User(name)) = answer {
                self.users.insert(uid, (now, name));
            }
        }
    }

    /// Has this answered, by the lane.
    fn ask(&mut self, requests: &[Request]) -> Vec<Result<Answer, Fault>> {
        if requests.is_empty() {
            return Vec::new();
        }
        if self.lane.is_none() {
            let clone = || self.scan.directory()?.try_clone().ok();
            let proc = clone().or_else(|| {
                self.scan.make_room();
                self.scan.directory()?.try_clone().ok()
            });
            self.lane = proc.map(|proc| {
                Lane::new(&self.pool, self.patience, move |request| {
                    details::answer(&proc, request)
                })
            });
        }
        match &mut self.lane {
            Some(lane) => lane.ask(requests),
            None => requests.iter().map(|_| Err(Fault::Timeout)).collect(),
        }
    }

    /// The name of a user; [`Fault::Timeout`] if whoever knows it has not answered.
    pub(super) fn user(&self, uid: u32) -> Result<Arc<str>, Fault> {
        let found = self.users.get(&uid);
        found.map_or(Err(Fault::Timeout), |(_, name)| Ok(name.clone()))
    }

    pub(super) fn pss(&self, pid: u32) -> Result<u64, Fault> {
        self.pss.get(&pid).copied().unwrap_or(Err(Fault::Timeout))
    }

    pub(super) fn swap(&self, pid: u32) -> Result<u64, Fault> {
        self.swap.get(&pid).copied().unwrap_or(Err(Fault::Timeout))
    }
}
