//! A timer on a timerfd, which is exact: tokio's timers round up to milliseconds.

use std::{io, os::fd::OwnedFd, time::Duration};

// nix's `TimerFd` has no `AsRawFd`, by which tokio registers a descriptor.
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};

use crate::transport::readable_fd::ReadableFd;

/// A timer on `CLOCK_MONOTONIC`. It is disarmed until [`until`](Self::until) is called.
pub(crate) struct Timer {
    timer: ReadableFd,
}

impl Timer {
    pub(crate) fn new() -> io::Result<Self> {
        let flags = TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK;
        let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        Ok(Self {
            timer: ReadableFd::new(timer)?,
        })
    }

    /// Waits until a moment of the monotonic clock. If the moment has passed, other tasks have their turn first: the reads
    /// of a stream can take longer than its interval, and calls must not wait for its end.
    pub(crate) async fn until(&self, moment: Duration) -> io::Result<()> {
        // Zero would disarm the timer.
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
