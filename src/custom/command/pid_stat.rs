//! /proc/PID/stat and /proc/PID/status, proc(5).

use std::{fs, str};

use nix::sys::signal::Signal;

/// Three of its fields.
pub(super) struct Stat {
    state: u8,
    pub(super) parent: u32,
    pub(super) session: u32,
}

impl Stat {
    pub(super) fn parse(line: &[u8]) -> Option<Self> {
        // The name of the program, in parentheses, may contain any byte.
        let end = line.iter().rposition(|&byte| byte == b')')?;
        let after = line[end..].strip_prefix(b")")?;
        let mut fields = str::from_utf8(after).ok()?.split_ascii_whitespace();
        Some(Self {
            state: *fields.next()?.as_bytes().first()?,
            parent: fields.next()?.parse().ok()?,
            session: fields.nth(1)?.parse().ok()?,
        })
    }

    /// Whether it is a zombie or dead.
    pub(super) fn is_dead(&self) -> bool {
        matches!(self.state, b'Z' | b'X')
    }
}

/// Whether a process is stopped by a signal, or stops as soon as a CPU is free for it: a SIGSTOP is pending.
pub(super) fn is_stopped(pid: u32) -> bool {
    let stat = fs::read(format!("/proc/{pid}/stat")).unwrap_or_default();
    let is_stopped = Stat::parse(&stat).is_some_and(|stat| stat.state == b'T');
    is_stopped || has_pending_stop(&fs::read(format!("/proc/{pid}/status")).unwrap_or_default())
}

/// Whether SIGSTOP is among the pending signals of the process in the text of /proc/PID/status.
fn has_pending_stop(status: &[u8]) -> bool {
    const STOP: u64 = 1 << (Signal::SIGSTOP as u32 - 1);
    let lines = status.split(|&byte| byte == b'\n');
    let mut pending = lines.filter_map(|line| {
        let set = line.strip_prefix(b"ShdPnd:")?;
        u64::from_str_radix(str::from_utf8(set).ok()?.trim(), 16).ok()
    });
    pending.any(|set| set & STOP != 0)
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

    #[test]
    fn a_pending_sigstop() {
        let status = |set: &str| format!("Name:\ta\nSigPnd:\t0000000000040000\nShdPnd:\t{set}\n");
        assert!(has_pending_stop(status("0000000000040000").as_bytes()));
        assert!(has_pending_stop(status("0000000000060100").as_bytes()));
        assert!(!has_pending_stop(status("0000000000020000").as_bytes()));
        assert!(!has_pending_stop(b""));
    }
}
