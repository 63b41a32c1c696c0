//! The subreaper of a run, `sampled guard`: the process between the service and a command.
//!
//! The command is its child, and orphans of the command are reparented to it (`PR_SET_CHILD_SUBREAPER`, prctl(2)).
//! Its standard input is a socket to the service. When the service closes its end or dies, the subreaper ends the
//! command. It exits when it has no child left, and before that writes the command's exit status to the socket.
//!
//! It blocks all signals, so only SIGKILL ends it early and only SIGSTOP delays it. The kernel continues it when the
//! service dies (`PR_SET_PDEATHSIG`), and by a timer while it ends a run.
//!
//! The command's output does not pass through it. There is one subreaper per running command, so it has one thread
//! and allocates little.
//!
//! - [`exec`]: executes the command in a child. `invocation`: the command line.
//! - `alarm`: continues the subreaper if it is stopped (SIGSTOP). `children`: lists and kills the children.

mod alarm;
mod children;
pub mod exec;
mod invocation;

use std::{
    env,
    fs::File,
    io::{self, Read, Write},
    os::{
        fd::{AsFd, OwnedFd},
        unix::net::UnixStream,
    },
    time::{Duration, Instant},
};

use nix::{
    errno::Errno,
    sys::{
        prctl,
        resource::{Resource, getrlimit, rlim_t, setrlimit},
        signal::{SigSet, Signal as Number},
        signalfd::{SfdFlags, SignalFd},
    },
    unistd,
};
// nix does not tell the death by a real-time signal.
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, Signal, WaitId, WaitIdOptions, WaitOptions, kill_process_group, wait, waitid},
};

use super::{GRACE, after};
use alarm::Alarm;
pub use invocation::Invocation;

/// The first argument of a process that is to become a subreaper.
pub const ARGUMENT: &str = "guard";

/// The soft limit of open files of a command. The service raises its own, and a program that calls select(2) does
/// not work with more than 1024.
const FILES: rlim_t = 1024;

/// The first and the longest pause between two attempts to kill the children.
const PAUSES: [Duration; 2] = [Duration::from_millis(10), Duration::from_secs(1)];

/// The socket to the service and the command to run, if this process was started as a subreaper.
///
/// Call it first in `main`. A person who types this argument has no socket as standard input.
pub fn called() -> Option<(UnixStream, Invocation)> {
    let mut arguments = env::args_os().skip(1);
    if arguments.next()? != ARGUMENT {
        return None;
    }
    // The copy is close-on-exec; standard input is not.
    let socket = UnixStream::from(io::stdin().as_fd().try_clone_to_owned().ok()?);
    socket.local_addr().ok()?;
    Some((socket, Invocation::read(arguments)?))
}

/// The line that the subreaper writes to the socket when it has begun to end the command: from then on a timer
/// continues it when it is stopped.
const ENDING: &str = "ending\n";

/// Whether a subreaper that has written this text has begun to end its command.
pub(super) fn has_begun_to_end(text: &[u8]) -> bool {
    text.starts_with(ENDING.as_bytes())
}

/// The end of a command, which the subreaper writes to the socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// With an exit status.
    Exited(i32),
    /// By a signal.
    Killed(i32),
    /// execve(2) has failed with this errno.
    NotExecuted(i32),
}

impl End {
    /// Parses the text from a subreaper. `None` if that was killed before it has written.
    pub(super) fn read(text: &[u8]) -> Option<Self> {
        let text = str::from_utf8(text).ok()?;
        let text = text.strip_prefix(ENDING).unwrap_or(text);
        let text = text.strip_suffix('\n')?;
        let (word, number) = text.split_once(' ')?;
        let number = number.parse().ok()?;
        match word {
            "exited" => Some(Self::Exited(number)),
            "killed" => Some(Self::Killed(number)),
            "failed" => Some(Self::NotExecuted(number)),
            _ => None,
        }
    }

    fn write(self) -> String {
        match self {
            Self::Exited(number) => format!("exited {number}\n"),
            Self::Killed(number) => format!("killed {number}\n"),
            Self::NotExecuted(number) => format!("failed {number}\n"),
        }
    }
}

/// Runs a command to its end. The process has one thread, a session of its own, default signal actions, and no
/// descriptors but the socket and the standard ones: an empty input, and the command's output and error.
///
/// # Errors
/// A system call has failed before the command was started. The service gets the errno over the socket.
pub fn main(mut socket: UnixStream, run: &Invocation) -> io::Result<()> {
    let end = match start(&socket, run) {
        Ok((signals, child)) => supervise(&socket, &signals, child),
        Err(cause) => {
            let number = cause.raw_os_error().unwrap_or(Errno::ENOEXEC as i32);
            socket.write_all(End::NotExecuted(number).write().as_bytes())?;
            return Err(cause);
        }
    };
    // The service may be gone.
    socket.write_all(end?.write().as_bytes()).or(Ok(()))
}

/// Starts the command, in a new process group.
fn start(socket: &UnixStream, run: &Invocation) -> io::Result<(SignalFd, Pid)> {
    prctl::set_child_subreaper(true)?;
    // The kernel sends it when the parent thread ends, and again when a thread ends that has become the parent.
    prctl::set_pdeathsig(Some(Number::SIGCONT))?;
    // Otherwise the name is `exe`, from /proc/self/exe.
    prctl::set_name(c"sampled guard")?;
    let ended = SigSet::from_iter([Number::SIGCHLD, Number::SIGCONT]);
    let signals = SignalFd::with_flags(&ended, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?;
    let null = OwnedFd::from(File::options().write(true).open("/dev/null")?);
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, FILES.min(most), most)?;
    // From here on, only SIGKILL ends this process.
    SigSet::all().thread_block()?;
    // The service died before prctl, or has ended the run already.
    if wait_for_event(socket, &signals, true, Some(Duration::ZERO))? {
        return Err(Errno::ECANCELED.into());
    }
    let child = exec::spawn(run)?;
    // The command runs, so an error must not end this process. Its copies of the pipes are closed, so that the
    // service sees the end of the file when the command closes them.
    let _ = unistd::dup2_stdout(&null).and_then(|()| unistd::dup2_stderr(&null));
    Ok((signals, child))
}

/// Waits until the command ends or the service ends the run, and then until no child is left.
fn supervise(mut socket: &UnixStream, signals: &SignalFd, child: Pid) -> io::Result<End> {
    let mut end = None;
    let mut is_wanted = true;
    let mut kill_at = None;
    let mut pause = PAUSES[0];
    let mut alarm: Option<Alarm> = None;
    loop {
        let is_alone = reap(child, &mut end)?;
        if let (true, Some(end)) = (is_alone, end) {
            return Ok(end);
        }
        let now = Instant::now();
        let timeout = match kill_at {
            // The command has ended: kill its remaining processes at once.
            _ if end.is_some() => None,
            Some(at) if now >= at => None,
            at => Some(at.map(|at| at.saturating_duration_since(now))),
        };
        let timeout = timeout.unwrap_or_else(|| {
            children::kill();
            pause = PAUSES[1].min(pause.saturating_mul(2));
            Some(pause)
        });
        if let (Some(alarm), Some(timeout)) = (&mut alarm, timeout) {
            alarm.set(timeout);
        }
        if wait_for_event(socket, signals, is_wanted, timeout)? {
            is_wanted = false;
            kill_at = Some(after(Instant::now(), GRACE));
            // Without a timer, a SIGSTOP from here on lasts until the service sends SIGCONT.
            alarm = Alarm::new(GRACE);
            // The service may be gone.
            let _ = socket.write_all(ENDING.as_bytes());
            if end.is_none() {
                // The command is not reaped, so its group id cannot be reused. SIGCONT, because a stopped process does
                // not handle SIGTERM.
                let _ = kill_process_group(child, Signal::TERM);
                let _ = kill_process_group(child, Signal::CONT);
            }
        }
    }
}

/// Reaps the children that have ended, and records the end of the command. Returns true if no child is left.
fn reap(child: Pid, end: &mut Option<End>) -> io::Result<bool> {
    if end.is_none() {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        *end = waitid(WaitId::Pid(child), options)?.and_then(|status| {
            let exited = status.exit_status().map(End::Exited);
            exited.or_else(|| status.terminating_signal().map(End::Killed))
        });
    }
    loop {
        match wait(WaitOptions::NOHANG) {
            // The command has ended after the waitid above.
            Ok(Some((pid, status))) if pid == child && end.is_none() => {
                let exited = status.exit_status().map(End::Exited);
                *end = exited.or_else(|| status.terminating_signal().map(End::Killed));
            }
            Ok(Some(_)) => {}
            Ok(None) => return Ok(false),
            Err(rustix::io::Errno::CHILD) => return Ok(true),
            Err(rustix::io::Errno::INTR) => {}
            Err(cause) => return Err(cause.into()),
        }
    }
}

/// Waits until a child has ended, or until the timeout. Returns true if the service has ended the run.
fn wait_for_event(
    socket: &UnixStream,
    signals: &SignalFd,
    is_wanted: bool,
    timeout: Option<Duration>,
) -> io::Result<bool> {
    let timeout = timeout.and_then(|timeout| Timespec::try_from(timeout).ok());
    let mut fds = vec![PollFd::new(signals, PollFlags::IN)];
    // A socket at the end of the file is ready for ever.
    fds.extend(is_wanted.then(|| PollFd::new(socket, PollFlags::IN)));
    match poll(&mut fds, timeout.as_ref()) {
        Ok(_) | Err(rustix::io::Errno::INTR) => {}
        Err(cause) => return Err(cause.into()),
    }
    let is_readable = fds
        .get(1)
        .is_some_and(|socket| !socket.revents().is_empty());
    while signals.read_signal()?.is_some() {}
    // The service never writes: this is the end of the file, or a reset, which is an end, too.
    Ok(is_readable && !matches!((&*socket).read(&mut [0; 64]), Ok(1..)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_read_as_they_are_written() {
        for end in [End::Exited(3), End::Killed(35), End::NotExecuted(2)] {
            let text = end.write();
            assert_eq!(End::read(text.as_bytes()), Some(end));
            assert_eq!(End::read(format!("{ENDING}{text}").as_bytes()), Some(end));
        }
        for text in [
            "",
            "exited",
            "exited 3",
            "exited \n",
            "left 3\n",
            "exited 3 4\n",
            ENDING,
        ] {
            assert_eq!(End::read(text.as_bytes()), None, "{text}");
        }
    }
}
