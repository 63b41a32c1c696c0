//! A timer that is on time: tokio's rounds up to milliseconds, a timerfd does not.

use std::{io, os::fd::OwnedFd, time::Duration};

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};
use tokio::io::{Interest, unix::AsyncFd};

/// A timer on `CLOCK_MONOTONIC`. It wakes nobody while nobody waits for it.
pub(crate) struct Clock {
    timer: AsyncFd<OwnedFd>,
}

impl Clock {
    pub(crate) fn new() -> io::Result<Self> {
        let flags = TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK;
        let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        // SAFETY: an `OwnedFd` is open and the same descriptor until it is dropped, and it is
        // dropped with the `AsyncFd` that owns it.
        #[allow(unsafe_code, reason = "tokio has no safe way to wait for a timerfd")]
        let timer = unsafe { AsyncFd::register_with_interest(timer, Interest::READABLE) }?;
        Ok(Self { timer })
    }

    /// Waits until this moment of the monotonic clock; not at all if it has passed.
    pub(crate) async fn until(&self, moment: Duration) -> io::Result<()> {
        // A moment of zero would disarm the timer.
        let moment = moment.max(Duration::from_nanos(1));
        let setting = Itimerspec {
            it_interval: timespec(Duration::ZERO),
            it_value: timespec(moment),
        };
        timerfd_settime(&self.timer, TimerfdTimerFlags::ABSTIME, &setting)?;
        loop {
            let mut ready = self.timer.readable().await?;
            let mut expirations = [0; 8];
            match ready.try_io(|timer| Ok(rustix::io::read(timer, &mut expirations)?)) {
                Ok(Ok(_)) => {
                    // It has expired once, and is read empty: the next wait need not look first.
                    ready.clear_ready();
                    return Ok(());
                }
                Ok(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(Err(error)) => return Err(error),
                // An expiry of an earlier setting that nobody waited for.
                Err(_would_block) => {}
            }
        }
    }
}

fn timespec(duration: Duration) -> Timespec {
    Timespec {
        tv_sec: duration.as_secs() as i64,
        tv_nsec: i64::from(duration.subsec_nanos()),
    }
}
