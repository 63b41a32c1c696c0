//! A timer that is on time: tokio's rounds up to milliseconds, a timerfd does not.

use std::{io, os::fd::OwnedFd, time::Duration};

// nix's `TimerFd` has no `AsRawFd`, by which tokio registers a descriptor.
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};

use crate::transport::readable_fd::ReadableFd;

/// A timer on `CLOCK_MONOTONIC`. It wakes nobody while nobody waits for it.
pub(crate) struct Clock {
    timer: ReadableFd,
}

impl Clock {
    pub(crate) fn new() -> io::Result<Self> {
        let flags = TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK;
        let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        Ok(Self {
            timer: ReadableFd::new(timer)?,
        })
    }

    /// Waits until this moment of the monotonic clock; not at all if it has passed.
    pub(crate) async fn until(&self, moment: Duration) -> io::Result<()> {
        // A moment of zero would disarm the timer.
        let moment = moment.max(Duration::from_nanos(1));
        let setting = Itimerspec {
            it_interval: timespec(Duration::ZERO),
            it_value: timespec(moment),
        };
        let timer = self.timer.descriptor();
        timerfd_settime(timer, TimerfdTimerFlags::ABSTIME, &setting)?;
        let mut expirations = [0; 8];
        let read = |timer: &OwnedFd| Ok(nix::unistd::read(timer, &mut expirations)?);
        self.timer.read_all(read).await.map(drop)
    }
}

fn timespec(duration: Duration) -> Timespec {
    Timespec {
        tv_sec: duration.as_secs() as i64,
        tv_nsec: i64::from(duration.subsec_nanos()),
    }
}
