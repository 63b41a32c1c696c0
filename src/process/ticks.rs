//! The kernel's measure of time, as processes see it.

use std::sync::OnceLock;

use nix::unistd::{SysconfVar, sysconf};

/// Ticks since boot, in microseconds, if they fit.
pub(super) fn start_time(ticks: u64) -> Option<u64> {
    ticks.checked_mul(microseconds_a_tick())
}

pub(super) fn microseconds_a_tick() -> u64 {
    1_000_000_u64
        .checked_div(ticks_a_second())
        .unwrap_or(10_000)
}

/// `CLK_TCK`: 100 on every architecture that still has a kernel.
pub(super) fn ticks_a_second() -> u64 {
    static TICKS: OnceLock<u64> = OnceLock::new();
    *TICKS.get_or_init(|| {
        let ticks = sysconf(SysconfVar::CLK_TCK).ok().flatten();
        let ticks = ticks.and_then(|ticks| ticks.try_into().ok());
        ticks.filter(|&ticks| ticks > 0).unwrap_or(100)
    })
}
