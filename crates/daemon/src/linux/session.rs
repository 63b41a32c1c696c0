//! Ends what a daemon has started: the other processes of its session(7).
//!
//! A session's number is nobody else's while a process of it is there, so one process is kept to the end.

use std::time::Instant;

use nix::libc;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::{Pid, getsid};

use super::process::KILL_TIMEOUT;
use super::{Error, Process, probe, proc};

/// Kills all processes of a daemon's session but the daemon, which is stopped, so that it starts no others.
pub(crate) fn kill_all_but(daemon: &Process) -> Result<(), Error> {
    let session = session_of(daemon.pid());
    if !daemon.signal(libc::SIGSTOP)? {
        return Ok(());
    }
    match session {
        // The daemon lives, so the number was its session's. Never our own one.
        Some(session) if daemon.is_alive() && Some(session) != session_of(0) => {
            kill_members(session, &[daemon.pid()]);
        }
        _ => {}
    }
    Ok(())
}

/// Kills all processes of a session but these, and waits until they are gone. The caller makes sure that one of
/// those in `except` stays for as long as this takes; a zombie will do.
pub(crate) fn kill_members(session: i32, except: &[i32]) {
    let mut except = except.to_vec();
    let start = Instant::now();
    while start.elapsed() < KILL_TIMEOUT {
        let Some(mut members) = proc::members(session) else {
            return kill_group(session);
        };
        members.retain(|pid| !except.contains(pid));
        if members.is_empty() {
            return;
        }
        for pid in members {
            match Process::open(pid) {
                // The number may have become another process's before it was opened. A process that refuses the
                // signal is another user's.
                Ok(Some(process))
                    if is_member(pid, session) && process.signal(libc::SIGKILL).is_err() =>
                {
                    except.push(pid);
                }
                Err(Error::Unsupported { .. }) => return kill_group(session),
                _ => {}
            }
        }
        probe::pause();
    }
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
