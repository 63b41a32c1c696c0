//! The cache of the details of processes: everything beyond the counters of a pass. It is filled on demand.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use nix::time::ClockId;

use crate::{
    kernel::online_cpus::OnlineCpus,
    process::{
        Field, Pass,
        details::{self, Details, Request, Response},
        files::Files,
        scan::Scan,
        task_runner::TaskRunner,
    },
    reading::{Fault, Stamp, clock},
    source::{Error, Roots, pool::Pool},
};

/// The details of the processes of the last pass, as far as a query needed them.
pub(super) struct Cache {
    pub(super) scan: Scan,
    pool: Pool,
    runner: Option<TaskRunner<Request, Response>>,
    /// The timeout of a request.
    pub(super) timeout: Duration,
    /// PSS and swap in the last pass, by pid.
    pss: HashMap<u32, Result<u64, Fault>>,
    swap: HashMap<u32, Result<u64, Fault>>,
    /// The names of users by uid, and the moments at which they were looked up.
    users: HashMap<u32, (Duration, Arc<str>)>,
    cpus: Mutex<OnlineCpus>,
}

/// The timeout of a request. A healthy process takes microseconds, except one with very much memory.
const TIMEOUT: Duration = Duration::from_millis(100);

/// The longest age of a user name.
const MAX_USER_AGE: Duration = Duration::from_secs(60);

impl Cache {
    pub(super) fn new(roots: &Roots, pool: &Pool) -> Self {
        Self {
            scan: Scan::new(roots),
            pool: pool.clone(),
            runner: None,
            timeout: TIMEOUT,
            pss: HashMap::new(),
            swap: HashMap::new(),
            users: HashMap::new(),
            cpus: Mutex::new(OnlineCpus::new(roots)),
        }
    }

    /// Takes a pass.
    pub(super) fn pass(&mut self) -> Result<Pass, Error> {
        self.pss.clear();
        self.swap.clear();
        let stamp = Stamp::now();
        let (processes, unread) = self.scan.pass(stamp.monotonic)?;
        Ok(Pass::new(stamp, processes, unread))
    }

    /// Fetches the details that these fields need of the processes at these indices, unless they are cached. Removes
    /// the processes that have ended from `indices`.
    pub(super) fn fetch(
        &mut self,
        pass: &Pass,
        fields: impl Iterator<Item = Field> + Clone,
        indices: &mut Vec<usize>,
    ) {
        let files = fields.clone().map(Files::of);
        let files = files.fold(Files::NONE, |all, files| all | files);
        if files != Files::NONE {
            let now = clock(ClockId::CLOCK_MONOTONIC);
            self.read_owners(files, now, indices);
            let missing = self.missing(pass, files, now, indices);
            let unread = self.read(pass, now, missing);
            if !unread.is_empty() && self.scan.close_half() {
                self.read(pass, now, unread);
            }
            if fields.clone().any(|field| field == Field::User) {
                self.name_users(now, indices);
            }
        }
        indices.retain(|&index| !self.scan.processes[index].is_gone);
    }

    fn read_owners(&mut self, files: Files, now: Duration, indices: &[usize]) {
        for &index in indices {
            let attributes = &self.scan.processes[index].attributes;
            if files.has(Files::OWNER) && attributes.missing(Files::OWNER, now) != Files::NONE {
                let uid = self.scan.owner(index);
                if self.scan.is_there(index) {
                    self.scan.processes[index].attributes.store_uid(now, uid);
                }
            }
        }
    }

    /// The files that must be read, and the index of their process.
    fn missing(
        &self,
        pass: &Pass,
        files: Files,
        now: Duration,
        indices: &[usize],
    ) -> Vec<(usize, Files)> {
        let of_attributes = Files::COMMAND_LINE | Files::EXECUTABLE | Files::CGROUP;
        let missing = |&index: &usize| {
            let (process, counts) = (&self.scan.processes[index], &pass.processes[index]);
            let mut missing = process.attributes.missing(files.and(of_attributes), now);
            if files.has(Files::IO) && pass.io_of(counts.pid).is_none() {
                missing = missing | Files::IO;
            }
            if files.has(Files::PSS) && !self.pss.contains_key(&counts.pid) {
                missing = missing | Files::PSS;
            }
            if files.has(Files::SWAP) && !self.swap.contains_key(&counts.pid) {
                missing = missing | Files::SWAP;
            }
            // A process without memory has none of these files; the errors of the kernel differ.
            if counts.has_ended() || counts.is_kernel_thread {
                missing = missing.without(Files::OF_MEMORY);
            }
            (missing != Files::NONE && !process.is_gone).then_some((index, missing))
        };
        indices.iter().filter_map(missing).collect()
    }

    /// Reads these files. Returns those that could not be opened because too many files are open.
    fn read(
        &mut self,
        pass: &Pass,
        now: Duration,
        missing: Vec<(usize, Files)>,
    ) -> Vec<(usize, Files)> {
        if missing.is_empty() {
            return missing;
        }
        let request = |&(index, files): &(usize, Files)| Request::Process {
            pid: pass.processes[index].pid,
            files,
        };
        let requests: Vec<_> = missing.iter().map(request).collect();
        let answers = self.ask(&requests);
        let mut unread = Vec::new();
        for ((index, files), answer) in missing.into_iter().zip(answers) {
            let mut details = match answer {
                Ok(Response::Process(details)) => *details,
                Ok(Response::User(_)) => Details::failed(files, Fault::Malformed),
                Err(fault) => Details::failed(files, fault),
            };
            if details.lacks_descriptors {
                unread.push((index, files));
            }
            if self.scan.is_there(index) {
                self.store(pass, now, index, &mut details);
            }
        }
        unread
    }

    fn store(&mut self, pass: &Pass, now: Duration, index: usize, details: &mut Details) {
        let pid = pass.processes[index].pid;
        self.scan.processes[index].attributes.store(now, details);
        if let Some(io) = details.io {
            pass.store_io(pid, io);
        }
        if let Some(pss) = details.pss {
            self.pss.insert(pid, pss);
        }
        if let Some(swap) = details.swap {
            self.swap.insert(pid, swap);
        }
    }

    /// Looks up the names of the users of these processes.
    fn name_users(&mut self, now: Duration, indices: &[usize]) {
        self.users
            .retain(|_, (moment, _)| now.saturating_sub(*moment) < MAX_USER_AGE);
        let uid = |&index: &usize| self.scan.processes[index].attributes.uid().ok();
        let mut uids: Vec<_> = indices.iter().filter_map(uid).collect();
        uids.sort_unstable();
        uids.dedup();
        uids.retain(|uid| !self.users.contains_key(uid));
        let requests: Vec<_> = uids.iter().copied().map(Request::User).collect();
        for (uid, answer) in uids.into_iter().zip(self.ask(&requests)) {
            if let Ok(Response::User(name)) = answer {
                self.users.insert(uid, (now, name));
            }
        }
    }

    /// Runs the requests on the blocking pool.
    fn ask(&mut self, requests: &[Request]) -> Vec<Result<Response, Fault>> {
        if requests.is_empty() {
            return Vec::new();
        }
        if self.runner.is_none() {
            let clone = || self.scan.directory()?.try_clone().ok();
            let proc = clone().or_else(|| {
                self.scan.close_half();
                self.scan.directory()?.try_clone().ok()
            });
            self.runner = proc.map(|proc| {
                TaskRunner::new(&self.pool, self.timeout, move |request| {
                    details::answer(&proc, request)
                })
            });
        }
        match &mut self.runner {
            Some(runner) => runner.run(requests),
            None => requests.iter().map(|_| Err(Fault::Timeout)).collect(),
        }
    }

    /// The number of online CPUs.
    pub(super) fn cpus(&self) -> Result<f64, Fault> {
        let mut cpus = self.cpus.lock().unwrap_or_else(PoisonError::into_inner);
        cpus.read().map_err(|error| error.fault())?;
        Ok(cpus.numbers().len() as f64)
    }

    /// The number of online CPUs when it was last read, and at least 1.
    pub(super) fn known_cpus(&self) -> f64 {
        let cpus = self.cpus.lock().unwrap_or_else(PoisonError::into_inner);
        cpus.numbers().len().max(1) as f64
    }

    /// The name of a user; [`Fault::Timeout`] if the name service has not answered.
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
