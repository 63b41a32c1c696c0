//! A pass: the counters of every process at one moment.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::{
    history::Timed,
    process::{
        clock_ticks::{microseconds_per_tick, ticks_per_second},
        details::Io,
    },
    rate::elapsed,
    reading::{Fault, Stamp},
};

/// The raw counters of every process at one moment. Any two passes make rates.
#[derive(Debug)]
pub struct Pass {
    /// The moment just before the first read.
    pub stamp: Stamp,
    /// In the order of the pids.
    pub(super) processes: Vec<Counts>,
    pub(super) unread: Unread,
    /// The counters of `/proc/PID/io` by pid, for the processes for which a query needed them.
    io: Mutex<HashMap<u32, Result<Io, Fault>>>,
}

/// The fields of `/proc/PID/stat` of a process; none for a field that is malformed.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    pub(super) pid: u32,
    pub(super) parent: Option<u32>,
    /// In microseconds since boot; [`UNKNOWN_START`] if it is malformed.
    pub(super) start_time: u64,
    /// In clock ticks.
    pub(super) used: Option<u64>,
    /// In bytes.
    pub(super) rss: Option<u64>,
    pub(super) threads: Option<u32>,
    pub(super) state: Option<u8>,
    pub(super) nice: Option<i8>,
    pub(super) is_kernel_thread: bool,
}

/// The processes of which a pass could not read `/proc/PID/stat`, although they exist.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Unread {
    pub(super) count: u64,
    /// The reason in the case of one of them.
    pub(super) fault: Option<Fault>,
}

impl Counts {
    /// Whether the process has ended, so that it has no memory, and its parent has not reaped it yet.
    pub(super) fn has_ended(&self) -> bool {
        matches!(self.state, Some(b'Z' | b'X' | b'x'))
    }
}

impl Pass {
    pub(super) fn new(stamp: Stamp, processes: Vec<Counts>, unread: Unread) -> Self {
        Self {
            stamp,
            processes,
            unread,
            io: Mutex::default(),
        }
    }

    /// The number of processes whose counters it has.
    pub fn len(&self) -> usize {
        self.processes.len()
    }

    /// Whether there is no process. That never happens with the `/proc` of a kernel.
    pub fn is_empty(&self) -> bool {
        self.processes.is_empty()
    }

    fn io(&self) -> MutexGuard<'_, HashMap<u32, Result<Io, Fault>>> {
        self.io.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it has counters of `/proc/PID/io`.
    pub(super) fn has_io(&self) -> bool {
        !self.io().is_empty()
    }

    pub(super) fn io_of(&self, pid: u32) -> Option<Result<Io, Fault>> {
        self.io().get(&pid).copied()
    }

    pub(super) fn store_io(&self, pid: u32, io: Result<Io, Fault>) {
        self.io().insert(pid, io);
    }

    /// The same process in this pass. It is usually at the index `hint`.
    fn find(&self, process: &Counts, hint: usize) -> Option<&Counts> {
        let is_it = |other: &&Counts| other.pid == process.pid;
        let found = self.processes.get(hint).filter(is_it).or_else(|| {
            let by_pid = |other: &Counts| other.pid.cmp(&process.pid);
            let place = self.processes.binary_search_by(by_pid).ok()?;
            self.processes.get(place)
        });
        found.filter(|other| other.start_time == process.start_time)
    }
}

impl Timed for Pass {
    fn stamp(&self) -> Stamp {
        self.stamp
    }
}

/// Two passes that make rates.
pub(super) struct Span<'a> {
    now: &'a Pass,
    before: &'a Pass,
    elapsed: Duration,
}

/// The counters of a process in the earlier pass.
enum Baseline<'a> {
    Counted(&'a Counts),
    /// Zero: the process has started since.
    Zero,
}

impl<'a> Span<'a> {
    pub(super) fn between(now: &'a Pass, before: Option<&'a Pass>) -> Result<Self, Fault> {
        let before = before.ok_or(Fault::First)?;
        let elapsed = elapsed(before.stamp, now.stamp)?;
        Ok(Self {
            now,
            before,
            elapsed,
        })
    }

    /// The baseline of the process at this index.
    fn baseline(&self, index: usize) -> Result<Baseline<'a>, Fault> {
        let process = &self.now.processes[index];
        if let Some(counts) = self.before.find(process, index) {
            return Ok(Baseline::Counted(counts));
        }
        // A process that may have started before the earlier pass, but is not in it, has no baseline. The kernel tells
        // a negative start time, of a process that is older than its time namespace, as one in the future.
        let start = Duration::from_micros(process.start_time);
        let is_new = start.saturating_add(tick()) > self.before.stamp.boottime;
        if is_new && start <= self.now.stamp.boottime {
            Ok(Baseline::Zero)
        } else {
            Err(Fault::First)
        }
    }

    /// The age of the process at this moment of CLOCK_BOOTTIME, but at least one clock tick: that is the resolution of
    /// the start time and of the CPU time.
    fn age(&self, process: &Counts, boottime: Duration) -> Duration {
        boottime
            .saturating_sub(Duration::from_micros(process.start_time))
            .max(tick())
    }

    /// The CPU time that the process at this index used, in per cent of the time between the passes, or of its age if
    /// it started between them.
    pub(super) fn cpu(&self, index: usize) -> Result<f64, Fault> {
        let process = &self.now.processes[index];
        let used = process.used.ok_or(Fault::Malformed)?;
        let (used, elapsed) = match self.baseline(index)? {
            Baseline::Counted(before) => {
                let before = before.used.ok_or(Fault::First)?;
                let used = used.checked_sub(before).ok_or(Fault::Reset)?;
                (used, self.elapsed)
            }
            Baseline::Zero => (used, self.age(process, self.now.stamp.boottime)),
        };
        let seconds = used as f64 / ticks_per_second() as f64;
        Ok(100.0 * seconds / elapsed.as_secs_f64())
    }

    /// The bytes per second of a counter, which `count` selects.
    pub(super) fn io(
        &self,
        index: usize,
        count: impl Fn(&Io) -> Result<u64, Fault>,
    ) -> Result<f64, Fault> {
        let process = &self.now.processes[index];
        let now = self.now.io_of(process.pid).unwrap_or(Err(Fault::Timeout))?;
        let counted = count(&now)?;
        let (bytes, elapsed) = match self.baseline(index)? {
            Baseline::Counted(_) => {
                // Without the counter in the earlier pass, there is no rate yet.
                let before = self.before.io_of(process.pid).and_then(Result::ok);
                let before = before.ok_or(Fault::First)?;
                let counted_before = count(&before).map_err(|_| Fault::First)?;
                let bytes = counted.checked_sub(counted_before).ok_or(Fault::Reset)?;
                (bytes, now.monotonic.saturating_sub(before.monotonic))
            }
            Baseline::Zero => (counted, self.age(process, now.boottime)),
        };
        if elapsed.is_zero() {
            return Err(Fault::First);
        }
        Ok(bytes as f64 / elapsed.as_secs_f64())
    }
}

fn tick() -> Duration {
    Duration::from_micros(microseconds_per_tick())
}
