//! One run of a command, seen from the service.
//!
//! - `spawn`: starts the subreaper. `environment`: the variables and the directory of the command.
//! - `pipe`: reads the output.
//! - `orphans`: ends the processes that its subreaper cannot end.

mod environment;
mod orphans;
mod pipe;
mod spawn;

use std::{
    io::{ErrorKind, Read},
    mem,
    net::Shutdown,
    os::{
        fd::{AsFd, BorrowedFd},
        unix::net::UnixStream,
    },
    path::Path,
    process::Child,
    sync::Arc,
    time::Instant,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use super::{
    Command,
    failure::{Failure, first_line},
    pid_stat,
    subreaper::{self, End},
};
use orphans::Sweep;
use pipe::{Flow, Pipe};
use spawn::Spawned;
pub(super) use spawn::Surroundings;

/// A running command, or its remaining processes.
pub(super) struct Run {
    command: Arc<Command>,
    subreaper: Child,
    /// The socket to the subreaper. Shutting down our side ends the run; an end of file from the other side says that
    /// the run is over.
    socket: UnixStream,
    /// The bytes from the subreaper: that it has begun to end the command, and the [`End`] of the command.
    received: Vec<u8>,
    mark: String,
    output: Option<Pipe>,
    errors: Option<Pipe>,
    /// The timeout of the run, or of the next line.
    deadline: Option<Instant>,
    /// Whether it was told to end. Its output is then ignored.
    is_ending: bool,
    /// Whether the subreaper was found stopped when this process was about to exit. A process of the run may stop it
    /// again.
    was_stopped: bool,
    /// Whether the subreaper was killed. The processes of the run are then killed from here.
    is_subreaper_dead: bool,
    /// Whether the subreaper was reaped. Its pid may then belong to another process.
    is_reaped: bool,
    /// The searches for processes that the subreaper has not ended; once the run was told to end.
    sweep: Option<Sweep>,
}

/// An event of a run.
pub(super) enum RunEvent {
    /// The complete output, or one line.
    Output(Vec<u8>),
    /// The run has failed.
    Failure(Failure),
    /// No process of the run is left.
    Ended,
}

impl Run {
    /// Starts a command under a subreaper.
    pub(super) fn start(
        subreaper: &Path,
        command: Arc<Command>,
        surroundings: Surroundings,
    ) -> Result<Self, Failure> {
        let spawned = Spawned::new(subreaper, &command, surroundings)
            .map_err(|cause| Failure::NoSubreaper(subreaper.to_owned(), cause))?;
        let mut run = Self {
            deadline: None,
            output: spawned.output,
            errors: spawned.errors,
            command,
            subreaper: spawned.subreaper,
            socket: spawned.socket,
            received: Vec::new(),
            mark: spawned.mark,
            is_ending: false,
            was_stopped: false,
            is_subreaper_dead: false,
            is_reaped: false,
            sweep: None,
        };
        run.set_deadline(Instant::now());
        Ok(run)
    }

    pub(super) fn is_ending(&self) -> bool {
        self.is_ending
    }

    /// Tells the run to end. It has ended after `GRACE`, unless a process is stuck in the kernel.
    pub(super) fn end(&mut self) {
        self.is_ending = true;
        self.deadline = None;
        self.sweep = Some(Sweep::overdue(Instant::now()));
        let _ = self.socket.shutdown(Shutdown::Write);
        self.resume();
        // A closed pipe does not block a command that goes on writing.
        self.output = None;
        self.errors = None;
    }

    /// Continues the subreaper (SIGCONT): while it is stopped, it does not read the socket.
    fn resume(&self) {
        if let (false, Ok(pid)) = (self.is_reaped, i32::try_from(self.subreaper.id())) {
            let _ = kill(Pid::from_raw(pid), Signal::SIGCONT);
        }
    }

    fn reap(&mut self) {
        // It has exited, so this does not block.
        let _ = self.subreaper.wait();
        self.is_reaped = true;
    }

    /// The descriptors to poll for input, and the deadline of the poll.
    pub(super) fn waits_for(&self, now: Instant) -> (Vec<BorrowedFd<'_>>, Option<Instant>) {
        let sweep = self.sweep.as_ref().map(|sweep| sweep.at);
        if self.is_subreaper_dead {
            return (Vec::new(), sweep);
        }
        let mut fds = vec![self.socket.as_fd()];
        let mut next = self.deadline.or(sweep);
        for pipe in self.output.iter().chain(&self.errors) {
            match (pipe.fd(), pipe.paused_until(now)) {
                (Some(_), Some(until)) => next = Some(next.map_or(until, |next| next.min(until))),
                (Some(fd), None) => fds.push(fd),
                (None, _) => {}
            }
        }
        (fds, next)
    }

    /// Reads the socket and the pipes, and ends the run if it has failed. `None` if there is no further event.
    pub(super) fn next_event(&mut self, now: Instant) -> Option<RunEvent> {
        if self.is_subreaper_dead {
            return self.sweep(now);
        }
        // The socket first: after the end of the run, the pipes contain all of its output.
        let is_over = self.is_over();
        if let Some(event) = self.read(now, is_over) {
            return Some(event);
        }
        if is_over {
            return self.finish(now);
        }
        self.force_end(now);
        let timeout = self.command.timeout.filter(|_| self.is_late(now))?;
        Some(self.fail(match self.command.lines {
            true => Failure::Silent(timeout),
            false => Failure::Late(timeout),
        }))
    }

    /// Reads from the pipes that do not pause, or all that is left if the run is over.
    fn read(&mut self, now: Instant, is_over: bool) -> Option<RunEvent> {
        if let Some(errors) = &mut self.errors {
            errors.read_ready(now, is_over);
        }
        let output = self.output.as_mut()?;
        if output.read_ready(now, is_over) == Flow::Flood {
            return Some(self.fail(match self.command.lines {
                true => Failure::LongLine,
                false => Failure::Flood,
            }));
        }
        let line = output.line()?;
        self.set_deadline(now);
        Some(RunEvent::Output(line))
    }

    /// Ends the run because of a failure.
    fn fail(&mut self, failure: Failure) -> RunEvent {
        self.end();
        RunEvent::Failure(failure)
    }

    /// The event of a run whose subreaper has exited.
    fn finish(&mut self, now: Instant) -> Option<RunEvent> {
        let Some(end) = End::read(&self.received) else {
            self.is_subreaper_dead = true;
            let failed = (!self.is_ending).then(|| self.fail(Failure::SubreaperKilled));
            self.sweep = Some(Sweep::now(now));
            return failed.or_else(|| self.sweep(now));
        };
        if mem::replace(&mut self.is_ending, true) {
            self.reap();
            return Some(RunEvent::Ended);
        }
        let bytes = |pipe: &Option<Pipe>| pipe.as_ref().map(|pipe| pipe.bytes().to_vec());
        let line = first_line(&bytes(&self.errors).unwrap_or_default());
        Some(match end {
            End::Exited(0) if !self.command.lines => {
                RunEvent::Output(bytes(&self.output).unwrap_or_default())
            }
            End::Exited(status) => RunEvent::Failure(Failure::Status(status, line)),
            End::Killed(signal) => RunEvent::Failure(Failure::Signal(signal)),
            End::NotExecuted(number) => {
                RunEvent::Failure(Failure::NotExecuted(self.command.name(), number))
            }
        })
    }

    /// Kills the processes of a run whose subreaper is dead. The subreaper is reaped last, because its pid identifies
    /// their session.
    fn sweep(&mut self, now: Instant) -> Option<RunEvent> {
        if !self.sweep.as_mut()?.is_due(now) || !orphans::kill(self.subreaper.id(), &self.mark) {
            return None;
        }
        self.reap();
        Some(RunEvent::Ended)
    }

    /// Ends a run whose subreaper is stopped. A process of the run may stop it again and again, so these processes are
    /// killed first, and then the subreaper is continued.
    fn force_end(&mut self, now: Instant) {
        let is_due = self.sweep.as_mut().is_some_and(|sweep| sweep.is_due(now));
        if is_due && pid_stat::is_stopped(self.subreaper.id()) {
            orphans::kill(self.subreaper.id(), &self.mark);
            self.resume();
        }
    }

    /// Does the same without a deadline, because this process is about to exit. Returns true if the run ends without
    /// help: it is over, or the subreaper has begun to end it and was never found stopped.
    ///
    /// A process that stops the subreaper may not be found before its parent is dead, and stop the subreaper once more
    /// after that has begun. The processes are therefore killed until the run is over.
    pub(super) fn force_end_now(&mut self) -> bool {
        if self.is_subreaper_dead || self.is_over() {
            return true;
        }
        self.was_stopped |= pid_stat::is_stopped(self.subreaper.id());
        if self.was_stopped {
            orphans::kill(self.subreaper.id(), &self.mark);
            self.resume();
            return false;
        }
        subreaper::has_begun_to_end(&self.received)
    }

    /// Whether the subreaper has exited.
    fn is_over(&mut self) -> bool {
        let mut chunk = [0; 64];
        loop {
            match self.socket.read(&mut chunk) {
                Ok(0) => return true,
                Ok(length) => self.received.extend_from_slice(&chunk[..length]),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return error.kind() != ErrorKind::WouldBlock,
            }
        }
    }

    fn is_late(&self, now: Instant) -> bool {
        self.deadline.is_some_and(|deadline| deadline <= now)
    }

    /// Begins the timeout of the run, or of the next line.
    fn set_deadline(&mut self, now: Instant) {
        let deadline = self.command.timeout;
        self.deadline = deadline.and_then(|timeout| now.checked_add(timeout));
    }
}

impl Drop for Run {
    /// The subreaper reads the end of the file, and ends the run.
    fn drop(&mut self) {
        let _ = self.socket.shutdown(Shutdown::Write);
        self.resume();
    }
}
