//! The time that a GPU worked for processes: the DRM statistics of each open file, in `/proc/PID/fdinfo`.
//!
//! The kernel has these numbers in its memory, and reading them wakes no GPU; only xe asks the device for the time
//! (`show_run_ticks`).
//!
//! <https://docs.kernel.org/gpu/drm-usage-stats.html>

use std::{
    collections::HashMap,
    path::Path,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use nix::time::ClockId;

use super::{
    drm_client::{DrmClientRecord, Engine, Growth},
    drm_files::{DrmFiles, DrmNodes, OpenFile},
    unreadable::has_ended,
};
use crate::{
    reading::{Fault, clock},
    regular_file,
    source::{
        Error, Roots,
        file::File,
        pool::{Job, Pool},
    },
};

/// The DRM clients of one GPU.
pub(super) struct DrmClients {
    files: DrmFiles,
    /// The switch of panfrost and panthor for their statistics.
    ///
    /// <https://docs.kernel.org/gpu/panfrost.html>, Documentation/ABI/testing/sysfs-driver-panthor-profiling
    profiling: Option<File>,
    /// The engines of each client at the last reading, and the time of that reading.
    before: HashMap<u64, Vec<Engine>>,
    read_at: Duration,
    busy: u64,
}

/// The results of a reading of all clients.
#[derive(Default)]
struct Pass {
    clients: HashMap<u64, Vec<Engine>>,
    /// The time for which each engine was busy since the last reading.
    busy: HashMap<Vec<u8>, u128>,
    /// The number of clients whose driver tells the work of its engines, and of the others.
    telling: usize,
    silent: usize,
    is_reset: bool,
    fault: Option<Fault>,
}

impl DrmClients {
    pub(super) fn new(roots: &Roots, device: &Path, nodes: &DrmNodes) -> Self {
        let profiling = device.join("profiling");
        Self {
            files: DrmFiles::new(roots, nodes),
            profiling: profiling.exists().then(|| File::attribute(profiling)),
            before: HashMap::new(),
            read_at: Duration::ZERO,
            busy: 0,
        }
    }

    /// The total time in nanoseconds for which the busiest engine worked, summed over the intervals between
    /// readings. `now` is a time of the monotonic clock.
    ///
    /// The kernel has a counter for each client, and the counter goes with the client. This function sums the
    /// growth of the counters, so that the sum does not go backwards when a client goes.
    ///
    /// # Errors
    /// [`Fault::Denied`] if the sum would lack clients, [`Fault::Stale`] if the driver tells nothing of its clients,
    /// [`Fault::Reset`] after the clock of the GPU began anew.
    pub(super) fn busy(&mut self, now: Duration) -> Result<u64, Fault> {
        let profiling = self.profiling.as_mut().map(File::read);
        if matches!(profiling, Some(Ok(b"0\n"))) {
            return Err(Fault::Stale);
        }
        self.files.scan(now);
        if self.files.is_partial() {
            return Err(Fault::Denied);
        }
        let elapsed = now.saturating_sub(self.read_at).as_nanos();
        let mut pass = Pass::default();
        let (open, nodes) = self.files.open();
        open.retain_mut(|file| pass.read(file, nodes, &self.before, elapsed));
        let busiest = pass.busy.values().max().copied().unwrap_or(0).min(elapsed);
        self.busy = self.busy.saturating_add(busiest as u64);
        self.before = pass.clients;
        self.read_at = now;
        match (pass.fault, pass.telling, pass.silent) {
            (Some(fault), ..) => Err(fault),
            (None, 0, 0) if self.files.has_unreadable() => Err(Fault::Denied),
            (None, 0, 1..) => Err(Fault::Stale),
            _ if pass.is_reset => Err(Fault::Reset),
            _ => Ok(self.busy),
        }
    }
}

impl Pass {
    /// Reads an open file. Returns whether it is still open.
    fn read(
        &mut self,
        file: &mut OpenFile,
        nodes: &[Vec<u8>],
        before: &HashMap<u64, Vec<Engine>>,
        elapsed: u128,
    ) -> bool {
        let is_counted = |client| self.clients.contains_key(&client);
        if file.client.is_some_and(is_counted) {
            return true;
        }
        let text = match file.is_silent {
            true => Ok(Vec::new()),
            false => regular_file::table(&file.fdinfo),
        };
        let text = match text {
            Ok(text) => text,
            // The file was closed, or the process has ended.
            Err(cause) if has_ended(&cause) => return false,
            Err(cause) => {
                self.fault = Some(Error::io(&file.fdinfo, cause).fault());
                return true;
            }
        };
        let record = DrmClientRecord::parse(&text);
        let Some(client) = record.drm_client_id else {
            // The number may be that of another file now.
            file.is_silent = DrmFiles::is_open(nodes, file);
            self.silent = self.silent.saturating_add(file.is_silent.into());
            return file.is_silent;
        };
        file.client = Some(client);
        if is_counted(client) {
            return true;
        }
        let count = match record.tells_work() {
            true => &mut self.telling,
            false => &mut self.silent,
        };
        *count = count.saturating_add(1);
        let engines = match before.get(&client) {
            Some(before) => self.grow(record, before, elapsed),
            None => record.engines,
        };
        self.clients.insert(client, engines);
        true
    }

    /// Adds the growth of a client's engines. Returns its engines for the next reading.
    fn grow(
        &mut self,
        record: DrmClientRecord<'_>,
        before: &[Engine],
        elapsed: u128,
    ) -> Vec<Engine> {
        let omits_idle_engines = record.omits_idle_engines();
        let mut engines = record.engines;
        for now in &mut engines {
            let known = before.iter().find(|before| before.name == now.name);
            let idle = omits_idle_engines.then(|| Engine::idle(&now.name));
            let Some(before) = known.or(idle.as_ref()) else {
                continue;
            };
            match now.growth(before, elapsed) {
                Growth::Busy(time) => {
                    let busy = self.busy.entry(now.name.clone()).or_default();
                    *busy = busy.saturating_add(time);
                    now.keep_maximum(before);
                }
                Growth::Reset => self.is_reset = true,
                Growth::Unknown => {}
            }
        }
        // A driver may leave an engine out once.
        let is_missing = |before: &&Engine| engines.iter().all(|now| now.name != before.name);
        let missing: Vec<_> = before.iter().filter(is_missing).cloned().collect();
        engines.extend(missing);
        engines
    }
}

/// Reads the clients of one GPU on the blocking pool: the first scan takes a microsecond for each file that any
/// process has open.
pub(super) struct Fdinfo(Job<Result<[u64; 2], Fault>>);

impl Fdinfo {
    pub(super) fn new(pool: &Pool, roots: &Roots, device: &Path, nodes: &DrmNodes) -> Self {
        let clients = Mutex::new(DrmClients::new(roots, device, nodes));
        let name = format!("clients of {}", nodes.names.join(" ")).into();
        Self(Job::new(pool, &name, move || {
            let mut clients = clients.lock().unwrap_or_else(PoisonError::into_inner);
            let now = clock(ClockId::CLOCK_MONOTONIC);
            let busy = clients.busy(now)?;
            Ok([busy, now.as_nanos() as u64])
        }))
    }

    /// Requests a reading, unless one was begun since.
    pub(super) fn ask(&self, since: Duration) {
        self.0.ask(since);
    }

    /// The deadline for waiting for the answer.
    pub(super) fn awaited_until(&self) -> Option<Instant> {
        self.0.awaited_until()
    }

    #[cfg(test)]
    pub(super) fn is_pending(&self) -> bool {
        self.0.is_pending()
    }

    /// The time for which the GPU worked, and the time of that reading, both in nanoseconds. The answer may be
    /// as old as the previous reading; a share of the time between two answers is right all the same.
    pub(super) fn busy(&self) -> Result<[u64; 2], Fault> {
        self.0.answer().flatten()
    }
}

#[cfg(test)]
mod tests;
