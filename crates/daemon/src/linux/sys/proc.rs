//! Reads other processes in proc(5). A function returns `None` where /proc does not show the value: /proc is not
//! mounted or is that of another pid namespace, `hidepid` hides the process, or the process is gone.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
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
        // The name of a process need not be UTF-8.
        Self::parse(&String::from_utf8_lossy(
            &fs::read(path(pid)?.join("stat")).ok()?,
        ))
    }

    /// Whether the process has ended and is not reaped.
    pub(crate) fn is_zombie(&self) -> bool {
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

/// The directory of a process, if /proc is that of this process's pid namespace.
fn path(pid: i32) -> Option<PathBuf> {
    let ours = fs::read_link("/proc/self").ok()?;
    let same = ours.to_str() == Some(std::process::id().to_string().as_str());
    same.then(|| Path::new("/proc").join(pid.to_string()))
}

/// The start time of a process.
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
    let status = fs::read(path(pid)?.join("status")).ok()?;
    let status = String::from_utf8_lossy(&status);
    let line = status.lines().find_map(|line| line.strip_prefix("Uid:"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// All processes of a session, without zombies.
pub(crate) fn session_members(session: i32) -> Option<Vec<i32>> {
    let member = |pid: &i32| {
        Stat::read(*pid).is_some_and(|stat| stat.session == session && !stat.is_zombie())
    };
    Some(processes()?.filter(member).collect())
}

fn processes() -> Option<impl Iterator<Item = i32>> {
    path(1)?;
    let entries = fs::read_dir("/proc").ok()?.flatten();
    Some(entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()))
}

/// The locks of a process on a file, as far as /proc shows them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileLocks {
    /// /proc shows them to the same user and with CAP_SYS_PTRACE only, and not under hidepid.
    Hidden,
    /// The locks that the process has.
    Shown {
        /// The open file description lock for writing. A forked child shares it with its parent.
        ofd: bool,
        /// The flock on the same open file description, if this process itself has taken it. No other process can make
        /// the kernel show this process id.
        flock: bool,
        /// The record lock for writing.
        record: bool,
    },
}

/// The locks of a process on a file, from proc_pid_fdinfo(5). `file` is device and inode, as stat(2) gives them.
pub(crate) fn file_locks(pid: i32, file: (u64, u64)) -> FileLocks {
    try_locks(pid, file).unwrap_or(FileLocks::Hidden)
}

fn try_locks(pid: i32, file: (u64, u64)) -> Option<FileLocks> {
    let path = path(pid)?;
    let (mut ofd, mut flock, mut record) = (false, false, false);
    for entry in fs::read_dir(path.join("fd")).ok()?.flatten() {
        let text = match fs::read_to_string(path.join("fdinfo").join(entry.file_name())) {
            Ok(text) => text,
            // The descriptor has just been closed.
            Err(cause) if cause.kind() == ErrorKind::NotFound => continue,
            // Without CAP_SYS_PTRACE root may list the descriptors, but not read their fdinfo.
            Err(_) => return None,
        };
        let locks: Vec<_> = text.lines().filter_map(parse_write_lock).collect();
        // No stat(2) of files without locks: on a dead network file system it might hang.
        if locks.is_empty() {
            continue;
        }
        let found = entry.path().metadata().ok()?;
        if (found.dev(), found.ino()) == file {
            let has = |wanted| locks.iter().any(|&(kind, _)| kind == wanted);
            ofd |= has("OFDLCK");
            flock |= locks.contains(&("FLOCK", pid));
            record |= has("POSIX");
        }
    }
    Some(FileLocks::Shown { ofd, flock, record })
}

/// The first process with an open file description lock on the file.
pub(crate) fn find_lock_holder(file: (u64, u64)) -> Option<i32> {
    processes()?.find(|&pid| matches!(file_locks(pid, file), FileLocks::Shown { ofd: true, .. }))
}

/// The type and the process of a lock for writing, as in `lock: 1: FLOCK ADVISORY WRITE 77 fe:00:3801120 0 EOF`.
fn parse_write_lock(line: &str) -> Option<(&str, i32)> {
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
    fn the_fields_of_stat_are_parsed() {
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
    fn write_locks_in_fdinfo_are_parsed() {
        let check = |line, expected| assert_eq!(parse_write_lock(line), expected, "{line}");
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
    fn the_start_time_of_this_process_is_recent() {
        let started = started(std::process::id() as i32).unwrap();
        let age = started.elapsed().unwrap();
        assert!(age < Duration::from_secs(3600), "{age:?}");
    }
}
