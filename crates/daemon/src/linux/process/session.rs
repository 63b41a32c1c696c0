//! Ends what a daemon has started: the other processes of its session(7).
//!
//! A session's number is nobody else's while a process of it is there, so one process is kept to the end.

use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::{Pid, getsid};

use super::handle::{KILL_TIMEOUT, Process};
use super::stop::Stop;
use crate::linux::error::Error;
use crate::linux::sys::{proc, wait};

/// Ends a daemon as [`Process::end`] does, but SIGKILL goes to all processes of its session, if it has not ended before.
pub(crate) fn end(daemon: &Process, timeout: Duration) -> Result<Stop, Error> {
    if daemon.terminate_within(timeout)? {
        return Ok(Stop::Stopped { pid: daemon.pid() });
    }
    kill_other_members(daemon)?;
    daemon.kill()
}

/// Kills all processes of a daemon's session but the daemon, which is stopped, so that it starts no others.
///
/// That the session is its own is the daemon's word, and it may have been taken over. So nobody is killed whose user is
/// another one, unless the daemon is root's; nor in a session whose leader lives and is not the daemon.
fn kill_other_members(daemon: &Process) -> Result<(), Error> {
    let pid = daemon.pid();
    let Some(session) = session_of(pid) else {
        return Ok(());
    };
    let led_by_another = session != pid && Process::open(session)?.is_some_and(|it| it.is_alive());
    // The daemon lives, so the number was its session's.
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

/// Kills all processes of a session that our setsid(2) made but its leader, our child, and waits until they are gone.
pub(crate) fn kill_all_but_leader(leader: i32) {
    if !kill_members(leader, &[leader], None) {
        kill_group(leader);
    }
}

/// Kills the processes of a session but those in `except`, and waits until they are gone; only those of one user, if
/// told so. False if they cannot be found. The caller makes sure that one of those in `except` stays for as long as this
/// takes; a zombie will do.
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
                // The number may have become another process's before it was opened. A process that refuses the
                // signal is another user's.
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

/// Without /proc or pidfds there is still the process group of the session's number, which our setsid(2) made with it.
fn kill_group(session: i32) {
    let _ = killpg(Pid::from_raw(session), Signal::SIGKILL);
}

/// 0 asks for our own.
fn session_of(pid: i32) -> Option<i32> {
    let session = getsid(Some(Pid::from_raw(pid))).ok()?;
    Some(session.as_raw()).filter(|&session| session > 0)
}
