//! What is left of a run whose guard was killed.

use std::{fs, str};

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

/// The variable by which the processes of a run are found.
pub(super) const MARK: &str = "SAMPLED_RUN";

/// Two fields of /proc/PID/stat, proc(5).
pub(super) struct Stat {
    state: u8,
    pub(super) parent: u32,
    session: u32,
}

impl Stat {
    pub(super) fn parse(line: &[u8]) -> Option<Self> {
        // The name of the program, in parentheses, may have anything in it.
        let end = line.iter().rposition(|&byte| byte == b')')?;
        let after = line[end..].strip_prefix(b")")?;
        let mut fields = str::from_utf8(after).ok()?.split_ascii_whitespace();
        Some(Self {
            state: *fields.next()?.as_bytes().first()?,
            parent: fields.next()?.parse().ok()?,
            session: fields.nth(1)?.parse().ok()?,
        })
    }

    /// Whether it is dead, and only waits to be reaped.
    fn is_dead(&self) -> bool {
        matches!(self.state, b'Z' | b'X')
    }
}

/// Kills every process of a run. True if there was none: they may start others before they are dead, and in
/// places of the list that were looked at already, so it takes two looks to tell.
///
/// They are in the session of the guard, whose number is nobody else's until the guard is reaped; or
/// they have one of their own, and still the mark in their environment.
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
        Some(!stat.is_dead() && (stat.session == guard || has_mark()))
    };
    let mut is_clean = true;
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let name = entry.file_name();
        let number = name.to_str().and_then(|name| name.parse().ok());
        let (Some(name), Some(pid)) = (name.to_str(), number.and_then(Pid::from_raw)) else {
            continue;
        };
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields() {
        let stat = Stat::parse(b"12 (a) b (c)) S 7 12 9 0 -1 4194560 1\n").unwrap();
        assert_eq!((stat.state, stat.parent, stat.session), (b'S', 7, 9));
        assert!(!stat.is_dead());
        assert!(Stat::parse(b"12 (a) Z 7 12 9").unwrap().is_dead());
        assert!(Stat::parse(b"12 (a").is_none());
        assert!(Stat::parse(b"12 (a) S 7 12").is_none());
    }
}
