//! What the kernel counts of every process at one moment.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::{
    history::Timed,
    process::{
        details::Io,
        ticks::{microseconds_a_tick, ticks_a_second},
    },
    rate::elapsed,
    reading::{Fault, Stamp},
};

/// What the kernel counts of every process at one moment: raw, so that any two make rates.
#[derive(Debug)]
pub struct Pass {
    /// The moment just before the kernel was asked.
    pub stamp: Stamp,
    /// In the order of the pids.
    pub(super) processes: Vec<Counts>,
    /// By pid, of those of which it was asked for.
    io: Mutex<HashMap<u32, Result<Io, Fault>>>,
}

/// What `/proc/PID/stat` says of a process.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    pub(super) pid: u32,
    pub(super) parent: u32,
    /// In microseconds since boot.
    pub(super) start_time: u64,
    /// In ticks.
    pub(super) used: u64,
    /// In bytes.
    pub(super) rss: u64,
    pub(super) threads: u32,
    pub(super) state: u8,
    pub(super) nice: i8,
    pub(super) is_kernel_thread: bool,
}

impl Counts {
    /// Whether it has ended, and its memory is gone: only its parent has not looked yet.
    pub(super) fn has_ended(&self) -> bool {
        matches!(self.state, b'Z' | b'X' | b'x')
    }
}

impl Pass {
    pub(super) fn new(stamp: Stamp, processes: Vec<Counts>) -> Self {
        Self {
            stamp,
            processes,
            io: Mutex::default(),
        }
    }

    /// How many processes there were.
    pub fn len(&self) -> usize {
        self.processes.len()
    }

    /// Whether there was none: never, where `/proc` is that of a kernel.
    pub fn is_empty(&self) -> bool {
        self.processes.is_empty()
    }

    fn io(&self) -> MutexGuard<'_, HashMap<u32, Result<Io, Fault>>> {
        self.io.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether what is read and written was asked for.
    pub(super) fn has_io(&self) -> bool {
        !self.io().is_empty()
    }

    pub(super) fn io_of(&self, pid: u32) -> Option<Result<Io, Fault>> {
        self.io().get(&pid).copied()
    }

    pub(super) fn learn_io(&self, pid: u32, io: Result<Io, Fault>) {
        self.io().insert(pid, io);
    }

    /// This process, which is mostly where `hint` says.
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
    fn moment(&self) -> Duration {
        self.stamp.monotonic
    }
}

/// Two passes between which rates can be told.
pub(super) struct Span<'a> {
    now: &'a Pass,
    before: &'a Pass,
    elapsed: Duration,
}

/// Where the counters of a process stood.
enum Baseline<'a> {
    Counted(&'a Counts),
    /// At zero: it has started since.
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

    /// Where the counters of the process at this place stood.
    fn baseline(&self, at: usize) -> Result<Baseline<'a>, Fault> {
        let process = &self.now.processes[at];
        if let Some(counts) = self.before.find(process, at) {
            return Ok(Baseline::Counted(counts));
        }
        // What had started but could not be seen, or may have, is seen for the first time.
        let start = Duration::from_micros(process.start_time);
        if start.saturating_add(tick()) > self.before.stamp.boottime {
            Ok(Baseline::Zero)
        } else {
            Err(Fault::First)
        }
    }

    /// How long the process has been there at this moment of the clock that counts sleep. It is
    /// known to a tick, and so is the time that it used.
    fn age(&self, process: &Counts, boottime: Duration) -> Duration {
        boottime
            .saturating_sub(Duration::from_micros(process.start_time))
            .max(tick())
    }

    /// The CPU time that the process at this place used, in per cent of the time between; or since
    /// its start, if that is later.
    pub(super) fn cpu(&self, at: usize) -> Result<f64, Fault> {
        let process = &self.now.processes[at];
        let (used, elapsed) = match self.baseline(at)? {
            Baseline::Counted(before) => {
                let used = process.used.checked_sub(before.used).ok_or(Fault::Reset)?;
                (used, self.elapsed)
            }
            Baseline::Zero => (process.used, self.age(process, self.now.stamp.boottime)),
        };
        let seconds = used as f64 / ticks_a_second() as f64;
        Ok(100.0 * seconds / elapsed.as_secs_f64())
    }

    /// Bytes a second of the counter that `count` takes.
    pub(super) fn io(&self, at: usize, count: impl Fn(&Io) -> u64) -> Result<f64, Fault> {
        let process = &self.now.processes[at];
        let now = self.now.io_of(process.pid).unwrap_or(Err(Fault::Timeout))?;
        let (bytes, elapsed) = match self.baseline(at)? {
            Baseline::Counted(_) => {
                // What was not asked for before, or not told, is told for the first time.
                let before = self.before.io_of(process.pid).and_then(Result::ok);
                let before = before.ok_or(Fault::First)?;
                let bytes = count(&now)
                    .checked_sub(count(&before))
                    .ok_or(Fault::Reset)?;
                (bytes, now.monotonic.saturating_sub(before.monotonic))
            }
            Baseline::Zero => (count(&now), self.age(process, now.boottime)),
        };
        if elapsed.is_zero() {
            return Err(Fault::First);
        }
        Ok(bytes as f64 / elapsed.as_secs_f64())
    }
}

fn tick() -> Duration {
    Duration::from_micros(microseconds_a_tick())
}
