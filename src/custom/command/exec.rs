//! Executing a command: what is done in its own process before it becomes the command.
//!
//! A guard that is killed cannot end what it guards, and one that has not begun to block signals can be
//! killed by any of them. So a guard blocks them first; and its child, before it becomes the command, has the
//! kernel kill it should the guard be gone (`PR_SET_PDEATHSIG`), and unblocks them.

use std::{
    env,
    fs::File,
    io::{self, Read, Write},
    os::{
        fd::{AsFd, OwnedFd},
        unix::{net::UnixStream, process::CommandExt},
    },
    process::{self, ExitCode},
};

use nix::{
    errno::Errno,
    sys::{
        prctl,
        signal::{SigSet, Signal},
    },
    unistd,
};
use rustix::process::Pid;

use super::invocation::Invocation;

/// The first argument of a program that is to become a command.
const ARGUMENT: &str = "begin";

/// Starts a command as a child of this process, in a group of its own.
pub(super) fn spawn(run: &Invocation) -> io::Result<Pid> {
    let (mut link, theirs) = UnixStream::pair()?;
    let mut child = process::Command::new("/proc/self/exe")
        .args([ARGUMENT, &process::id().to_string()])
        .args(run.words())
        .stdin(OwnedFd::from(theirs))
        .process_group(0)
        .spawn()?;
    // It closes its end by becoming the command.
    let mut said = String::new();
    link.read_to_string(&mut said)?;
    if said.is_empty() {
        let child = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        return Ok(child.expect("the kernel's numbers are positive"));
    }
    child.wait()?;
    let number = said.trim_end().parse();
    Err(io::Error::from_raw_os_error(
        number.unwrap_or(Errno::ENOEXEC as i32),
    ))
}

/// Becomes a command, if that is what this process was started for by a guard. Comes back if it is not, or
/// if the command cannot be executed.
///
/// To be asked first in `main`. A person who types this argument has no socket as standard input.
pub fn called() -> Option<ExitCode> {
    let mut arguments = env::args_os().skip(1);
    if arguments.next()? != ARGUMENT {
        return None;
    }
    // Close-on-exec, as the original is not.
    let mut link = UnixStream::from(io::stdin().as_fd().try_clone_to_owned().ok()?);
    link.local_addr().ok()?;
    let guard = arguments.next()?.to_str()?.parse().ok()?;
    let run = Invocation::read(arguments)?;
    let cause = execute(guard, &run).unwrap_err();
    let number = cause.raw_os_error().unwrap_or(Errno::ENOEXEC as i32);
    let _ = writeln!(link, "{number}");
    Some(ExitCode::FAILURE)
}

fn execute(guard: i32, run: &Invocation) -> io::Result<std::convert::Infallible> {
    prctl::set_pdeathsig(Some(Signal::SIGKILL))?;
    // It was killed before the kernel was told.
    if unistd::getppid().as_raw() != guard {
        return Err(Errno::ESRCH.into());
    }
    unistd::dup2_stdin(File::open("/dev/null")?)?;
    SigSet::empty().thread_set_mask()?;
    Err(run.command().exec())
}
