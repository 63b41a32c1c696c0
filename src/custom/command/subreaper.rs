//! The subreaper of a run, `sampled guard`: a process between the one that wants the run and the command.
//!
//! It has the command for a child, and everything that the command leaves behind becomes its child as well
//! (`PR_SET_CHILD_SUBREAPER`, prctl(2)). A socket, its standard input, ties it to the process that wants the
//! run: when that closes its end, or is gone, the guard ends the command. In the end it says on the
//! socket how the command ended, and it does not leave before it has no child any more.
//!
//! No signal but SIGSTOP keeps it from that. So the kernel continues it: when its parent ends (`PR_SET_PDEATHSIG`),
//! and by a timer while it ends a run.
//!
//! The command's output does not pass through it. It has one thread and nothing to free, for there is one for
//! every command that runs.

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
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, Signal, WaitId, WaitIdOptions, WaitOptions, kill_process_group, wait, waitid},
};

use super::{GRACE, after, alarm::Alarm, children, exec, invocation::Invocation};

/// The first argument of a program that is to be a guard.
pub const ARGUMENT: &str = "guard";

/// How many files a command may have open if it does not ask for more. The service raises its own
/// limit, which programs that call select(2) do not expect.
const FILES: rlim_t = 1024;

/// How long is waited at first, and at most, for a killed child to be gone, before one looks again for others.
const LOOKS: [Duration; 2] = [Duration::from_millis(10), Duration::from_secs(1)];

/// The socket of a guard, if that is what this process was started as; and what it is to run.
///
/// To be asked first in `main`. A person who types this argument has no socket as standard input.
pub fn called() -> Option<(UnixStream, Invocation)> {
    let mut arguments = env::args_os().skip(1);
    if arguments.next()? != ARGUMENT {
        return None;
    }
    // Close-on-exec, as the original is not.
    let link = UnixStream::from(io::stdin().as_fd().try_clone_to_owned().ok()?);
    link.local_addr().ok()?;
    Some((link, Invocation::read(arguments)?))
}

/// How a command has ended: what the guard says in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// With an exit status.
    Exited(i32),
    /// By a signal.
    Killed(i32),
    /// It has not begun: the number of the kernel's error.
    NotExecuted(i32),
}

impl End {
    /// What a guard has said; none if it was killed before.
    pub(super) fn read(text: &[u8]) -> Option<Self> {
        let text = str::from_utf8(text).ok()?.strip_suffix('\n')?;
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

/// Guards a run to its end. The process is to have one thread, a session of its own, default signal actions,
/// and no descriptors beyond the socket and the standard ones: an input that is nothing, and what the command
/// writes to.
///
/// # Errors
/// What the kernel has said, if the command cannot be guarded. It is not begun then, and whoever wants
/// it has been told.
pub fn main(mut link: UnixStream, run: &Invocation) -> io::Result<()> {
    let end = match start(&link, run) {
        Ok((signals, child)) => attend(&link, &signals, child),
        Err(cause) => {
            let number = cause.raw_os_error().unwrap_or(Errno::ENOEXEC as i32);
            link.write_all(End::NotExecuted(number).write().as_bytes())?;
            return Err(cause);
        }
    };
    // Whoever wanted it may be gone.
    link.write_all(end?.write().as_bytes()).or(Ok(()))
}

/// Starts the command, in a group of its own.
fn start(link: &UnixStream, run: &Invocation) -> io::Result<(SignalFd, Pid)> {
    prctl::set_child_subreaper(true)?;
    // Sent at the end of the thread that has started this process, and again at the end of each thread that is
    // its parent after that.
    prctl::set_pdeathsig(Some(Number::SIGCONT))?;
    // Or else it is `exe`, as its path is.
    prctl::set_name(c"sampled guard")?;
    let ended = SigSet::from_iter([Number::SIGCHLD, Number::SIGCONT]);
    let signals = SignalFd::with_flags(&ended, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?;
    let null = OwnedFd::from(File::options().write(true).open("/dev/null")?);
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, FILES.min(most), most)?;
    // Nothing but SIGKILL ends a guard before its time.
    SigSet::all().thread_block()?;
    // The parent has ended before the kernel was told, or does not want the run any more.
    if listen(link, &signals, true, Some(Duration::ZERO))? {
        return Err(Errno::ECANCELED.into());
    }
    let child = exec::spawn(run)?;
    // From here on there is a command to be guarded: nothing is a reason to fail. That it has closed its
    // output is to be seen.
    let _ = unistd::dup2_stdout(&null).and_then(|()| unistd::dup2_stderr(&null));
    Ok((signals, child))
}

/// Waits for the end of the command, or of who wants it; and for the end of everything that is left.
fn attend(link: &UnixStream, signals: &SignalFd, child: Pid) -> io::Result<End> {
    let mut end = None;
    let mut is_wanted = true;
    let mut kill_at = None;
    let mut pause = LOOKS[0];
    let mut alarm: Option<Alarm> = None;
    loop {
        let is_alone = reap(child, &mut end)?;
        if let (true, Some(end)) = (is_alone, end) {
            return Ok(end);
        }
        let now = Instant::now();
        let patience = match kill_at {
            // Nothing outlives the command itself.
            _ if end.is_some() => None,
            Some(at) if now >= at => None,
            at => Some(at.map(|at| at.saturating_duration_since(now))),
        };
        let patience = patience.unwrap_or_else(|| {
            children::kill();
            pause = LOOKS[1].min(pause.saturating_mul(2));
            Some(pause)
        });
        if let (Some(alarm), Some(patience)) = (&mut alarm, patience) {
            alarm.set(patience);
        }
        if listen(link, signals, is_wanted, patience)? {
            is_wanted = false;
            kill_at = Some(after(Instant::now(), GRACE));
            // Without one, it can be stopped from here on.
            alarm = Alarm::new(GRACE).ok();
            if end.is_none() {
                // Its number is nobody else's: it is not reaped. What is stopped does not hear.
                let _ = kill_process_group(child, Signal::TERM);
                let _ = kill_process_group(child, Signal::CONT);
            }
        }
    }
}

/// Reaps who has ended, and notes how the command did. True if there is nobody left.
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
            // It has ended just now, and was not seen above.
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

/// Waits until a child has ended, or the time is up. True if nobody wants the run any more.
fn listen(
    link: &UnixStream,
    signals: &SignalFd,
    is_wanted: bool,
    patience: Option<Duration>,
) -> io::Result<bool> {
    let patience = patience.and_then(|patience| Timespec::try_from(patience).ok());
    let mut fds = vec![PollFd::new(signals, PollFlags::IN)];
    // At the end of the file it would be ready for ever.
    fds.extend(is_wanted.then(|| PollFd::new(link, PollFlags::IN)));
    match poll(&mut fds, patience.as_ref()) {
        Ok(_) | Err(rustix::io::Errno::INTR) => {}
        Err(cause) => return Err(cause.into()),
    }
    let is_told = fds.get(1).is_some_and(|link| !link.revents().is_empty());
    while signals.read_signal()?.is_some() {}
    // Nothing is ever said in this direction: it is the end, or a reset, which is one too.
    Ok(is_told && !matches!((&*link).read(&mut [0; 64]), Ok(1..)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_read_as_they_are_written() {
        for end in [End::Exited(3), End::Killed(35), End::NotExecuted(2)] {
            assert_eq!(End::read(end.write().as_bytes()), Some(end));
        }
        for text in [
            "",
            "exited",
            "exited 3",
            "exited \n",
            "left 3\n",
            "exited 3 4\n",
        ] {
            assert_eq!(End::read(text.as_bytes()), None, "{text}");
        }
    }
}
