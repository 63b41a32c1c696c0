//! The process that owns the service's name on the bus.
//!
//! Any program of the user can take that name. A signal could end it, so only sampled gets signals.

use std::{
    ffi::OsStr,
    fs, io,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    time::Duration,
};

use nix::unistd::Uid;
use tokio::time::timeout;

use sampled::{
    client::{self, Bus, Client, Unresponsive},
    daemon::{self, Process, Stop},
    duration::Timeout,
};

use crate::cli::{
    deadline::Deadline,
    error::{Error, ForeignOwner, ForeignReason},
    runtime::block_on,
};

/// The timeout of the call `Quit`; at most a quarter of the time left.
const QUIT: Duration = Duration::from_secs(1);

/// The process that owns the name, held by a pidfd so that a signal cannot reach another process.
pub(crate) struct NameOwner {
    process: Process,
    pid: u32,
    user: io::Result<Uid>,
    executable: io::Result<PathBuf>,
}

/// An owner of the name that is sampled and belongs to this user.
pub(crate) struct VerifiedOwner<'a>(&'a Process);

/// How an owner has given up the name.
pub(crate) enum Leave {
    /// Its process has ended.
    Ended(Stop),
    /// It is another program, and has released the name when it was asked.
    GivenUp,
}

impl NameOwner {
    /// The owner of the name, if there is a bus and the name has an owner.
    pub(crate) fn find(deadline: Deadline) -> Result<Option<Self>, Error> {
        let Some(pid) = pid(deadline)? else {
            return Ok(None);
        };
        let found = Self::hold(pid)?;
        // If it still owns the name, it was alive all the time, and everything above was read from that process.
        let is_still = self::pid(deadline)? == Some(pid);
        Ok(found.filter(|_| is_still))
    }

    /// Holds the process with this pid. The caller checks afterwards that it still owns the name.
    pub(crate) fn hold(pid: u32) -> Result<Option<Self>, daemon::Error> {
        let process = Process::open(i32::try_from(pid).unwrap_or_default())?;
        Ok(process.map(|process| Self {
            process,
            pid,
            user: real_user(pid),
            executable: fs::read_link(format!("/proc/{pid}/exe")),
        }))
    }

    /// The same for a process that is sampled: returns a function that asks it to end.
    pub(crate) fn hold_verified(pid: u32) -> Option<impl FnOnce()> {
        let owner = Self::hold(pid).ok().flatten()?;
        owner.verified().is_ok().then_some(move || {
            // An error means that it has ended already.
            owner.process.terminate().ok();
        })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    /// The path of its executable; the former path if the file was removed.
    pub(crate) fn program(&self) -> Option<&Path> {
        self.executable.as_deref().ok().map(without_deleted)
    }

    /// The owner, if it is safe to send it signals.
    pub(crate) fn verified(&self) -> Result<VerifiedOwner<'_>, ForeignOwner> {
        let foreign = |why| Err(ForeignOwner { pid: self.pid, why });
        let hidden = |file, cause| {
            ForeignReason::Unreadable(format!("/proc/{}/{file}", self.pid), copy(cause))
        };
        match &self.user {
            Ok(user) if *user != Uid::effective() => return foreign(ForeignReason::User(*user)),
            Ok(_) => {}
            Err(cause) => return foreign(hidden("status", cause)),
        }
        match &self.executable {
            Ok(path) if is_sampled(path) => Ok(VerifiedOwner(&self.process)),
            Ok(path) => foreign(ForeignReason::Program(path.clone())),
            Err(cause) => foreign(hidden("exe", cause)),
        }
    }

    /// Ends the owner: calls `Quit`, then sends SIGTERM if it is sampled, and SIGKILL at the deadline.
    pub(crate) fn leave(&self, deadline: Deadline) -> Result<Leave, Error> {
        let is_leaving = self.quit(deadline)?;
        let half = deadline.left().div_f64(2.0);
        match self.verified() {
            Ok(verified) => {
                if is_leaving {
                    // SIGTERM would make it answer long calls with `Stopping`.
                    let _ends = self.process.is_gone_within(half);
                }
                // It has at least a second before it is killed, even if the time is used up.
                let left = deadline.left().max(Duration::from_secs(1));
                Ok(Leave::Ended(verified.end(left)?))
            }
            Err(_) if is_leaving && self.has_given_up(half)? => Ok(Leave::GivenUp),
            Err(foreign) => Err(Error::ForeignOwner {
                owner: foreign,
                effect: "it was not stopped",
            }),
        }
    }

    /// Calls `Quit`. False if it does not answer, refuses, or has no such method.
    fn quit(&self, deadline: Deadline) -> Result<bool, Error> {
        let time = QUIT.min(deadline.left().div_f64(4.0));
        let asked = async {
            let bus = Bus::within(None, time).await?;
            match Client::of_owner(bus.clone()).await? {
                // The call goes to this process and not to a successor.
                Some(client) if bus.owner().await? == Some(self.pid) => client.quit().await,
                _ => Ok(()),
            }
        };
        block_on(async { Ok(matches!(timeout(time, asked).await, Ok(Ok(())))) })
    }

    /// Whether it releases the name in this time.
    fn has_given_up(&self, time: Duration) -> Result<bool, Error> {
        let given_up = async {
            let bus = Bus::within(None, time).await?;
            timeout(time, bus.until_unowned()).await.ok();
            Ok::<_, client::Error>(bus.owner().await? != Some(self.pid))
        };
        block_on(async { Ok(given_up.await.unwrap_or(false)) })
    }
}

impl VerifiedOwner<'_> {
    /// Sends SIGHUP. False if the process has ended.
    pub(crate) fn hang_up(&self) -> Result<bool, daemon::Error> {
        self.0.hang_up()
    }

    /// Ends the process by SIGTERM, and by SIGKILL after this time.
    pub(crate) fn end(&self, time: Duration) -> Result<Stop, daemon::Error> {
        self.0.end(time)
    }
}

/// The owner as a foreign one, if it is known to be another program.
pub(crate) fn another_program(pid: u32) -> Option<ForeignOwner> {
    let foreign = NameOwner::hold(pid).ok()??.verified().err()?;
    matches!(foreign.why, ForeignReason::Program(_)).then_some(foreign)
}

/// The pid of the name's owner, if there is a bus and an owner.
pub(crate) fn pid(deadline: Deadline) -> Result<Option<u32>, Error> {
    block_on(async {
        match deadline.session().await {
            Ok(bus) => Ok(bus.owner().await?),
            Err(client::Error::NoBus(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    })
}

/// The idle timeout of a process, if it owns the name and has the property.
///
/// # Errors
/// When it does not answer.
pub(crate) fn idle_timeout(pid: u32, deadline: Deadline) -> Result<Option<Timeout>, Error> {
    let no_answer = || client::Error::NoAnswer {
        from: Unresponsive::Service(Some(pid)),
        after: deadline.timeout(),
    };
    let asked = async {
        let Ok(bus) = deadline.session().await else {
            return Ok(None);
        };
        let Ok(Some(client)) = Client::of_owner(bus.clone()).await else {
            return Ok(None);
        };
        if bus.owner().await.ok() != Some(Some(pid)) {
            return Ok(None);
        }
        // It has at least a second, even if the time is used up.
        let left = deadline.left().max(Duration::from_secs(1));
        let time = timeout(left, client.proxy().idle_timeout()).await;
        Ok(match time.map_err(|_| no_answer())? {
            Ok(u64::MAX) => Some(Timeout(None)),
            Ok(time) => Some(Timeout(Some(Duration::from_micros(time)))),
            // A service of another version may lack the property.
            Err(_) => None,
        })
    };
    block_on(asked)
}

/// The real user id of a process, from proc_pid_status(5).
fn real_user(pid: u32) -> io::Result<Uid> {
    let status = fs::read(format!("/proc/{pid}/status"))?;
    let status = String::from_utf8_lossy(&status);
    let line = status.lines().find_map(|line| line.strip_prefix("Uid:"));
    let user = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    user.map(Uid::from_raw)
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "it has no line Uid:"))
}

/// Whether an executable is this program, also if it was removed or replaced: see proc_pid_exe(5).
fn is_sampled(executable: &Path) -> bool {
    without_deleted(executable).file_name() == Some(OsStr::new("sampled"))
}

fn without_deleted(executable: &Path) -> &Path {
    let bytes = executable.as_os_str().as_bytes();
    let path = bytes.strip_suffix(b" (deleted)").unwrap_or(bytes);
    Path::new(OsStr::from_bytes(path))
}

fn copy(cause: &io::Error) -> io::Error {
    match cause.raw_os_error() {
        Some(number) => io::Error::from_raw_os_error(number),
        None => io::Error::new(cause.kind(), cause.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_executable_identifies_the_program() {
        let check = |path, expected| assert_eq!(is_sampled(Path::new(path)), expected, "{path}");
        check("/usr/bin/sampled", true);
        check("/usr/bin/sampled (deleted)", true);
        check("/usr/bin/sampled-panel", false);
        check("/opt/sampled/panel", false);
        check("/opt/sampled/panel (deleted)", false);
        check("sampled (deleted) (deleted)", false);
        check("", false);
    }

    #[test]
    fn the_real_user_of_this_process_is_read() {
        assert_eq!(real_user(std::process::id()).unwrap(), Uid::current());
    }
}
