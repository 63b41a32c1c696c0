//! What the kernel counts of every process at one moment.

use std::sync::Arc;

use crate::reading::Stamp;

/// What the kernel counts of every process at one moment: raw, so that any two make rates.
#[derive(Debug)]
pub struct Pass {
    /// The moment just before the kernel was asked.
    pub stamp: Stamp,
    /// In the order of the pids.
    pub(super) processes: Vec<Counts>,
}

/// What `/proc/PID/stat` says of a process.
#[derive(Clone, Debug)]
pub(super) struct Counts {
    pub(super) pid: u32,
    pub(super) parent: u32,
    /// In microseconds since boot.
    pub(super) start_time: u64,
    pub(super) name: Arc<str>,
    /// In ticks.
    pub(super) used: u64,
    /// In bytes.
    pub(super) rss: u64,
    pub(super) threads: u32,
    pub(super) state: u8,
    pub(super) nice: i8,
    pub(super) is_kernel_thread: bool,
}

impl Pass {
    /// How many processes there were.
    pub fn len(&self) -> usize {
        self.processes.len()
    }

    /// Whether there was none: never, where `/proc` is that of a kernel.
    pub fn is_empty(&self) -> bool {
        self.processes.is_empty()
    }
}
