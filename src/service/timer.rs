//! A timer on a timerfd, which is exact: tokio's timers round up to milliseconds.

use std::{io, time::Duration};

// nix's `TimerFd` has no `AsRawFd`, by which tokio registers a descriptor.
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};

use crate::{reading::monotonic, transport::readable_fd::ReadableFd};

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
        // An earlier wait may have been given up just when the timer expired. The number of expirations, which setting the
        // timer makes 0 again, need not be read.
        self.timer.wait_until(|| monotonic() >= moment).await
    }
}

fn timespec(duration: Duration) -> Timespec {
    Timespec {
        tv_sec: duration.as_secs() as i64,
        tv_nsec: i64::from(duration.subsec_nanos()),
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use tokio::task::yield_now;

    use super::*;

    #[tokio::test]
    async fn a_wait_ends_at_its_moment() {
        let timer = Timer::new().unwrap();
        for _ in 0..20 {
            let moment = monotonic() + Duration::from_millis(2);
            timer.until(moment).await.unwrap();
            assert!(monotonic() >= moment);
        }
        // Also one that has passed.
        timer.until(Duration::ZERO).await.unwrap();
    }

    #[tokio::test]
    async fn a_wait_that_was_given_up_does_not_end_the_next_one() {
        let timer = Timer::new().unwrap();
        for _ in 0..20 {
            let first = monotonic() + Duration::from_millis(1);
            assert!(timer.until(first).now_or_never().is_none());
            while monotonic() < first {
                yield_now().await;
            }
            let second = monotonic() + Duration::from_millis(2);
            timer.until(second).await.unwrap();
            assert!(monotonic() >= second);
        }
    }
}
