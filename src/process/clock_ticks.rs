//! Clock ticks: the unit of the times in `/proc/PID/stat`.

use std::sync::OnceLock;

use nix::unistd::{SysconfVar, sysconf};

/// The start time of a process of which the kernel does not tell it. It identifies a process no better than its pid.
pub(super) const UNKNOWN_START: u64 = u64::MAX;

/// A start time in microseconds since boot; [`UNKNOWN_START`] without one that fits into 64 bits.
pub(super) fn start_time(ticks: Option<u64>) -> u64 {
    ticks
        .and_then(|ticks| ticks.checked_mul(microseconds_per_tick()))
        .unwrap_or(UNKNOWN_START)
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
