//! The kernel's measure of time, as processes see it.

use std::sync::OnceLock;

use nix::unistd::{SysconfVar, sysconf};

/// Ticks since boot, in microseconds.
pub(super) fn start_time(ticks: u64) -> u64 {
    ticks.saturating_mul(1_000_000 / ticks_a_second())
}

/// `CLK_TCK`: 100 on every architecture that still has a kernel.
pub(super) fn ticks_a_second() -> u64 {
    static TICKS: OnceLock<u64> = OnceLock::new();
    *TICKS.get_or_init(|| {
        let ticks = sysconf(SysconfVar::CLK_TCK).ok().flatten();
        ticks.and_then(|ticks| ticks.try_into().ok()).unwrap_or(100)
    })
}
