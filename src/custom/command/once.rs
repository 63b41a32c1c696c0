//! One run of a command, for a program that waits for its end.

use std::{
    fmt,
    os::fd::AsFd,
    path::Path,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use nix::{
    errno::Errno,
    poll::{PollFd, PollFlags, ppoll},
};

use super::{
    Command,
    failure::Failure,
    run::{Run, RunEvent, Surroundings},
};

/// Why a command has not succeeded. The message is for people: `notify-send: exited with status 3`.
#[derive(Debug)]
pub struct RunError {
    program: String,
    failure: Failure,
}

impl std::error::Error for RunError {}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.failure {
            // They name the program themselves.
            failure @ (Failure::NotExecuted(..) | Failure::NoSubreaper(..)) => failure.fmt(f),
            failure => write!(f, "{}: {failure}", self.program),
        }
    }
}

/// Runs a command once, under a [subreaper](super::subreaper), and waits until no process of it is left. It has the
/// environment, the standard output and the standard error of this process, and an empty standard input. It is ended at its
/// timeout, when `stop` is readable or closed, and when this process dies.
///
/// `interval` and `lines` of the command mean nothing here. Without a `directory` it runs in the user's home.
///
/// # Errors
/// When the command cannot be executed, exits with another status than 0, is killed, or has exceeded its timeout.
pub fn run_once(subreaper: &Path, command: Command, stop: impl AsFd) -> Result<(), RunError> {
    let failed = {
        let program = command.name();
        move |failure| RunError {
            program: program.clone(),
            failure,
        }
    };
    let run = Run::start(subreaper, Arc::new(command), Surroundings::Inherited);
    let mut run = run.map_err(&failed)?;
    let mut outcome = Ok(());
    loop {
        let now = Instant::now();
        while let Some(event) = run.next_event(now) {
            match event {
                RunEvent::Output(_) => {}
                RunEvent::Failure(failure) => outcome = Err(failed(failure)),
                RunEvent::Ended => return outcome,
            }
        }
        if wait(&run, &stop, now) {
            run.end();
        }
    }
}

/// Waits for an event of the run. Returns whether it is to end.
fn wait(run: &Run, stop: &impl AsFd, now: Instant) -> bool {
    let (descriptors, until) = run.waits_for(now);
    let polled = |fd| PollFd::new(fd, PollFlags::POLLIN);
    let mut fds: Vec<_> = descriptors.into_iter().map(polled).collect();
    if !run.is_ending() {
        fds.push(polled(stop.as_fd()));
    }
    let timeout = until.map(|until| until.saturating_duration_since(now));
    if let Err(cause) = ppoll(&mut fds, timeout.map(Into::into), None)
        && cause != Errno::EINTR
    {
        // Out of memory. A retry at once would not help.
        thread::sleep(Duration::from_millis(100));
    }
    !run.is_ending() && fds.last().and_then(PollFd::any) == Some(true)
}
