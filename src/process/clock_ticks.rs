//! Clock ticks: the unit of the times in `/proc/PID/stat`.

use std::sync::OnceLock;

use nix::unistd::{SysconfVar, sysconf};

/// A start time in microseconds since boot; none if it does not fit into 64 bits.
pub(super) fn start_time(ticks: u64) -> Option<u64> {
    ticks.checked_mul(microseconds_per_tick())
}

pub(super) fn microseconds_per_tick() -> u64 {
    1_000_000_u64
        .checked_div(ticks_per_second())
        .unwrap_or(10_000)
}

/// `CLK_TCK` of sysconf(3): 100 on every architecture that the kernel still supports.
pub(super) fn ticks_per_second() -> u64 {
    static TICKS: OnceLock<u64> = OnceLock::new();
    *TICKS.get_or_init(|| {
        let ticks = sysconf(SysconfVar::CLK_TCK).ok().flatten();
        let ticks = ticks.and_then(|ticks| ticks.try_into().ok());
        ticks.filter(|&ticks| ticks > 0).unwrap_or(100)
    })
}
