//! /proc/PID/stat, proc(5).

use std::{fs, str};

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

/// Whether a process is stopped by a signal.
pub(super) fn is_stopped(pid: u32) -> bool {
    let stat = fs::read(format!("/proc/{pid}/stat")).unwrap_or_default();
    Stat::parse(&stat).is_some_and(|stat| stat.state == b'T')
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
