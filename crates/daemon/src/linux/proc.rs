//! Facts of other processes, from proc(5). All of them are `None` where /proc does not show them: it is not
//! mounted, it is that of another pid namespace, `hidepid` hides the process, or the process is gone.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, ErrorKind};
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
        Self::parse(&fs::read_to_string(path(pid)?.join("stat")).ok()?)
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

/// The directory of a process, if /proc has the numbers of our pid namespace.
fn path(pid: i32) -> Option<PathBuf> {
    let ours = fs::read_link("/proc/self").ok()?;
    let same = ours.to_str() == Some(std::process::id().to_string().as_str());
    same.then(|| Path::new("/proc").join(pid.to_string()))
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
    let status = fs::read_to_string(path(pid)?.join("status")).ok()?;
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

fn processes() -> Option<impl Iterator<Item = i32>> {
    path(1)?;
    let entries = fs::read_dir("/proc").ok()?.flatten();
    Some(entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()))
}

/// What /proc shows of a process and its locks on a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Locks {
    /// That may not be seen: only by the same user, or with CAP_SYS_PTRACE.
    Hidden,
    /// These are there.
    Shown {
        /// The open file description lock for writing. A forked child shares the description of its parent.
        description: bool,
        /// The flock by the same description, taken by this very process. Nobody else can have it show that.
        flock: bool,
        /// The record lock for writing.
        record: bool,
    },
}

/// A file that another process may have open.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OpenFile<'a> {
    /// Its name, without the directory.
    pub(crate) name: &'a OsStr,
    /// Device and inode, as stat(2) gives them.
    pub(crate) identity: (u64, u64),
}

impl OpenFile<'_> {
    /// The name first: stat(2) of whatever else the process has open may hang, on a dead network file system.
    fn is_at(self, link: &Path) -> io::Result<bool> {
        if fs::read_link(link)?.file_name() != Some(self.name) {
            return Ok(false);
        }
        let found = link.metadata()?;
        Ok((found.dev(), found.ino()) == self.identity)
    }
}

/// The locks of a process on a file, from proc_pid_fdinfo(5).
pub(crate) fn locks(pid: i32, file: OpenFile<'_>) -> Locks {
    let Some(path) = path(pid) else {
        return Locks::Hidden;
    };
    let entries = match fs::read_dir(path.join("fd")) {
        Ok(entries) => entries,
        Err(cause) if cause.kind() == ErrorKind::NotFound => return NO_LOCKS,
        Err(_) => return Locks::Hidden,
    };
    let (mut description, mut flock, mut record) = (false, false, false);
    for entry in entries.flatten() {
        match file.is_at(&entry.path()) {
            Ok(true) => {}
            // Without CAP_SYS_PTRACE root may list the numbers, and not follow them.
            Err(cause) if cause.kind() == ErrorKind::PermissionDenied => return Locks::Hidden,
            _ => continue,
        }
        let Ok(text) = fs::read_to_string(path.join("fdinfo").join(entry.file_name())) else {
            return Locks::Hidden;
        };
        for (kind, taker) in text.lines().filter_map(write_lock) {
            description |= kind == "OFDLCK";
            flock |= kind == "FLOCK" && taker == pid;
            record |= kind == "POSIX";
        }
    }
    Locks::Shown {
        description,
        flock,
        record,
    }
}

const NO_LOCKS: Locks = Locks::Shown {
    description: false,
    flock: false,
    record: false,
};

/// The first process that shows the open file description lock.
pub(crate) fn lock_holder(file: OpenFile<'_>) -> Option<i32> {
    processes()?.find(|&pid| {
        matches!(
            locks(pid, file),
            Locks::Shown {
                description: true,
                ..
            }
        )
    })
}

/// Kind and process of a lock for writing, as in `lock: 1: FLOCK ADVISORY WRITE 77 fe:00:3801120 0 EOF`.
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
