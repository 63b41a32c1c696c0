//! A timer that continues the process if it is stopped (SIGSTOP): the kernel needs nobody for that.

use std::time::Duration;

use nix::{
    sys::{
        signal::{SigEvent, SigevNotify, Signal},
        time::TimeSpec,
        timer::{Expiration, Timer, TimerSetTimeFlags},
    },
    time::ClockId,
};

/// How much later than the process means to be awake: it is then awake in most cases.
const MARGIN: Duration = Duration::from_millis(10);

/// Sends SIGCONT to this process once.
pub(super) struct Alarm(Timer);

impl Alarm {
    /// An alarm for when this much time has passed.
    pub(super) fn new(patience: Duration) -> nix::Result<Self> {
        let notify = SigevNotify::SigevSignal {
            signal: Signal::SIGCONT,
            si_value: 0,
        };
        let timer = Timer::new(ClockId::CLOCK_MONOTONIC, SigEvent::new(notify))?;
        let mut alarm = Self(timer);
        alarm.set(patience);
        Ok(alarm)
    }

    /// Puts it off until this much time has passed.
    pub(super) fn set(&mut self, patience: Duration) {
        let time = TimeSpec::from_duration(patience.saturating_add(MARGIN));
        let _ = self
            .0
            .set(Expiration::OneShot(time), TimerSetTimeFlags::empty());
    }
}
