//! The side of a start that stays with the caller: it waits until the daemon has told how it went, and sees to it
//! that nothing is left of one that did not start.

use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use super::intermediate::Intermediate;
use crate::linux::error::{Death, Error};
use crate::linux::process::session;
use crate::linux::readiness::{Reader, Record, Start};
use crate::linux::sys::wait;

/// After its end has been announced, a process gets so long to be gone.
const GRACE: Duration = Duration::from_secs(5);
/// How much longer than its own time-out a daemon may take to tell that the pidfile does not become free.
const SLACK: Duration = Duration::from_secs(2);
/// How long the last step of a start may take: after `Ready`, that the daemon shows it in its pidfile and closes the
/// pipe; after a pipe that was closed without it, how the daemon ended. It takes some microseconds; longer if a child
/// has the pipe too, which was forked without exec(2).
const CLOSING: Duration = Duration::from_secs(1);

/// The launcher's ends of a start.
pub(crate) struct Launcher {
    /// The readiness pipe of the daemon.
    pub(super) pipe: Reader,
    pub(super) intermediate: Intermediate,
}

impl Launcher {
    /// Waits until the daemon has told how it went. A daemon that did not start is gone when this returns.
    pub(crate) fn wait(self, timeout: Duration) -> Result<Start, Error> {
        self.wait_for(timeout, false)
    }

    /// The same for a process that tries what a daemon would do, and ends. All that it has started is gone, too.
    pub(crate) fn wait_for_trial(self, timeout: Duration) -> Result<(), Error> {
        match self.wait_for(timeout, true) {
            Err(Error::Died { how }) => Err(Error::CheckDied { how }),
            Err(Error::TimedOut { after }) => Err(Error::CheckTimedOut { after }),
            outcome => outcome.map(drop),
        }
    }

    fn wait_for(self, timeout: Duration, trial: bool) -> Result<Start, Error> {
        let mut daemon = Starting {
            intermediate: self.intermediate,
            pid: None,
            waiting: false,
            ready: None,
            silent: None,
            causes: Vec::new(),
            ended: None,
        };
        let outcome = daemon.wait(self.pipe, timeout);
        let outcome = match outcome {
            Ok(Start::Started { .. }) if !trial => outcome,
            outcome => daemon.bury(outcome),
        };
        daemon.intermediate.end();
        outcome
    }
}

/// A daemon that starts, as the launcher sees it.
struct Starting {
    intermediate: Intermediate,
    pid: Option<i32>,
    waiting: bool,
    ready: Option<Instant>,
    /// When its end of the pipe was closed.
    silent: Option<Instant>,
    causes: Vec<String>,
    ended: Option<Death>,
}

impl Starting {
    fn wait(&mut self, mut pipe: Reader, timeout: Duration) -> Result<Start, Error> {
        let start = Instant::now();
        loop {
            // First whether it has ended, then what it said: its last words come before its end.
            self.read_end()?;
            for record in pipe.read()? {
                if let Some(outcome) = self.hear(record) {
                    return outcome;
                }
            }
            let timeout = match self.waiting {
                true => timeout.saturating_add(SLACK),
                false => timeout,
            };
            let left = match self.ready {
                Some(ready) => CLOSING.saturating_sub(ready.elapsed()),
                None => timeout.saturating_sub(start.elapsed()),
            };
            if !pipe.is_open() {
                self.silent.get_or_insert_with(Instant::now);
            }
            let left = match self.silent {
                Some(since) => left.min(CLOSING.saturating_sub(since.elapsed())),
                None => left,
            };
            match (self.pid, self.ready, self.ended) {
                (Some(pid), Some(_), ended)
                    if ended.is_some() || self.silent.is_some() || left.is_zero() =>
                {
                    return Ok(Start::Started { pid });
                }
                (_, None, Some(how)) => return Err(Error::Died { how }),
                (_, None, None)
                    if self.silent.is_some()
                        && (left.is_zero() || !self.intermediate.link.reader.is_open()) =>
                {
                    let how = Death::Unknown;
                    return Err(Error::Died { how });
                }
                (_, None, None) if left.is_zero() => {
                    return Err(Error::TimedOut { after: timeout });
                }
                _ => {}
            }
            // An end that is closed would be readable for ever.
            let mut fds = Vec::new();
            fds.extend(pipe.is_open().then(|| pipe.as_fd()));
            let link = &self.intermediate.link.reader;
            fds.extend(link.is_open().then(|| link.as_fd()));
            wait::readable(&fds, left)?;
        }
    }

    /// Reads how the daemon ended, if the intermediate process has told.
    fn read_end(&mut self) -> Result<(), Error> {
        for record in self.intermediate.link.reader.read()? {
            if let Record::Ended(how) = record {
                self.ended = Some(how);
            }
        }
        Ok(())
    }

    fn hear(&mut self, record: Record) -> Option<Result<Start, Error>> {
        match record {
            Record::Pid(pid) => self.pid = Some(pid),
            Record::Waiting => self.waiting = true,
            Record::Ready => self.ready = Some(Instant::now()),
            Record::Cause(cause) => self.causes.push(cause),
            Record::Already(pid) => return Some(Ok(Start::AlreadyRunning { pid })),
            Record::Failed(message) => {
                let causes = std::mem::take(&mut self.causes);
                return Some(Err(Error::Failed { message, causes }));
            }
            Record::Ended(_) | Record::Kill => {}
        }
        None
    }

    /// Sees to it that nothing is left of a daemon which did not start, or of a trial.
    fn bury(&mut self, outcome: Result<Start, Error>) -> Result<Start, Error> {
        if !matches!(outcome, Err(Error::TimedOut { .. })) {
            self.wait_for_end();
        }
        // One that left the field to another has started nothing.
        if matches!(outcome, Ok(Start::AlreadyRunning { .. })) && self.ended.is_some() {
            return outcome;
        }
        if self.ended.is_none() {
            // Also if it has left its session, and if the intermediate process is stopped.
            self.intermediate.link.writer.write(&Record::Kill);
            self.intermediate.signal(Signal::SIGCONT);
            self.wait_for_end();
        }
        // The session with all that the daemon has started in it. Its number is that of its leader, which is
        // nobody else's while the leader is our child.
        if self.intermediate.is_our_child() {
            session::kill_all_but_leader(self.intermediate.pid.as_raw());
        }
        match (self.ended, self.pid) {
            (None, Some(pid)) if self.intermediate.link.reader.is_open() => {
                let after = GRACE;
                Err(Error::Unkillable { pid, after })
            }
            _ => outcome,
        }
    }

    /// Waits until the intermediate process has told how the daemon ended.
    fn wait_for_end(&mut self) {
        let start = Instant::now();
        while self.ended.is_none() && self.intermediate.link.reader.is_open() {
            let left = GRACE.saturating_sub(start.elapsed());
            let waited = wait::readable(&[self.intermediate.link.reader.as_fd()], left);
            if left.is_zero() || waited.is_err() || self.read_end().is_err() {
                return;
            }
        }
    }
}
