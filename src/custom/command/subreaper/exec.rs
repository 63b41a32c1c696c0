//! Executes a command in a child process of the subreaper.
//!
//! A subreaper that is killed cannot end its run, so it blocks all signals before it starts the child. The child has
//! the kernel kill it when the subreaper dies (`PR_SET_PDEATHSIG`), unblocks the signals, and then calls execve(2).

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
// The pid of `subreaper`.
use rustix::process::Pid;

use super::invocation::Invocation;

/// The first argument of a process that is to execute a command.
const ARGUMENT: &str = "begin";

/// Starts a command as a child of this process, in a new process group.
pub(super) fn spawn(run: &Invocation) -> io::Result<Pid> {
    let (mut socket, theirs) = UnixStream::pair()?;
    let mut child = process::Command::new("/proc/self/exe")
        .args([ARGUMENT, &process::id().to_string()])
        .args(run.words())
        .stdin(OwnedFd::from(theirs))
        .process_group(0)
        .spawn()?;
    // A successful execve closes the child's end (close-on-exec); a failure writes the errno first.
    let mut received = String::new();
    socket.read_to_string(&mut received)?;
    if received.is_empty() {
        let child = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        return Ok(child.expect("the kernel's numbers are positive"));
    }
    child.wait()?;
    let number = received.trim_end().parse();
    Err(io::Error::from_raw_os_error(
        number.unwrap_or(Errno::ENOEXEC as i32),
    ))
}

/// Executes a command, if a subreaper has started this process for that. Returns `None` if it has not, and an exit
/// code if the command cannot be executed.
///
/// Call it first in `main`. A person who types this argument has no socket as standard input.
pub fn called() -> Option<ExitCode> {
    let mut arguments = env::args_os().skip(1);
    if arguments.next()? != ARGUMENT {
        return None;
    }
    // The copy is close-on-exec; standard input is not.
    let mut socket = UnixStream::from(io::stdin().as_fd().try_clone_to_owned().ok()?);
    socket.local_addr().ok()?;
    let subreaper = arguments.next()?.to_str()?.parse().ok()?;
    let run = Invocation::read(arguments)?;
    let cause = execute(subreaper, &run).unwrap_err();
    let number = cause.raw_os_error().unwrap_or(Errno::ENOEXEC as i32);
    let _ = writeln!(socket, "{number}");
    Some(ExitCode::FAILURE)
}

fn execute(subreaper: i32, run: &Invocation) -> io::Result<std::convert::Infallible> {
    prctl::set_pdeathsig(Some(Signal::SIGKILL))?;
    // The subreaper died before prctl.
    if unistd::getppid().as_raw() != subreaper {
        return Err(Errno::ESRCH.into());
    }
    unistd::dup2_stdin(File::open("/dev/null")?)?;
    SigSet::empty().thread_set_mask()?;
    Err(run.command().exec())
}
