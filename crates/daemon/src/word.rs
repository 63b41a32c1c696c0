//! The daemon's own first words, over a pipe, to the process that launched it.
//!
//! A record is a letter, a text and a NUL. The pipe is close-on-exec from its first moment and only the daemon
//! has its writing end, so that its death shows as the end of the file.

use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill, killpg};
use nix::sys::wait::{Id, WaitPidFlag, waitid, waitpid};
use nix::unistd::Pid;
use rustix::event::{PollFd, PollFlags};

use super::{Error, Start, process};

/// After an end has been announced, a process gets so long to be gone.
const GRACE: Duration = Duration::from_secs(5);
/// How much longer than its own patience a daemon may take to say that the pidfile does not become free.
const SLACK: Duration = Duration::from_secs(2);
/// How long after its word a daemon may take to write that into its pidfile and close the pipe. It takes some
/// microseconds; longer if a child has the pipe too, which was forked without exec(2).
const AFTERWORD: Duration = Duration::from_secs(1);

/// The writing end. A launcher that is gone (Ctrl-C) is no reason for the daemon to fail: nothing is returned.
#[derive(Debug)]
pub(super) struct Word(File);

impl From<OwnedFd> for Word {
    fn from(pipe: OwnedFd) -> Self {
        Self(pipe.into())
    }
}

impl Word {
    /// "This is my process id."
    pub(super) fn pid(&self) {
        self.say('p', &std::process::id().to_string());
    }

    /// "The pidfile is locked. I wait, and shall say how that ends."
    pub(super) fn waiting(&self) {
        self.say('w', "");
    }

    /// "Another one is running. I leave."
    pub(super) fn already(&self, pid: i32) {
        self.say('a', &pid.to_string());
    }

    /// "I have failed, and leave."
    pub(super) fn failed(&self, message: &str) {
        self.say('f', &message.replace('\0', " "));
    }

    /// "The service works." From here on the start is a success, whatever comes; but the launcher still waits for
    /// the end of the file.
    pub(super) fn ready(&self) {
        self.say('r', "");
    }

    fn say(&self, letter: char, text: &str) {
        let _ = (&self.0).write_all(format!("{letter}{text}\0").as_bytes());
    }
}

/// Waits until the daemon has said how it went. A daemon that did not start is gone when this returns.
pub(super) fn listen(pipe: OwnedFd, child: Pid, patience: Duration) -> Result<Start, Error> {
    let mut daemon = Daemon::default();
    let heard = daemon.listen(&pipe.into(), patience);
    if !matches!(heard, Ok(Start::Started { .. })) {
        daemon.bury(child, matches!(heard, Err(Error::TimedOut { .. })));
    }
    // The process between the forks. It has ended; ECHILD if the caller ignores SIGCHLD.
    let _ = waitpid(child, None);
    heard
}

/// What the launcher knows of the daemon.
#[derive(Default)]
struct Daemon {
    pid: Option<i32>,
    pidfd: Option<OwnedFd>,
    waiting: bool,
    ready: Option<Instant>,
    /// What was read and is no complete record yet.
    rest: Vec<u8>,
}

impl Daemon {
    fn listen(&mut self, pipe: &File, patience: Duration) -> Result<Start, Error> {
        rustix::io::ioctl_fionbio(pipe, true).map_err(Error::call("ioctl"))?;
        let start = Instant::now();
        loop {
            // First whether it is dead, then what it said: its last words come before its death.
            let dead = self
                .pidfd
                .as_ref()
                .is_some_and(|pidfd| process::gone(pidfd, Duration::ZERO));
            let open = self.read(pipe)?;
            while let Some(end) = self.rest.iter().position(|&byte| byte == 0) {
                let record: Vec<u8> = self.rest.drain(..=end).collect();
                if let Some(outcome) = self.hear(&String::from_utf8_lossy(&record[..end])) {
                    return outcome;
                }
            }
            let patience = if self.waiting {
                patience + SLACK
            } else {
                patience
            };
            let left = match self.ready {
                Some(ready) => AFTERWORD.saturating_sub(ready.elapsed()),
                None => patience.saturating_sub(start.elapsed()),
            };
            match (self.pid, self.ready) {
                (Some(pid), Some(_)) if dead || !open || left.is_zero() => {
                    return Ok(Start::Started { pid });
                }
                (_, None) if dead || !open => return Err(Error::Died),
                (_, None) if left.is_zero() => return Err(Error::TimedOut { after: patience }),
                _ => {}
            }
            let mut fds = vec![PollFd::new(pipe, PollFlags::IN)];
            fds.extend(
                self.pidfd
                    .iter()
                    .map(|pidfd| PollFd::new(pidfd, PollFlags::IN)),
            );
            process::poll(&mut fds, left)?;
        }
    }

    /// Reads what there is. False at the end of the file.
    fn read(&mut self, mut pipe: &File) -> Result<bool, Error> {
        match pipe.read_to_end(&mut self.rest) {
            Ok(_) => Ok(false),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(true),
            Err(error) => Err(Error::call("read")(error)),
        }
    }

    fn hear(&mut self, record: &str) -> Option<Result<Start, Error>> {
        let (letter, text) = record.split_at_checked(1)?;
        match (letter, text.parse().ok()) {
            ("p", Some(pid)) => {
                self.pid = Some(pid);
                // If it is dead already and its number is somebody else's, then so is this; it is only waited
                // for, never signalled.
                self.pidfd = process::pidfd(pid).ok();
                None
            }
            ("w", _) => {
                self.waiting = true;
                None
            }
            ("r", _) => {
                self.ready = Some(Instant::now());
                None
            }
            ("a", Some(pid)) => Some(Ok(Start::AlreadyRunning { pid })),
            ("f", _) => Some(Err(Error::Failed {
                message: text.to_owned(),
            })),
            _ => None,
        }
    }

    /// Sees to it that nothing is left of a daemon which did not start.
    fn bury(&self, child: Pid, hangs: bool) {
        if let (Some(pidfd), false) = (&self.pidfd, hangs) {
            process::gone(pidfd, GRACE);
        }
        // Its group, with whatever it has started. That is named after the child, whose number is nobody else's
        // as long as it is not reaped (a caller that ignores SIGCHLD has it reaped at once) or the group has
        // members. The child itself is the one to kill if it has not got to setsid(2).
        let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
        let unreaped = waitid(Id::Pid(child), flags).is_ok();
        let lives = |pidfd| !process::gone(pidfd, Duration::ZERO);
        if unreaped {
            let _ = kill(child, Signal::SIGKILL);
        }
        if unreaped || self.pidfd.as_ref().is_some_and(lives) {
            let _ = killpg(child, Signal::SIGKILL);
        }
        if let Some(pidfd) = &self.pidfd {
            process::gone(pidfd, GRACE);
        }
    }
}
