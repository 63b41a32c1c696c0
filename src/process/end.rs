//! Ending a process, and no other.

use std::{fs, io, process};

use rustix::{
    io::Errno,
    process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal},
};

use crate::{
    process::{pid_stat::PidStat, ticks::start_time},
    source::{Error, Roots},
};

/// Why a process did not get a signal.
#[derive(Debug, thiserror::Error)]
pub enum EndError {
    /// There is no process of this number.
    #[error("process {0}: there is no such process")]
    NoSuchProcess(u32),
    /// There is one, but it is not the one that was meant: that has ended.
    #[error("process {0}: it has ended, and the number is another process's now")]
    AnotherProcess(u32),
    /// The kernel does not permit this process to send it a signal.
    #[error("process {0}: permission denied")]
    Denied(u32),
    /// There is no signal of this number, or it is one of those that programs define for themselves.
    #[error("signal {0}: there is no such signal")]
    BadSignal(i32),
    /// The processes that are shown are not those to which this process can send a signal.
    #[error("process {0}: it is in another pid namespace")]
    OtherNamespace(u32),
    /// It cannot be seen which process it is.
    #[error(transparent)]
    Unreadable(#[from] Error),
}

/// Sends a signal (15, SIGTERM, asks a process to end; 9, SIGKILL, ends it) to the process of this
/// number, if it is the one that started at this moment, in microseconds since boot: [`Row::start_time`].
///
/// A process that has got the number in the meantime is never hit: the process is held before it is
/// looked at, and the signal goes to what is held.
///
/// # Errors
/// When there is no such process, or it may not be sent this signal.
///
/// [`Row::start_time`]: crate::process::Row::start_time
pub fn end(roots: &Roots, pid: u32, start: u64, signal: i32) -> Result<(), EndError> {
    let signal = Signal::from_named_raw(signal).ok_or(EndError::BadSignal(signal))?;
    if !is_own_namespace(roots) {
        return Err(EndError::OtherNamespace(pid));
    }
    let path = roots.proc.join(pid.to_string()).join("stat");
    let refused = |cause: Errno| match cause {
        // A thread that is no process has a number, too.
        Errno::SRCH | Errno::INVAL | Errno::NOENT => EndError::NoSuchProcess(pid),
        Errno::PERM | Errno::ACCESS => EndError::Denied(pid),
        cause => EndError::Unreadable(Error::io(&path, cause.into())),
    };
    let number = i32::try_from(pid).ok().and_then(Pid::from_raw);
    let number = number.ok_or(EndError::NoSuchProcess(pid))?;
    let held = pidfd_open(number, PidfdFlags::empty()).map_err(refused)?;
    let stat = match fs::read(&path) {
        Ok(stat) => stat,
        Err(cause) if is_gone(&cause) => return Err(EndError::NoSuchProcess(pid)),
        Err(cause) => return Err(Error::io(&path, cause).into()),
    };
    let (stat, _) = PidStat::parse(&stat)
        .ok_or_else(|| Error::malformed(&path, "not the form of proc_pid_stat(5)"))?;
    if start_time(stat.start) != Some(start) {
        return Err(EndError::AnotherProcess(pid));
    }
    pidfd_send_signal(&held, signal).map_err(refused)
}

/// Whether a process has this name, and this one as its parent.
pub fn is_child(roots: &Roots, pid: u32, parent: u32, name: &str) -> bool {
    let path = roots.proc.join(pid.to_string()).join("stat");
    let stat = fs::read(path).unwrap_or_default();
    PidStat::parse(&stat)
        .is_some_and(|(stat, _)| stat.parent == parent && stat.name == name.as_bytes())
}

fn is_gone(cause: &io::Error) -> bool {
    let number = cause.raw_os_error().map(Errno::from_raw_os_error);
    matches!(number, Some(Errno::NOENT | Errno::SRCH))
}

/// Whether the processes below `roots.proc` are those that this process sees as such: with the `/proc`
/// of a host mounted into a container, they are not, and their numbers mean others here.
///
/// There are no NSpid lines before Linux 4.1.
pub(super) fn is_own_namespace(roots: &Roots) -> bool {
    let status = fs::read_to_string(roots.proc.join("self/status"));
    let status = status.unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("NSpid:"));
    // Outside of a namespace of ours there is one number for each that is nested.
    let own = process::id().to_string();
    line.is_some_and(|numbers| numbers.split_whitespace().eq([own.as_str()]))
}
