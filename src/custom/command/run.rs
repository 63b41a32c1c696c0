//! One run of a command, seen from the process that wants it.

use std::{
    io::{self, ErrorKind, PipeWriter, Read},
    mem,
    net::Shutdown,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::net::UnixStream,
    },
    path::Path,
    process::{self, Child},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use nix::{
    fcntl::{FcntlArg, OFlag, fcntl},
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use super::{
    Command, Program, environment,
    failure::{Failure, first_line},
    orphans::{self, Sweep},
    pid_stat,
    pipe::{Flow, Keep, Pipe},
    subreaper::{self, End},
};

/// A command that runs, or what is left of it.
pub(super) struct Run {
    command: Arc<Command>,
    guard: Child,
    /// Closed in our direction, it ends the run; closed in the other, the run is over.
    link: UnixStream,
    /// What the guard has said.
    said: Vec<u8>,
    mark: String,
    output: Option<Pipe>,
    errors: Option<Pipe>,
    /// When it has taken too long, or been silent for too long.
    deadline: Option<Instant>,
    /// Whether it is to end: what it says does not matter any more.
    is_ending: bool,
    /// Whether the guard was killed, and is not there to end what it guarded.
    is_unguarded: bool,
    /// Whether the guard was waited for: its number may be another process's.
    is_reaped: bool,
    /// Once the run is to end: when we look for what the guard has not ended.
    sweep: Option<Sweep>,
}

/// What has become of a run.
pub(super) enum News {
    /// It has said all that it had to say, or a line.
    Output(Vec<u8>),
    /// It goes wrong.
    Failure(Failure),
    /// There is nothing left of it.
    Over,
}

impl Run {
    /// Starts a command under a guard.
    pub(super) fn start(guard: &Path, command: Arc<Command>) -> Result<Self, Failure> {
        Self::spawn(guard, command).map_err(|cause| Failure::NoGuard(guard.to_owned(), cause))
    }

    fn spawn(guard: &Path, command: Arc<Command>) -> io::Result<Self> {
        static RUNS: AtomicU64 = AtomicU64::new(0);
        let mark = format!("{}.{}", process::id(), RUNS.fetch_add(1, Ordering::Relaxed));
        let (link, theirs) = UnixStream::pair()?;
        link.set_nonblocking(true)?;
        let keep = match command.lines {
            true => Keep::LastLine,
            false => Keep::Whole,
        };
        let (output, stdout) = pipe(keep)?;
        let (errors, stderr) = pipe(Keep::Head)?;
        let mut program = process::Command::new(guard);
        program
            .arg(subreaper::ARGUMENT)
            .arg(environment::directory(&command));
        match &command.program {
            Program::Argv(argv) => program.args(argv),
            Program::Shell(text) => program.args(["/bin/sh", "-c"]).arg(text),
        };
        program
            .env_clear()
            .envs(environment::of(&command))
            .env(orphans::MARK, &mark)
            .stdin(OwnedFd::from(theirs))
            .stdout(stdout)
            .stderr(stderr);
        let mut run = Self {
            deadline: None,
            output: Some(output),
            errors: Some(errors),
            command,
            guard: program.spawn()?,
            link,
            said: Vec::new(),
            mark,
            is_ending: false,
            is_unguarded: false,
            is_reaped: false,
            sweep: None,
        };
        run.expect(Instant::now());
        Ok(run)
    }

    pub(super) fn is_ending(&self) -> bool {
        self.is_ending
    }

    /// Ends it. That takes as long as the command's grace at most, unless the kernel does not let go of it.
    pub(super) fn end(&mut self) {
        self.is_ending = true;
        self.deadline = None;
        self.sweep = Some(Sweep::overdue(Instant::now()));
        let _ = self.link.shutdown(Shutdown::Write);
        self.resume();
        // A command that writes on is not to wait for us.
        self.output = None;
        self.errors = None;
    }

    /// Continues the guard: one that somebody has stopped does not hear.
    fn resume(&self) {
        if let (false, Ok(pid)) = (self.is_reaped, i32::try_from(self.guard.id())) {
            let _ = kill(Pid::from_raw(pid), Signal::SIGCONT);
        }
    }

    fn reap(&mut self) {
        // It has left: this waits for nothing but its number.
        let _ = self.guard.wait();
        self.is_reaped = true;
    }

    /// What is to be waited for now: descriptors to read from, and the moment at which something is due.
    pub(super) fn waits_for(&self, now: Instant) -> (Vec<BorrowedFd<'_>>, Option<Instant>) {
        let sweep = self.sweep.as_ref().map(|sweep| sweep.at);
        if self.is_unguarded {
            return (Vec::new(), sweep);
        }
        let mut fds = vec![self.link.as_fd()];
        let mut next = self.deadline.or(sweep);
        for pipe in self.output.iter().chain(&self.errors) {
            match (pipe.fd(), pipe.rests_until(now)) {
                (Some(_), Some(until)) => next = Some(next.map_or(until, |next| next.min(until))),
                (Some(fd), None) => fds.push(fd),
                (None, _) => {}
            }
        }
        (fds, next)
    }

    /// Reads what there is to be read, and ends what has failed.
    pub(super) fn look(&mut self, now: Instant) -> Option<News> {
        if self.is_unguarded {
            return self.sweep(now);
        }
        // First whether it is over, then what it said: its last words come before its end.
        let is_over = self.is_over();
        if let Some(news) = self.read(now, is_over) {
            return Some(news);
        }
        if is_over {
            return self.finish(now);
        }
        self.press(now);
        let timeout = self.command.timeout.filter(|_| self.is_late(now))?;
        Some(self.fail(match self.command.lines {
            true => Failure::Silent(timeout),
            false => Failure::Late(timeout),
        }))
    }

    /// Reads from the pipes that do not rest, or to the end if the run is over.
    fn read(&mut self, now: Instant, is_over: bool) -> Option<News> {
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
        self.expect(now);
        Some(News::Output(line))
    }

    /// It has failed, and is to end.
    fn fail(&mut self, failure: Failure) -> News {
        self.end();
        News::Failure(failure)
    }

    /// What has become of it when the guard has left.
    fn finish(&mut self, now: Instant) -> Option<News> {
        let Some(end) = End::read(&self.said) else {
            self.is_unguarded = true;
            let failed = (!self.is_ending).then(|| self.fail(Failure::Unguarded));
            self.sweep = Some(Sweep::now(now));
            return failed.or_else(|| self.sweep(now));
        };
        if mem::replace(&mut self.is_ending, true) {
            self.reap();
            return Some(News::Over);
        }
        let bytes = |pipe: &Option<Pipe>| pipe.as_ref().map(|pipe| pipe.bytes().to_vec());
        let line = first_line(&bytes(&self.errors).unwrap_or_default());
        Some(match end {
            End::Exited(0) if !self.command.lines => {
                News::Output(bytes(&self.output).unwrap_or_default())
            }
            End::Exited(status) => News::Failure(Failure::Status(status, line)),
            End::Killed(signal) => News::Failure(Failure::Signal(signal)),
            End::NotExecuted(number) => {
                News::Failure(Failure::NotExecuted(self.command.name(), number))
            }
        })
    }

    /// Ends what has lost its guard, which is reaped last.
    fn sweep(&mut self, now: Instant) -> Option<News> {
        if !self.sweep.as_mut()?.is_due(now) || !orphans::kill(self.guard.id(), &self.mark) {
            return None;
        }
        self.reap();
        Some(News::Over)
    }

    /// Ends what a guard has not ended because it is stopped, perhaps again and again by one of those: they are
    /// killed first, and then it is continued.
    fn press(&mut self, now: Instant) {
        let is_due = self.sweep.as_mut().is_some_and(|sweep| sweep.is_due(now));
        if is_due && pid_stat::is_stopped(self.guard.id()) {
            orphans::kill(self.guard.id(), &self.mark);
            self.resume();
        }
    }

    /// The same at once, for the end of this process, after which nobody does it any more. False while the guard is
    /// there: it may be stopped again.
    pub(super) fn press_at_once(&mut self) -> bool {
        if self.is_unguarded || self.is_over() {
            return true;
        }
        if pid_stat::is_stopped(self.guard.id()) {
            orphans::kill(self.guard.id(), &self.mark);
            self.resume();
        }
        false
    }

    /// Whether the guard has left.
    fn is_over(&mut self) -> bool {
        let mut chunk = [0; 64];
        loop {
            match self.link.read(&mut chunk) {
                Ok(0) => return true,
                Ok(length) => self.said.extend_from_slice(&chunk[..length]),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return error.kind() != ErrorKind::WouldBlock,
            }
        }
    }

    fn is_late(&self, now: Instant) -> bool {
        self.deadline.is_some_and(|deadline| deadline <= now)
    }

    /// From here on it has its time.
    fn expect(&mut self, now: Instant) {
        let deadline = self.command.timeout;
        self.deadline = deadline.and_then(|timeout| now.checked_add(timeout));
    }
}

impl Drop for Run {
    /// The guard hears of it by its socket.
    fn drop(&mut self) {
        let _ = self.link.shutdown(Shutdown::Write);
        self.resume();
    }
}

/// A pipe whose reading end does not block. The other end is the command's own, and does.
fn pipe(keep: Keep) -> io::Result<(Pipe, PipeWriter)> {
    let (reading, writing) = io::pipe()?;
    fcntl(&reading, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
    Ok((Pipe::new(reading.into(), keep), writing))
}
