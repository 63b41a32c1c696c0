//! The time that a GPU worked for processes: the DRM statistics of each open file, in `/proc/PID/fdinfo`.
//!
//! <https://docs.kernel.org/gpu/drm-usage-stats.html>

use std::{
    collections::{HashMap, VecDeque},
    fs,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use nix::time::ClockId;

use crate::{
    reading::{Fault, clock},
    regular_file,
    source::{
        parse,
        pool::{Job, Pool},
    },
};

/// The DRM clients of one GPU.
pub(super) struct DrmClients {
    proc: PathBuf,
    /// Paths such as `/dev/dri/renderD128`, the targets of the links in `/proc/PID/fd`.
    nodes: Vec<PathBuf>,
    /// The processes that the current scan has not visited, and the time at which the scan began.
    unscanned: VecDeque<PathBuf>,
    scan_began: Option<Duration>,
    open: Vec<OpenFile>,
    /// The engines of each client at the last reading, and the time of that reading.
    before: HashMap<u64, Vec<Engine>>,
    read_at: Duration,
    busy: u64,
}

/// An open file of the GPU.
struct OpenFile {
    fdinfo: PathBuf,
    /// Several files may belong to one client, and all show the same numbers.
    client: Option<u64>,
}

/// The work of an engine for one client.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Engine {
    name: Vec<u8>,
    /// Nanoseconds that the engine was busy.
    time: Option<u64>,
    /// Cycles that the engine was busy, and all cycles: xe counts these in place of time.
    cycles: Option<u64>,
    total_cycles: Option<u64>,
    /// The number of engines of this kind.
    capacity: Option<u64>,
}

/// A scan over all processes finds those that have opened the GPU since. Scans are rare and done in batches,
/// because a scan reads a link for each file that any process has open.
const SCAN_INTERVAL: Duration = Duration::from_secs(5);
const SCAN_BATCH: usize = 64;

impl DrmClients {
    pub(super) fn new(proc: &Path, nodes: &[String]) -> Self {
        let nodes = nodes.iter().map(|node| Path::new("/dev/dri").join(node));
        Self {
            proc: proc.to_owned(),
            nodes: nodes.collect(),
            unscanned: VecDeque::new(),
            scan_began: None,
            open: Vec::new(),
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
    pub(super) fn busy(&mut self, now: Duration) -> u64 {
        self.scan(now);
        let elapsed = now.saturating_sub(self.read_at).as_nanos();
        let mut clients = HashMap::new();
        let mut engines: HashMap<Vec<u8>, u128> = HashMap::new();
        self.open.retain_mut(|open| {
            if open
                .client
                .is_some_and(|client| clients.contains_key(&client))
            {
                return true;
            }
            // The file was closed or the process has ended. The number may be that of another file now.
            let text = regular_file::table(&open.fdinfo).unwrap_or_default();
            let Some((client, mut engines_now)) = parse_fdinfo(&text) else {
                return false;
            };
            open.client = Some(client);
            if clients.contains_key(&client) {
                return true;
            }
            for before in self.before.get(&client).into_iter().flatten() {
                if let Some(now) = engines_now.iter_mut().find(|now| now.name == before.name) {
                    let growth = now.growth(before, elapsed);
                    let busy = engines.entry(now.name.clone()).or_default();
                    *busy = busy.saturating_add(growth);
                    now.keep_maximum(before);
                }
            }
            clients.insert(client, engines_now);
            true
        });
        let busiest = engines.into_values().max().unwrap_or(0).min(elapsed);
        self.busy = self.busy.saturating_add(busiest as u64);
        self.before = clients;
        self.read_at = now;
        self.busy
    }

    fn scan(&mut self, now: Duration) {
        let mut batch = SCAN_BATCH;
        if self.unscanned.is_empty()
            && self
                .scan_began
                .is_none_or(|began| now.saturating_sub(began) >= SCAN_INTERVAL)
        {
            // The first reading scans all processes at once.
            batch = if self.scan_began.is_none() {
                usize::MAX
            } else {
                SCAN_BATCH
            };
            self.scan_began = Some(now);
            let entries = fs::read_dir(&self.proc).into_iter().flatten();
            let is_process = |entry: &fs::DirEntry| {
                parse::number(entry.file_name().as_encoded_bytes()).is_some()
            };
            let processes = entries.filter_map(Result::ok).filter(is_process);
            self.unscanned.extend(processes.map(|entry| entry.path()));
        }
        for _ in 0..batch.min(self.unscanned.len()) {
            if let Some(process) = self.unscanned.pop_front() {
                self.scan_process(&process);
            }
        }
    }

    /// Finds the open files of the GPU in a process. The files of other users' processes cannot be listed.
    fn scan_process(&mut self, process: &Path) {
        let files = fs::read_dir(process.join("fd")).into_iter().flatten();
        for file in files.filter_map(Result::ok) {
            let is_ours = fs::read_link(file.path()).is_ok_and(|to| self.nodes.contains(&to));
            let fdinfo = process.join("fdinfo").join(file.file_name());
            if is_ours && !self.open.iter().any(|open| open.fdinfo == fdinfo) {
                self.open.push(OpenFile {
                    fdinfo,
                    client: None,
                });
            }
        }
    }
}

impl Engine {
    /// The nanoseconds of `elapsed` for which the engine worked since `before`; the mean, if there are several
    /// engines of the kind.
    fn growth(&self, before: &Self, elapsed: u128) -> u128 {
        let grown = |now: Option<u64>, before| Some(u128::from(now?.saturating_sub(before?)));
        let time = grown(self.time, before.time).or_else(|| {
            let cycles = grown(self.cycles, before.cycles)?;
            let cycles = cycles.checked_mul(elapsed)?;
            cycles.checked_div(grown(self.total_cycles, before.total_cycles)?)
        });
        let capacity = u128::from(self.capacity.unwrap_or(1).max(1));
        time.unwrap_or(0).checked_div(capacity).unwrap_or(0)
    }

    /// A driver may report less than it did before. The larger number stays until the driver has caught up.
    fn keep_maximum(&mut self, before: &Self) {
        self.time = self.time.max(before.time);
        self.cycles = self.cycles.max(before.cycles);
    }
}

/// The client of an open file, and its engines.
pub(super) fn parse_fdinfo(text: &[u8]) -> Option<(u64, Vec<Engine>)> {
    let mut client = None;
    let mut engines = Vec::new();
    for (line, ended) in parse::ended_lines(text) {
        let Some((key, value)) = parse::pair(line).filter(|_| ended) else {
            continue;
        };
        // A unit may follow the number: `ns`.
        let number = parse::fields(value).next().and_then(parse::number);
        let engine_of = |prefix: &[u8]| key.strip_prefix(prefix);
        if key == b"drm-client-id" {
            client = number;
        } else if let Some(name) = engine_of(b"drm-engine-capacity-") {
            engine(&mut engines, name).capacity = number;
        } else if let Some(name) = engine_of(b"drm-engine-") {
            engine(&mut engines, name).time = number;
        } else if let Some(name) = engine_of(b"drm-cycles-") {
            engine(&mut engines, name).cycles = number;
        } else if let Some(name) = engine_of(b"drm-total-cycles-") {
            engine(&mut engines, name).total_cycles = number;
        }
    }
    Some((client?, engines))
}

fn engine<'a>(engines: &'a mut Vec<Engine>, name: &[u8]) -> &'a mut Engine {
    let known = engines.iter().position(|engine| engine.name == name);
    let index = known.unwrap_or_else(|| {
        let index = engines.len();
        engines.push(Engine {
            name: name.to_vec(),
            ..Engine::default()
        });
        index
    });
    &mut engines[index]
}

/// Reads the clients of one GPU on the blocking pool: the first scan takes a microsecond for each file that any
/// process has open.
pub(super) struct Fdinfo(Job<(u64, u64)>);

impl Fdinfo {
    pub(super) fn new(pool: &Pool, proc: &Path, nodes: &[String]) -> Self {
        let clients = Mutex::new(DrmClients::new(proc, nodes));
        let name = format!("clients of {}", nodes.join(" ")).into();
        Self(Job::new(pool, &name, move || {
            let mut clients = clients.lock().unwrap_or_else(PoisonError::into_inner);
            let now = clock(ClockId::CLOCK_MONOTONIC);
            (clients.busy(now), now.as_nanos() as u64)
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
    pub(super) fn busy(&self) -> Result<(u64, u64), Fault> {
        self.0.answer()
    }
}

#[cfg(test)]
mod tests;
