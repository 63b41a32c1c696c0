//! Timers of the kernel that continue this process if it is stopped (SIGSTOP), without help of another process.

use std::time::Duration;

use nix::{
    sys::{
        signal::{SigEvent, SigevNotify, Signal},
        time::TimeSpec,
        timer::{Expiration, Timer, TimerSetTimeFlags},
    },
    time::ClockId,
};

/// The delay of the first SIGCONT after the planned wake-up: a process that is not stopped has woken up by then, and
/// sets the timers anew.
const MARGIN: Duration = Duration::from_millis(10);

/// The number of timers. The last one goes off ten seconds after the planned wake-up.
const TIMERS: u32 = 32;

/// Sends SIGCONT to this process several times, until it is set anew or dropped: another process may stop this one
/// again before it runs.
///
/// Each SIGCONT has its own timer. A timer with an interval sends one signal and sends the next one only after the
/// process has taken the first, and a SIGSTOP discards a pending SIGCONT.
pub(super) struct Alarm(Vec<Timer>);

impl Alarm {
    /// An alarm that goes off after this time. `None` if the kernel has no timer left for this user.
    pub(super) fn new(timeout: Duration) -> Option<Self> {
        let notify = SigevNotify::SigevSignal {
            signal: Signal::SIGCONT,
            si_value: 0,
        };
        let timer = || Timer::new(ClockId::CLOCK_MONOTONIC, SigEvent::new(notify));
        let mut alarm = Self((0..TIMERS).map_while(|_| timer().ok()).collect());
        alarm.set(timeout);
        (!alarm.0.is_empty()).then_some(alarm)
    }

    /// Sets the alarm anew, to go off after this time.
    pub(super) fn set(&mut self, timeout: Duration) {
        for (timer, number) in self.0.iter_mut().zip(1u32..) {
            // The pauses grow, because what lasts for long is rare and not urgent.
            let delay = MARGIN.saturating_mul(number.saturating_mul(number));
            let time = TimeSpec::from_duration(timeout.saturating_add(delay));
            let _ = timer.set(Expiration::OneShot(time), TimerSetTimeFlags::empty());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        env,
        io::{self, BufRead, BufReader, Write},
        process::{Command, Stdio},
        thread,
        time::Instant,
    };

    use nix::{
        sys::signal::{SigSet, kill},
        unistd::Pid,
    };

    use super::*;
    use crate::custom::command::pid_stat;

    const IS_CHILD: &str = "SAMPLED_TEST_ALARM";

    #[test]
    fn it_continues_a_process_that_is_stopped_again() {
        if env::var_os(IS_CHILD).is_some() {
            SigSet::all().thread_block().unwrap();
            let _alarm = Alarm::new(Duration::from_millis(100)).unwrap();
            writeln!(io::stdout(), "the alarm is set").unwrap();
            thread::sleep(Duration::from_secs(60));
            return;
        }
        let test = "it_continues_a_process_that_is_stopped_again";
        let mut child = Command::new(env::current_exe().unwrap())
            .args([test, "--nocapture", "--test-threads=1"])
            .env(IS_CHILD, "")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(lines.any(|line| line.unwrap().contains("the alarm is set")));
        let until = Instant::now() + Duration::from_secs(8);
        let pid = Pid::from_raw(child.id().cast_signed());
        let stop = || {
            kill(pid, Signal::SIGSTOP).unwrap();
            pid_stat::is_stopped(child.id())
        };
        let is_in_time = |is_true: &dyn Fn() -> bool| {
            while Instant::now() < until {
                if is_true() {
                    return true;
                }
                thread::yield_now();
            }
            false
        };
        let is_continued =
            |_: &i32| is_in_time(&stop) && is_in_time(&|| !pid_stat::is_stopped(child.id()));
        let continued = (0..5).take_while(is_continued).count();
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(continued, 5);
    }
}
