//! Facts of other processes, from proc(5). All of them are `None` where /proc does not show them: it is not
//! mounted, `hidepid` hides the process, or the process is gone.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use nix::time::{ClockId, clock_gettime};
use nix::unistd::{SysconfVar, sysconf};

/// Fields of proc_pid_stat(5).
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Stat {
    pub(crate) state: char,
    pub(crate) session: i32,
    /// In clock ticks since boot.
    start_time: u64,
}

impl Stat {
    pub(crate) fn read(pid: i32) -> Option<Self> {
        Self::parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    /// Whether the process runs no more and is only waited for: a zombie.
    pub(crate) fn has_ended(&self) -> bool {
        matches!(self.state, 'Z' | 'X')
    }

    fn parse(text: &str) -> Option<Self> {
        // Field 2 is the name in parentheses, which may contain anything.
        let (_, fields) = text.rsplit_once(") ")?;
        let mut fields = fields.split_whitespace();
        Some(Self {
            state: fields.next()?.chars().next()?,
            session: fields.nth(2)?.parse().ok()?,
            start_time: fields.nth(15)?.parse().ok()?,
        })
    }
}

/// When a process started.
pub(crate) fn started(pid: i32) -> Option<SystemTime> {
    let ticks = Stat::read(pid)?.start_time;
    let rate = u64::try_from(sysconf(SysconfVar::CLK_TCK).ok()??).ok()?;
    let whole = Duration::from_secs(ticks.checked_div(rate)?);
    let rest = Duration::from_secs(ticks.checked_rem(rate)?).checked_div(rate.try_into().ok()?)?;
    let up = Duration::from(clock_gettime(ClockId::CLOCK_BOOTTIME).ok()?);
    SystemTime::now().checked_sub(up.checked_sub(whole.checked_add(rest)?)?)
}

/// The real user id of a process, from proc_pid_status(5).
pub(crate) fn real_user(pid: i32) -> Option<u32> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("Uid:"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// All processes of a session, the ended ones left out.
pub(crate) fn members(session: i32) -> Option<Vec<i32>> {
    let member = |pid: &i32| {
        Stat::read(*pid).is_some_and(|stat| stat.session == session && !stat.has_ended())
    };
    Some(processes()?.filter(member).collect())
}

/// The first process that [`shows_lock`].
pub(crate) fn lock_holder(file: (u64, u64)) -> Option<i32> {
    processes()?.find(|&pid| shows_lock(pid, file))
}

fn processes() -> Option<impl Iterator<Item = i32>> {
    let entries = fs::read_dir("/proc").ok()?.flatten();
    Some(entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()))
}

/// Whether a process has a file open by a description that has an open file description lock for writing on it,
/// from proc_pid_fdinfo(5). `file` is device and inode, as stat(2) gives them.
pub(crate) fn shows_lock(pid: i32, file: (u64, u64)) -> bool {
    let Ok(entries) = fs::read_dir(format!("/proc/{pid}/fd")) else {
        return false;
    };
    let open = entries.flatten().filter(|entry| {
        let found = entry.path().metadata();
        found.is_ok_and(|found| (found.dev(), found.ino()) == file)
    });
    open.map(|entry| entry.file_name()).any(|fd| {
        let path = Path::new("/proc").join(pid.to_string()).join("fdinfo");
        let text = fs::read_to_string(path.join(fd)).unwrap_or_default();
        text.lines().any(is_write_lock)
    })
}

fn is_write_lock(line: &str) -> bool {
    let mut words = line.split_whitespace();
    let known = words.next() == Some("lock:") && words.nth(1) == Some("OFDLCK");
    known && words.nth(1) == Some("WRITE")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_stat() {
        let text = "1234 (a) b) S 1 77 78 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 4242 3145728 1";
        let expected = Stat {
            state: 'S',
            session: 78,
            start_time: 4242,
        };
        assert_eq!(Stat::parse(text), Some(expected));
        assert_eq!(Stat::parse("1234 (cut) S 1 77"), None);
        assert_eq!(Stat::parse(""), None);
    }

    #[test]
    fn a_lock_in_fdinfo() {
        let check = |line, expected| assert_eq!(is_write_lock(line), expected, "{line}");
        check(
            "lock:\t1: OFDLCK ADVISORY  WRITE -1 fe:00:3801120 0 0",
            true,
        );
        check(
            "lock:\t1: OFDLCK ADVISORY  READ -1 fe:00:3801120 0 0",
            false,
        );
        check(
            "lock:\t2: FLOCK  ADVISORY  WRITE 77 fe:00:3801120 0 EOF",
            false,
        );
        check("pos:\t0", false);
        check("", false);
    }

    #[test]
    fn we_started_before_now() {
        let started = started(std::process::id() as i32).unwrap();
        let age = started.elapsed().unwrap();
        assert!(age < Duration::from_secs(3600), "{age:?}");
    }
}
