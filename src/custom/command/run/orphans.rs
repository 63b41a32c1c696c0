//! Kills the processes of a run whose subreaper cannot end them, because it was killed or is stopped (SIGSTOP).

use std::{
    fs,
    time::{Duration, Instant},
};

// nix has no pidfd_open(2) and no pidfd_send_signal(2).
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use crate::custom::command::{GRACE, after, pid_stat::Stat};

/// The environment variable that marks the processes of a run.
pub(super) const MARK: &str = "SAMPLED_RUN";

/// The first pause between two searches for remaining processes, and the longest one.
const PAUSES: [Duration; 2] = [Duration::from_millis(10), Duration::from_secs(1)];

/// The times of the searches for the processes of a run.
pub(super) struct Sweep {
    /// The next time.
    pub(super) at: Instant,
    /// The pause after the next search.
    pause: Duration,
}

impl Sweep {
    /// Begins at once: the subreaper is dead.
    pub(super) fn now(now: Instant) -> Self {
        let [pause, _] = PAUSES;
        Self { at: now, pause }
    }

    /// Begins when a subreaper that was told to end the run should have done so.
    pub(super) fn overdue(now: Instant) -> Self {
        let [_, pause] = PAUSES;
        let at = after(after(now, GRACE), pause);
        Self { at, pause }
    }

    /// Whether a search is due. If so, it is counted as done.
    pub(super) fn is_due(&mut self, now: Instant) -> bool {
        let is_due = self.at <= now;
        if is_due {
            self.at = after(now, self.pause);
            self.pause = PAUSES[1].min(self.pause.saturating_mul(2));
        }
        is_due
    }
}

/// Kills every process of a run except its subreaper. Returns true if two passes over /proc have found none: a
/// process may fork before it is dead, and the child may appear where the first pass has been already.
///
/// A process belongs to the run if it is in the session of the subreaper, whose id cannot be reused before the
/// subreaper is reaped; if it has the mark in its environment; or if it is a child of the subreaper, to which
/// orphans are reparented while it lives.
pub(super) fn kill(subreaper: u32, mark: &str) -> bool {
    let mark = format!("{MARK}={mark}");
    kill_once(subreaper, &mark) && kill_once(subreaper, &mark)
}

fn kill_once(subreaper: u32, mark: &str) -> bool {
    let is_meant = |pid: &str| -> Option<bool> {
        let stat = Stat::parse(&fs::read(format!("/proc/{pid}/stat")).ok()?)?;
        let has_mark = || {
            let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            let mut variables = environment.split(|&byte| byte == 0);
            variables.any(|variable| variable == mark.as_bytes())
        };
        let is_of_run = stat.session == subreaper || stat.parent == subreaper || has_mark();
        Some(!stat.is_dead() && is_of_run)
    };
    let mut is_clean = true;
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let name = entry.file_name();
        let number = name.to_str().and_then(|name| name.parse().ok());
        let (Some(name), Some(pid)) = (name.to_str(), number.and_then(Pid::from_raw)) else {
            continue;
        };
        if pid.as_raw_nonzero().get().cast_unsigned() == subreaper {
            continue;
        }
        // The pidfd before the checks, so that they apply to the process that is killed.
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
