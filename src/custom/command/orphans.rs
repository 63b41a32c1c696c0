//! The processes of a run whose subreaper cannot end them: it was killed, or is stopped (SIGSTOP).

use std::{
    fs,
    time::{Duration, Instant},
};

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use super::{GRACE, after, pid_stat::Stat};

/// The variable by which the processes of a run are found.
pub(super) const MARK: &str = "SAMPLED_RUN";

/// How soon at first, and how seldom at most, one looks again for what is left.
const PAUSES: [Duration; 2] = [Duration::from_millis(10), Duration::from_secs(1)];

/// When the processes of a run are looked for.
pub(super) struct Sweep {
    /// The next time.
    pub(super) at: Instant,
    /// How long it was put off the last time.
    pause: Duration,
}

impl Sweep {
    /// At once: nobody else ends them.
    pub(super) fn now(now: Instant) -> Self {
        let [pause, _] = PAUSES;
        Self { at: now, pause }
    }

    /// When a guard that was told to end them would have done so.
    pub(super) fn overdue(now: Instant) -> Self {
        let [_, pause] = PAUSES;
        let at = after(after(now, GRACE), pause);
        Self { at, pause }
    }

    /// Whether it is time, which puts off the next one.
    pub(super) fn is_due(&mut self, now: Instant) -> bool {
        let is_due = self.at <= now;
        if is_due {
            self.at = after(now, self.pause);
            self.pause = PAUSES[1].min(self.pause.saturating_mul(2));
        }
        is_due
    }
}

/// Kills every process of a run but its guard. True if there was none: they may start others before they are
/// dead, and in places of the list that were looked at already, so it takes two looks to tell.
///
/// They are in the session of the guard, whose number is nobody else's until the guard is reaped; or
/// they have one of their own, and still the mark in their environment; or they are children of the guard, as all
/// of them become while it is there.
pub(super) fn kill(guard: u32, mark: &str) -> bool {
    let mark = format!("{MARK}={mark}");
    look(guard, &mark) && look(guard, &mark)
}

fn look(guard: u32, mark: &str) -> bool {
    let is_meant = |pid: &str| -> Option<bool> {
        let stat = Stat::parse(&fs::read(format!("/proc/{pid}/stat")).ok()?)?;
        let has_mark = || {
            let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            let mut variables = environment.split(|&byte| byte == 0);
            variables.any(|variable| variable == mark.as_bytes())
        };
        let is_of_run = stat.session == guard || stat.parent == guard || has_mark();
        Some(!stat.is_dead() && is_of_run)
    };
    let mut is_clean = true;
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let name = entry.file_name();
        let number = name.to_str().and_then(|name| name.parse().ok());
        let (Some(name), Some(pid)) = (name.to_str(), number.and_then(Pid::from_raw)) else {
            continue;
        };
        if pid.as_raw_nonzero().get().cast_unsigned() == guard {
            continue;
        }
        // The descriptor first: what is asked then is asked of the process that is killed.
        let Ok(process) = pidfd_open(pid, PidfdFlags::empty()) else {
            continue;
        };
        if is_meant(name) == Some(true) {
            is_clean = false;
            let _ = pidfd_send_signal(&process, Signal::KILL);
        }
    }
    is_clean
}
