//! The counters of a CPU.

use super::times::CpuTimes;

/// The columns of one line: its owner, and counters in ticks.
pub(super) const USED: usize = 1;
pub(super) const USER: usize = 2;
pub(super) const SYSTEM: usize = 3;
pub(super) const WAIT: usize = 4;
pub(super) const TOTAL: usize = 5;
pub(super) const WIDTH: usize = 6;

/// The last counters of a line, and the number of times that they began anew: when a CPU comes back that was offline,
/// the kernel may count some of its times from 0.
#[derive(Clone, Default)]
pub(in crate::kernel) struct LastCounters {
    counters: Counters,
    resets: u16,
}

/// The columns of a line after its owner; none for a time that the kernel does not count.
pub(super) type Counters = [Option<u64>; WIDTH - 1];

/// The counters of a line. Sums are modulo 2^64, as those of the kernel: a bug of the kernel that makes a time negative
/// leaves the sum right.
pub(super) fn counters(rest: &[u8]) -> Option<Counters> {
    let times = CpuTimes::parse(rest)?;
    let user = times.user.wrapping_add(times.nice);
    let system = times.system.wrapping_add(times.irq);
    let system = system.wrapping_add(times.softirq);
    let used = user.wrapping_add(system).wrapping_add(times.steal);
    // While a CPU is idle, the kernel counts the time since it became idle as iowait if a task that last ran on
    // it waits for a disk, and as idle once that task has moved to another CPU. Then the time moves from one
    // counter to the other, and each of the two may go backwards (proc(5); `get_iowait_time` in
    // fs/proc/stat.c). Their sum does not. So the total and the usage are right, and only the share of iowait
    // has no value once.
    let idle = times.idle.wrapping_add(times.iowait.unwrap_or(0));
    let total = used.wrapping_add(idle);
    Some([
        Some(used),
        Some(user),
        Some(system),
        times.iowait,
        Some(total),
    ])
}

impl LastCounters {
    /// Stores the counters of now. Returns how often they began anew.
    pub(super) fn replace(&mut self, now: Counters) -> u16 {
        // iowait alone may go backwards.
        let is_reset = [USED, USER, SYSTEM, TOTAL]
            .iter()
            .any(|column| now[column.saturating_sub(1)] < self.counters[column.saturating_sub(1)]);
        if is_reset {
            self.resets = self.resets.wrapping_add(1);
        }
        self.counters = now;
        self.resets
    }
}
