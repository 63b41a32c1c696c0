//! The caller's side of a start: it waits for the outcome, and kills all processes of a daemon that did not start.

use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use super::intermediate::Intermediate;
use crate::linux::error::{Death, Error};
use crate::linux::process::session;
use crate::linux::readiness::{Message, Reader, Start};
use crate::linux::sys::wait;

/// The time that a process may take to end after it has reported a failure, or after SIGKILL.
const END_TIMEOUT: Duration = Duration::from_secs(5);
/// A daemon that waits for the pidfile reports its own timeout. The launcher waits this much longer for that report.
const PIDFILE_MARGIN: Duration = Duration::from_secs(2);
/// The time that the last step of a start may take. After `Ready` the daemon marks its pidfile and closes the pipe;
/// after a pipe that was closed without `Ready`, the intermediate process reports how the daemon ended. Either takes
/// some microseconds; longer if a child that was forked without exec(2) has the pipe open, too.
const LAST_STEP_TIMEOUT: Duration = Duration::from_secs(1);

/// The launcher's ends of the pipe and the socket of a start.
pub(crate) struct Launcher {
    /// The readiness pipe of the daemon.
    pub(super) pipe: Reader,
    pub(super) intermediate: Intermediate,
}

impl Launcher {
    /// Waits for the outcome. A daemon that did not start is gone when this returns.
    pub(crate) fn wait(self, timeout: Duration) -> Result<Start, Error> {
        self.wait_for(timeout, false)
    }

    /// The same for the process of [`Daemon::verify`](crate::Daemon::verify). All processes that it has started are
    /// gone as well.
    pub(crate) fn wait_for_check(self, timeout: Duration) -> Result<(), Error> {
        match self.wait_for(timeout, true) {
            Err(Error::Died { how }) => Err(Error::CheckDied { how }),
            Err(Error::TimedOut { after }) => Err(Error::CheckTimedOut { after }),
            outcome => outcome.map(drop),
        }
    }

    fn wait_for(self, timeout: Duration, check: bool) -> Result<Start, Error> {
        let mut daemon = StartProgress {
            intermediate: self.intermediate,
            pid: None,
            waits_for_pidfile: false,
            ready_at: None,
            pipe_closed_at: None,
            causes: Vec::new(),
            denied: false,
            death: None,
        };
        let outcome = daemon.wait(self.pipe, timeout);
        let outcome = match outcome {
            Ok(Start::Started { .. }) if !check => outcome,
            outcome => daemon.clean_up(outcome),
        };
        daemon.intermediate.end();
        outcome
    }
}

/// The state of a start, as far as the launcher knows it.
struct StartProgress {
    intermediate: Intermediate,
    pid: Option<i32>,
    waits_for_pidfile: bool,
    ready_at: Option<Instant>,
    /// The time at which the daemon's end of the pipe was closed.
    pipe_closed_at: Option<Instant>,
    causes: Vec<String>,
    /// Whether a lack of permission is the cause of a failure.
    denied: bool,
    death: Option<Death>,
}

impl StartProgress {
    fn wait(&mut self, mut pipe: Reader, timeout: Duration) -> Result<Start, Error> {
        let start = Instant::now();
        loop {
            // The death is read first, the messages after it: so all messages before the death are seen.
            self.read_death()?;
            for message in pipe.read()? {
                if let Some(outcome) = self.apply(message) {
                    return outcome;
                }
            }
            let timeout = match self.waits_for_pidfile {
                true => timeout.saturating_add(PIDFILE_MARGIN),
                false => timeout,
            };
            let left = match self.ready_at {
                Some(ready) => LAST_STEP_TIMEOUT.saturating_sub(ready.elapsed()),
                None => timeout.saturating_sub(start.elapsed()),
            };
            if !pipe.is_open() {
                self.pipe_closed_at.get_or_insert_with(Instant::now);
            }
            let left = match self.pipe_closed_at {
                Some(since) => left.min(LAST_STEP_TIMEOUT.saturating_sub(since.elapsed())),
                None => left,
            };
            match (self.pid, self.ready_at, self.death) {
                (Some(pid), Some(_), ended)
                    if ended.is_some() || self.pipe_closed_at.is_some() || left.is_zero() =>
                {
                    return Ok(Start::Started { pid });
                }
                (_, None, Some(how)) => return Err(Error::Died { how }),
                (_, None, None)
                    if self.pipe_closed_at.is_some()
                        && (left.is_zero() || !self.intermediate.socket.reader.is_open()) =>
                {
                    let how = Death::Unknown;
                    return Err(Error::Died { how });
                }
                (_, None, None) if left.is_zero() => {
                    return Err(Error::TimedOut { after: timeout });
                }
                _ => {}
            }
            // A closed end would be readable for ever.
            let mut fds = Vec::new();
            fds.extend(pipe.is_open().then(|| pipe.as_fd()));
            let socket = &self.intermediate.socket.reader;
            fds.extend(socket.is_open().then(|| socket.as_fd()));
            wait::poll_readable(&fds, left)?;
        }
    }

    /// Reads the intermediate process's report of the daemon's death, if it has arrived.
    fn read_death(&mut self) -> Result<(), Error> {
        for message in self.intermediate.socket.reader.read()? {
            if let Message::Ended(how) = message {
                self.death = Some(how);
            }
        }
        Ok(())
    }

    fn apply(&mut self, message: Message) -> Option<Result<Start, Error>> {
        match message {
            Message::Pid(pid) => self.pid = Some(pid),
            Message::Waiting => self.waits_for_pidfile = true,
            Message::Ready => self.ready_at = Some(Instant::now()),
            Message::Cause(cause) => self.causes.push(cause),
            Message::Denied => self.denied = true,
            Message::Already(pid) => return Some(Ok(Start::AlreadyRunning { pid })),
            Message::Failed(message) => {
                let causes = std::mem::take(&mut self.causes);
                let denied = self.denied;
                return Some(Err(Error::Failed {
                    message,
                    causes,
                    denied,
                }));
            }
            Message::Ended(_) | Message::Kill => {}
        }
        None
    }

    /// Kills the processes of a daemon that did not start, or of a check.
    fn clean_up(&mut self, outcome: Result<Start, Error>) -> Result<Start, Error> {
        if !matches!(outcome, Err(Error::TimedOut { .. })) {
            self.wait_for_death();
        }
        // A daemon that found another instance running has started no processes.
        if matches!(outcome, Ok(Start::AlreadyRunning { .. })) && self.death.is_some() {
            return outcome;
        }
        if self.death.is_none() {
            // By its process id, because it may have left its session; SIGCONT, because the intermediate process may
            // be stopped.
            self.intermediate.socket.writer.write(&Message::Kill);
            self.intermediate.signal(Signal::SIGCONT);
            self.wait_for_death();
        }
        // All processes that the daemon has started in its session. The number of the session is the process id of its
        // leader, and is not reused while the leader is not reaped.
        if self.intermediate.is_our_child() {
            session::kill_all_but_leader(self.intermediate.pid.as_raw());
        }
        match (self.death, self.pid) {
            (None, Some(pid)) if self.intermediate.socket.reader.is_open() => {
                let after = END_TIMEOUT;
                Err(Error::Unkillable { pid, after })
            }
            _ => outcome,
        }
    }

    /// Waits until the intermediate process has reported the daemon's death.
    fn wait_for_death(&mut self) {
        let start = Instant::now();
        while self.death.is_none() && self.intermediate.socket.reader.is_open() {
            let left = END_TIMEOUT.saturating_sub(start.elapsed());
            let waited = wait::poll_readable(&[self.intermediate.socket.reader.as_fd()], left);
            if left.is_zero() || waited.is_err() || self.read_death().is_err() {
                return;
            }
        }
    }
}
