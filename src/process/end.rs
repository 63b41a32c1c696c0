//! Sends a signal to a process, and never to another that got its pid.

use std::{fs, io, process};

// nix has no pidfd_open(2), no pidfd_send_signal(2), and no signal that is real-time.
use rustix::{
    io::Errno,
    process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal},
};

use crate::{
    process::{clock_ticks::start_time, pid_stat::PidStat},
    source::{Error, Roots},
};

/// The reason why a process did not get a signal.
#[derive(Debug, thiserror::Error)]
pub enum EndError {
    /// No process has this pid.
    #[error("process {0}: there is no such process")]
    NoSuchProcess(u32),
    /// Another process has this pid. The intended one has ended.
    #[error("process {0}: it has ended, and the number is another process's now")]
    AnotherProcess(u32),
    /// The kernel does not permit this process to send the signal.
    #[error("process {0}: permission denied")]
    Denied(u32),
    /// No signal has this number, or it is a real-time signal, whose meaning each program defines.
    #[error("signal {0}: there is no such signal")]
    BadSignal(i32),
    /// `/proc` shows another pid namespace than the one in which this process sends signals.
    #[error("process {0}: it is in another pid namespace")]
    OtherNamespace(u32),
    /// The process cannot be identified.
    #[error(transparent)]
    Unreadable(#[from] Error),
}

/// Sends a signal (15, SIGTERM, asks a process to end; 9, SIGKILL, ends it) to the process with this pid, if it
/// started at this moment, in microseconds since boot: [`Row::start_time`].
///
/// A process that has got the pid in the meantime never receives the signal: this opens a pidfd, then checks the start
/// time, then sends the signal through the pidfd.
///
/// # Errors
/// When there is no such process, or this process may not send it the signal.
///
/// [`Row::start_time`]: crate::process::Row::start_time
pub fn end(roots: &Roots, pid: u32, start: u64, signal: i32) -> Result<(), EndError> {
    let signal = Signal::from_named_raw(signal).ok_or(EndError::BadSignal(signal))?;
    if !is_own_namespace(roots) {
        return Err(EndError::OtherNamespace(pid));
    }
    let path = roots.proc.join(pid.to_string()).join("stat");
    let refused = |cause: Errno| match cause {
        // The number may be that of a thread that is not the leader of its process.
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
    if start_time(stat.start) != start {
        return Err(EndError::AnotherProcess(pid));
    }
    pidfd_send_signal(&held, signal).map_err(refused)
}

/// Whether a process has this parent and this name.
pub fn is_child(roots: &Roots, pid: u32, parent: u32, name: &str) -> bool {
    let path = roots.proc.join(pid.to_string()).join("stat");
    let stat = fs::read(path).unwrap_or_default();
    PidStat::parse(&stat)
        .is_some_and(|(stat, _)| stat.parent == Some(parent) && stat.name == name.as_bytes())
}

fn is_gone(cause: &io::Error) -> bool {
    let number = cause.raw_os_error().map(Errno::from_raw_os_error);
    matches!(number, Some(Errno::NOENT | Errno::SRCH))
}

/// Whether `roots.proc` shows the pid namespace of this process. The `/proc` of a host, mounted into a container, shows
/// another one, whose pids belong to other processes here.
///
/// There are no NSpid lines before Linux 4.1.
pub(super) fn is_own_namespace(roots: &Roots) -> bool {
    let status = fs::read_to_string(roots.proc.join("self/status"));
    let status = status.unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("NSpid:"));
    // Seen from an outer namespace, the line has a number for each nested namespace.
    let own = process::id().to_string();
    line.is_some_and(|numbers| numbers.split_whitespace().eq([own.as_str()]))
}
