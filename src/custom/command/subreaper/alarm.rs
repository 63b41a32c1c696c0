//! A timer of the kernel that continues this process if it is stopped (SIGSTOP), without help of another process.

use std::time::Duration;

use nix::{
    sys::{
        signal::{SigEvent, SigevNotify, Signal},
        time::TimeSpec,
        timer::{Expiration, Timer, TimerSetTimeFlags},
    },
    time::ClockId,
};

/// The delay of SIGCONT after the planned wake-up: a process that is not stopped has woken up by then, and sets
/// the timer anew.
const MARGIN: Duration = Duration::from_millis(10);

/// The time between two SIGCONTs, for a process that is stopped again before it runs.
const INTERVAL: Duration = Duration::from_millis(10);

/// Sends SIGCONT to this process until it is set anew or dropped.
pub(super) struct Alarm(Timer);

impl Alarm {
    /// An alarm that goes off after this time.
    pub(super) fn new(timeout: Duration) -> nix::Result<Self> {
        let notify = SigevNotify::SigevSignal {
            signal: Signal::SIGCONT,
            si_value: 0,
        };
        let timer = Timer::new(ClockId::CLOCK_MONOTONIC, SigEvent::new(notify))?;
        let mut alarm = Self(timer);
        alarm.set(timeout);
        Ok(alarm)
    }

    /// Sets the alarm anew, to go off after this time.
    pub(super) fn set(&mut self, timeout: Duration) {
        let time = TimeSpec::from_duration(timeout.saturating_add(MARGIN));
        let interval = TimeSpec::from_duration(INTERVAL);
        let _ = self.0.set(
            Expiration::IntervalDelayed(time, interval),
            TimerSetTimeFlags::empty(),
        );
    }
}
