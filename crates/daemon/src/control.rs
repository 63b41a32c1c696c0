use std::fmt::Display;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use super::look::{self, Holder, Look};
use super::{Daemon, Error, Process, Ready, Start, pidfile};

/// How a stop has ended. Either way no daemon is running.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// It was asked (SIGTERM), and is gone.
    Stopped {
        /// The process id it had.
        pid: i32,
    },
    /// It did not go in time and was killed (SIGKILL), and is gone. Its pidfile is still there.
    Killed {
        /// The process id it had.
        pid: i32,
    },
    /// There was none.
    NotRunning,
}

/// What the daemon does. Numbers in brackets are the Linux Standard Base's exit statuses for `status`.
#[derive(Debug)]
pub enum Status {
    /// It is running and ready (0).
    Running {
        /// Its process id.
        pid: i32,
        /// When it wrote its pidfile.
        since: SystemTime,
    },
    /// It is running but not ready yet (0, because it is alive; and what starts it waits).
    Starting {
        /// Its process id, unless it has not got so far as to write it.
        pid: Option<i32>,
    },
    /// It is dead and has left its pidfile: it was killed (1). The next start puts that right.
    Dead,
    /// It is not running (3).
    NotRunning,
    /// That cannot be told (4).
    Unknown {
        /// Why not.
        why: Error,
    },
}

impl Status {
    /// The exit status that the Linux Standard Base wants a program to give for this answer.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Running { .. } | Self::Starting { .. } => 0,
            Self::Dead => 1,
            Self::NotRunning => 3,
            Self::Unknown { .. } => 4,
        }
    }
}

impl Daemon {
    /// Ends the daemon, and returns when its process is gone. Asks by SIGTERM, and kills by SIGKILL after
    /// [`stop_timeout`](Self::stop_timeout).
    ///
    /// The pidfile's number alone gets nobody killed: its file must be locked the way a daemon locks it, before
    /// and after the process is taken hold of. The file is the daemon's to remove, and is not touched.
    ///
    /// # Errors
    /// [`Error::Process`] if the daemon is somebody else's; [`Error::Unkillable`]; and what keeps the pidfile
    /// from being understood.
    pub fn stop(&self) -> Result<Stop, Error> {
        match aim(&self.pidfile_path()?, self.stop_timeout, false)? {
            Some(process) => process.end(self.stop_timeout),
            None => Ok(Stop::NotRunning),
        }
    }

    /// Stops the daemon if one is running, and starts the service.
    ///
    /// An instance that is just starting is let to get ready, and then stopped, so that its own caller sees a
    /// success. Of two concurrent restarts both succeed, and one daemon is left, which neither of them found
    /// running: the slower one either replaces the quicker one's daemon or gets [`Start::AlreadyRunning`].
    ///
    /// # Errors
    /// Those of [`stop`](Self::stop) and [`start`](Self::start), and [`Error::StillStarting`].
    pub fn restart<F, E>(&self, service: F) -> Result<Start, Error>
    where
        F: FnOnce(Ready) -> Result<(), E>,
        E: Display,
    {
        if let Some(process) = aim(&self.pidfile_path()?, self.ready_timeout, true)? {
            process.end(self.stop_timeout)?;
        }
        self.start(service)
    }

    /// Sends SIGHUP to the daemon, once it is ready, and returns its process id. What that means is up to the
    /// service; if it does not handle SIGHUP, it dies of it.
    ///
    /// # Errors
    /// [`Error::NotRunning`], and those of [`stop`](Self::stop).
    pub fn reload(&self) -> Result<i32, Error> {
        let path = self.pidfile_path()?;
        match aim(&path, self.ready_timeout, true)? {
            Some(process) if process.hang_up()? => Ok(process.pid()),
            _ => Err(Error::NotRunning { path }),
        }
    }

    /// Looks, without a lock of its own, whether the daemon runs.
    pub fn status(&self) -> Status {
        self.observe().unwrap_or_else(|why| Status::Unknown { why })
    }

    fn observe(&self) -> Result<Status, Error> {
        let path = self.pidfile_path()?;
        let mut missed = None;
        loop {
            let holder = match look::look(&path)? {
                Look::Absent | Look::Free { empty: true } => return Ok(Status::NotRunning),
                Look::Free { empty: false } => return Ok(Status::Dead),
                Look::Taken => return Ok(Status::Starting { pid: None }),
                Look::Held(holder) => holder,
            };
            let Holder {
                pid, since, ready, ..
            } = holder;
            if hold(&path, pid, &mut missed)?.is_some() {
                return Ok(match ready {
                    true => Status::Running { pid, since },
                    false => Status::Starting { pid: Some(pid) },
                });
            }
        }
    }
}

/// Takes hold of the process that holds the pidfile; of one that is ready only, if so wanted.
fn aim(path: &Path, patience: Duration, ready: bool) -> Result<Option<Process>, Error> {
    let start = Instant::now();
    let mut missed = None;
    loop {
        let holder = match look::look(path)? {
            Look::Absent | Look::Free { .. } => return Ok(None),
            Look::Held(holder) if holder.ready || !ready => holder,
            Look::Held(_) | Look::Taken => {
                let (after, path) = (start.elapsed(), path.to_path_buf());
                if after >= patience {
                    return Err(Error::StillStarting { path, after });
                }
                pidfile::pause();
                continue;
            }
        };
        let Some(process) = hold(path, holder.pid, &mut missed)? else {
            continue;
        };
        // Still the same one? Then it has been it all the time, and the pidfd is a hold on it and not on a
        // stranger who was given its number.
        if matches!(look::look(path)?, Look::Held(again) if again.pid == holder.pid) {
            trust(path, holder)?;
            return Ok(Some(process));
        }
    }
}

/// Opens a process, or nothing if it has just ended; then its lock has ended before it, and who looks again
/// sees that. `missed` keeps the number: if it is still there after the second look, the lock is held by
/// another process.
fn hold(path: &Path, pid: i32, missed: &mut Option<i32>) -> Result<Option<Process>, Error> {
    match Process::open(pid)? {
        None if *missed == Some(pid) => {
            let path = path.to_path_buf();
            Err(Error::Orphaned { path, pid })
        }
        None => {
            *missed = Some(pid);
            Ok(None)
        }
        held => Ok(held),
    }
}

/// A user who owns the pidfile could write any number into it and have root kill that process. So the file must
/// be root's, or ours, or belong to whom the process belongs.
fn trust(path: &Path, Holder { pid, owner, .. }: Holder) -> Result<(), Error> {
    if owner == 0 || owner == nix::unistd::geteuid().as_raw() || Some(owner) == user_of(pid) {
        return Ok(());
    }
    let path = path.to_path_buf();
    Err(Error::Untrusted { path, pid })
}

/// The real user id, from proc_pid_status(5).
fn user_of(pid: i32) -> Option<u32> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("Uid:"))?;
    line.split_whitespace().next()?.parse().ok()
}
