//! Kills the processes that a daemon has started: the other processes of its session, see setsid(2).
//!
//! The kernel does not reuse the number of a session while it has a process, so one process is kept until the end.

use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::{Pid, getsid};

use super::handle::{KILL_TIMEOUT, Process};
use super::stop::Stop;
use crate::linux::error::Error;
use crate::linux::sys::{proc, wait};

/// Ends a daemon as [`Process::end`] does, but SIGKILL goes to all processes of its session.
pub(crate) fn end(daemon: &Process, timeout: Duration) -> Result<Stop, Error> {
    if daemon.terminate_within(timeout)? {
        return Ok(Stop::Stopped { pid: daemon.pid() });
    }
    kill_other_members(daemon)?;
    daemon.kill()
}

/// Kills all processes of a daemon's session except the daemon, which gets SIGSTOP, so that it starts no others.
///
/// Only the daemon itself, by the length of its record lock, claims that the session is its own, and it may be
/// compromised. So processes of another user are killed only if the daemon is root's, and no process is killed if the
/// session has a living leader that is not the daemon.
fn kill_other_members(daemon: &Process) -> Result<(), Error> {
    let pid = daemon.pid();
    let Some(session) = session_of(pid) else {
        return Ok(());
    };
    let led_by_another = session != pid && Process::open(session)?.is_some_and(|it| it.is_alive());
    // `session_of` used the process id: it was not reused if the daemon is alive now.
    if led_by_another || !daemon.is_alive() || Some(session) == session_of(0) {
        return Ok(());
    }
    if daemon.signal(Signal::SIGSTOP)? {
        let done = match proc::real_user(pid) {
            Some(0) => kill_members(session, &[pid], None),
            Some(user) => kill_members(session, &[pid], Some(user)),
            None => false,
        };
        if !done && session == pid {
            kill_group(session);
        }
    }
    Ok(())
}

/// Kills all processes of a session except its leader, a child of this process that is not reaped, and waits until they
/// are gone.
pub(crate) fn kill_all_but_leader(leader: i32) {
    if !kill_members(leader, &[leader], None) {
        kill_group(leader);
    }
}

/// Kills the processes of a session except those in `except`, and waits until they are gone. With `user` it kills the
/// processes of that user only. False if /proc does not show them. The caller ensures that a process in `except` exists
/// until the return, at least as a zombie.
fn kill_members(session: i32, except: &[i32], user: Option<u32>) -> bool {
    let mut except = except.to_vec();
    let start = Instant::now();
    while start.elapsed() < KILL_TIMEOUT {
        let Some(mut members) = proc::session_members(session) else {
            return false;
        };
        let other_user = |pid| user.is_some() && proc::real_user(pid) != user;
        members.retain(|pid| !except.contains(pid) && !other_user(*pid));
        if members.is_empty() {
            return true;
        }
        for pid in members {
            match Process::open(pid) {
                // The id may have been reused before it was opened, so the session is checked again. A process that
                // cannot be signalled is another user's.
                Ok(Some(process))
                    if is_member(pid, session) && process.signal(Signal::SIGKILL).is_err() =>
                {
                    except.push(pid);
                }
                Err(Error::Unsupported { .. }) => return false,
                _ => {}
            }
        }
        wait::before_retry();
    }
    true
}

fn is_member(pid: i32, session: i32) -> bool {
    proc::Stat::read(pid).is_some_and(|stat| stat.session == session)
}

/// For systems without /proc or pidfds: kills the process group that setsid(2) made with the session.
fn kill_group(session: i32) {
    let _ = killpg(Pid::from_raw(session), Signal::SIGKILL);
}

/// The session of a process; 0 means this process.
fn session_of(pid: i32) -> Option<i32> {
    let session = getsid(Some(Pid::from_raw(pid))).ok()?;
    Some(session.as_raw()).filter(|&session| session > 0)
}
