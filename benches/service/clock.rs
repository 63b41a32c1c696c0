//! The clocks, and sleeps until a moment.

use std::time::Duration;

use nix::time::{ClockId, clock_gettime};
use rustix::thread::clock_nanosleep_absolute;

/// The real time of the start of the monotonic clock. Of five measurements, the shortest counts.
pub(crate) fn realtime_of_boot() -> Duration {
    let measure = |_| {
        let before = monotonic();
        let realtime = clock(ClockId::CLOCK_REALTIME);
        let took = monotonic() - before;
        (took, realtime - before - took / 2)
    };
    let (_, difference) = (0..5).map(measure).min().expect("five measurements");
    difference
}

pub(crate) fn next_on_grid(interval: Duration) -> Duration {
    let steps = monotonic().as_nanos() / interval.as_nanos() + 1;
    interval * u32::try_from(steps).expect("the machine runs for less than years")
}

pub(crate) fn sleep_until(moment: Duration) {
    let moment = moment.try_into().expect("a moment");
    clock_nanosleep_absolute(rustix::thread::ClockId::Monotonic, &moment).expect("sleep");
}

pub(crate) fn monotonic() -> Duration {
    clock(ClockId::CLOCK_MONOTONIC)
}

fn clock(id: ClockId) -> Duration {
    clock_gettime(id).expect("the clocks of POSIX").into()
}
