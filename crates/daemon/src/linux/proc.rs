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

/// Whether a process has a file open by a description that has an open file description lock for writing on it.
/// `file` is device and inode, as stat(2) gives them. A forked child shares the description of its parent.
pub(crate) fn shows_lock(pid: i32, file: (u64, u64)) -> bool {
    lock_infos(pid, file).any(|text| text.lines().any(is_description_lock))
}

/// Whether a process also was the one that took flock(2) by that description, which nobody else can have it show.
pub(crate) fn took_lock(pid: i32, file: (u64, u64)) -> bool {
    lock_infos(pid, file).any(|text| {
        let flock = |line| flock_taker(line) == Some(pid);
        text.lines().any(is_description_lock) && text.lines().any(flock)
    })
}

/// The texts of proc_pid_fdinfo(5) for all descriptors that a process has of a file.
fn lock_infos(pid: i32, file: (u64, u64)) -> impl Iterator<Item = String> {
    let entries = fs::read_dir(format!("/proc/{pid}/fd"))
        .into_iter()
        .flatten();
    let open = entries.flatten().filter(move |entry| {
        let found = entry.path().metadata();
        found.is_ok_and(|found| (found.dev(), found.ino()) == file)
    });
    let directory = format!("/proc/{pid}/fdinfo");
    open.filter_map(move |entry| {
        fs::read_to_string(Path::new(&directory).join(entry.file_name())).ok()
    })
}

/// `lock: 1: OFDLCK ADVISORY WRITE -1 fe:00:3801120 0 0`
fn is_description_lock(line: &str) -> bool {
    matches!(write_lock(line), Some(("OFDLCK", _)))
}

/// The process that has taken a flock for writing.
fn flock_taker(line: &str) -> Option<i32> {
    match write_lock(line)? {
        ("FLOCK", pid) => Some(pid),
        _ => None,
    }
}

/// Kind and process of a lock for writing.
fn write_lock(line: &str) -> Option<(&str, i32)> {
    let mut words = line.strip_prefix("lock:")?.split_whitespace().skip(1);
    let kind = words.next()?;
    let access = words.nth(1)?;
    let pid = words.next()?.parse().ok()?;
    (access == "WRITE").then_some((kind, pid))
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
        let check = |line, expected| assert_eq!(write_lock(line), expected, "{line}");
        let lock = "lock:\t1: OFDLCK ADVISORY  WRITE -1 fe:00:3801120 0 0";
        check(lock, Some(("OFDLCK", -1)));
        let lock = "lock:\t2: FLOCK  ADVISORY  WRITE 77 fe:00:3801120 0 EOF";
        check(lock, Some(("FLOCK", 77)));
        check("lock:\t1: OFDLCK ADVISORY  READ -1 fe:00:3801120 0 0", None);
        check("lock:\t1: -> FLOCK  ADVISORY  WRITE 77 fe:00:1 0 EOF", None);
        check("pos:\t0", None);
        check("", None);
    }

    #[test]
    fn we_started_before_now() {
        let started = started(std::process::id() as i32).unwrap();
        let age = started.elapsed().unwrap();
        assert!(age < Duration::from_secs(3600), "{age:?}");
    }
}
