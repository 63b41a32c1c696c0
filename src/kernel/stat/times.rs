//! The line of a CPU.

use crate::source::parse;

/// The line of a CPU in `/proc/stat`, or of all, in ticks (`USER_HZ`, mostly 1/100 of a second), by proc(5).
///
/// ```text
/// cpu0 10132153 290696 3084719 46828483 16683 0 25195 0 175628 0
/// ```
pub(super) struct CpuTimes {
    /// In user mode, guests included.
    pub(super) user: u64,
    /// In user mode with a low priority, guests included.
    pub(super) nice: u64,
    /// In the kernel.
    pub(super) system: u64,
    /// Without a task to run.
    pub(super) idle: u64,
    /// Idle while a task waits for a disk; since Linux 2.5.41.
    pub(super) iowait: Option<u64>,
    /// In interrupts; since Linux 2.6.0.
    pub(super) irq: u64,
    /// In soft interrupts; since Linux 2.6.0.
    pub(super) softirq: u64,
    /// In other systems, where this one is virtual; since Linux 2.6.11.
    pub(super) steal: u64,
    // guest (since Linux 2.6.24) and guest_nice (since Linux 2.6.33) are in user and nice already.
}

/// The numbers that every kernel has.
const FEWEST: usize = 4;

impl CpuTimes {
    /// Parses the rest of the line after the name of the CPU; none if it is malformed. A kernel without one of the last
    /// numbers does not count that time apart.
    pub(super) fn parse(rest: &[u8]) -> Option<Self> {
        let mut numbers = parse::numbers(rest);
        let times: [Option<u64>; 8] = std::array::from_fn(|_| numbers.next());
        if times.contains(&None) {
            let count = times.iter().flatten().count();
            if count < FEWEST || parse::fields(rest).count() != count {
                return None;
            }
        }
        let [user, nice, system, idle, iowait, irq, softirq, steal] = times;
        Some(Self {
            user: user?,
            nice: nice?,
            system: system?,
            idle: idle?,
            iowait,
            irq: irq.unwrap_or(0),
            softirq: softirq.unwrap_or(0),
            steal: steal.unwrap_or(0),
        })
    }
}
