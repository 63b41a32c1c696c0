//! The side of a start that stays with the caller: it waits until the daemon has told how it went, and sees to it
//! that nothing is left of one that did not start.

use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{Id, WaitPidFlag, waitid, waitpid};
use nix::unistd::Pid;

use super::readiness::{Reader, Record};
use super::{Death, Error, Process, Start, process, session};

/// After its end has been announced, a process gets so long to be gone.
const GRACE: Duration = Duration::from_secs(5);
/// How much longer than its own time-out a daemon may take to tell that the pidfile does not become free.
const SLACK: Duration = Duration::from_secs(2);
/// How much of the end of a start is waited for: after `Ready`, that the daemon shows it in its pidfile and closes the
/// pipe; after a pipe that was closed without it, how the daemon ended. It takes some microseconds; longer if a child
/// has the pipe too, which was forked without exec(2).
const CLOSING: Duration = Duration::from_secs(1);

/// What the launcher holds of a daemon that starts.
#[derive(Debug)]
pub(crate) struct Launcher {
    /// The readiness pipe of the daemon.
    pub(crate) pipe: OwnedFd,
    /// The socket of the intermediate process, which ends when this is closed.
    pub(crate) link: OwnedFd,
    /// The intermediate process, our child. It leads the daemon's session, whose number is nobody else's as long
    /// as it is not reaped.
    pub(crate) intermediate: Pid,
}

impl Launcher {
    /// Waits until the daemon has told how it went. A daemon that did not start is gone when this returns.
    pub(crate) fn wait(self, timeout: Duration) -> Result<Start, Error> {
        let Self {
            pipe,
            link,
            intermediate,
        } = self;
        let (pipe, mut link) = (Reader::new(pipe)?, Reader::new(link)?);
        let mut daemon = Starting::default();
        let heard = daemon.wait(pipe, &mut link, timeout);
        if !matches!(heard, Ok(Start::Started { .. })) {
            daemon.bury(intermediate, &mut link, &heard);
        }
        drop(link);
        // ECHILD if the caller ignores SIGCHLD.
        let _ = waitpid(intermediate, None);
        heard
    }
}

/// What the launcher knows of the daemon.
#[derive(Default)]
struct Starting {
    pid: Option<i32>,
    process: Option<Process>,
    waiting: bool,
    ready: Option<Instant>,
    /// When its end of the pipe was closed.
    silent: Option<Instant>,
    causes: Vec<String>,
    ended: Option<Death>,
}

impl Starting {
    fn wait(
        &mut self,
        mut pipe: Reader,
        link: &mut Reader,
        timeout: Duration,
    ) -> Result<Start, Error> {
        let start = Instant::now();
        loop {
            // First whether it has ended, then what it said: its last words come before its end.
            self.read_end(link)?;
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
                (_, None, None) if self.silent.is_some() && (left.is_zero() || !link.is_open()) => {
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
            fds.extend(link.is_open().then(|| link.as_fd()));
            process::wait_readable(&fds, left)?;
        }
    }

    /// What the intermediate process knows.
    fn read_end(&mut self, link: &mut Reader) -> Result<(), Error> {
        for record in link.read()? {
            if let Record::Ended(how) = record {
                self.ended = Some(how);
            }
        }
        Ok(())
    }

    fn hear(&mut self, record: Record) -> Option<Result<Start, Error>> {
        match record {
            Record::Pid(pid) => {
                self.pid = Some(pid);
                // If it is dead already and its number is another process's, then so is this: it is only waited
                // for, and signalled only as a member of the daemon's session.
                self.process = Process::open(pid).ok().flatten();
            }
            Record::Waiting => self.waiting = true,
            Record::Ready => self.ready = Some(Instant::now()),
            Record::Cause(cause) => self.causes.push(cause),
            Record::Already(pid) => return Some(Ok(Start::AlreadyRunning { pid })),
            Record::Failed(message) => {
                let causes = std::mem::take(&mut self.causes);
                return Some(Err(Error::Failed { message, causes }));
            }
            Record::Ended(_) => {}
        }
        None
    }

    /// Sees to it that nothing is left of a daemon which did not start.
    fn bury(&mut self, intermediate: Pid, link: &mut Reader, heard: &Result<Start, Error>) {
        let hangs = matches!(heard, Err(Error::TimedOut { .. }));
        let start = Instant::now();
        while !hangs && self.ended.is_none() && link.is_open() && start.elapsed() < GRACE {
            let left = GRACE.saturating_sub(start.elapsed());
            let waited = process::wait_readable(&[link.as_fd()], left);
            if waited.is_err() || self.read_end(link).is_err() {
                break;
            }
        }
        // One that left the field to another has started nothing.
        if heard.is_ok() && self.ended.is_some() {
            return;
        }
        // The session with all that the daemon has started in it. Its number is that of its leader, which is
        // nobody else's while the leader is our child.
        let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
        if waitid(Id::Pid(intermediate), flags).is_ok() {
            session::kill_members(intermediate.as_raw(), &[intermediate.as_raw()]);
            // It does not wait for a daemon any more, unless it has not got so far as to fork it.
            let _ = kill(intermediate, Signal::SIGKILL);
        }
        if let Some(process) = &self.process {
            process.is_gone_within(GRACE);
        }
    }
}
