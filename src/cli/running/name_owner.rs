//! The process that has the name of the service on the bus.
//!
//! Any program of the user can take that name. A signal may end it, so a signal goes to sampled only.

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
    error::{Error, NotOurs, Stranger},
    runtime::block_on,
};

/// Who is asked to leave has this long to answer, and a quarter of what is left at most.
const QUIT: Duration = Duration::from_secs(1);

/// The process that has the name, held so that a signal can reach nobody else.
pub(crate) struct Owner {
    process: Process,
    pid: u32,
    user: io::Result<Uid>,
    executable: io::Result<PathBuf>,
}

/// An owner of the name that is sampled, and of this user.
pub(crate) struct Sampled<'a>(&'a Process);

/// How an owner has left.
pub(crate) enum Leave {
    /// Its process has ended.
    Ended(Stop),
    /// It is another program, and has given the name up when it was asked.
    GivenUp,
}

impl Owner {
    /// The owner of the name, where there is a bus and somebody has it.
    pub(crate) fn find(deadline: Deadline) -> Result<Option<Self>, Error> {
        let Some(pid) = pid(deadline)? else {
            return Ok(None);
        };
        let found = Self::hold(pid)?;
        // Still the owner: then it has been alive all the time, and all this is of that process.
        let is_still = self::pid(deadline)? == Some(pid);
        Ok(found.filter(|_| is_still))
    }

    /// The process of this number. If it is the owner of the name, is to be asked after this.
    pub(crate) fn hold(pid: u32) -> Result<Option<Self>, daemon::Error> {
        let process = Process::open(i32::try_from(pid).unwrap_or_default())?;
        Ok(process.map(|process| Self {
            process,
            pid,
            user: real_user(pid),
            executable: fs::read_link(format!("/proc/{pid}/exe")),
        }))
    }

    /// The same, if it is sampled: what asks it to leave.
    pub(crate) fn hold_sampled(pid: u32) -> Option<impl FnOnce()> {
        let owner = Self::hold(pid).ok().flatten()?;
        owner.sampled().is_ok().then_some(move || {
            // One that has ended meanwhile has left.
            owner.process.terminate().ok();
        })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    /// The file that it runs, by the name that it had if it is not there any more.
    pub(crate) fn program(&self) -> Option<&Path> {
        self.executable.as_deref().ok().map(without_deleted)
    }

    /// The owner, if it may get signals.
    pub(crate) fn sampled(&self) -> Result<Sampled<'_>, Stranger> {
        let stranger = |why| Err(Stranger { pid: self.pid, why });
        let hidden =
            |file, cause| NotOurs::Unreadable(format!("/proc/{}/{file}", self.pid), copy(cause));
        match &self.user {
            Ok(user) if *user != Uid::effective() => return stranger(NotOurs::User(*user)),
            Ok(_) => {}
            Err(cause) => return stranger(hidden("status", cause)),
        }
        match &self.executable {
            Ok(path) if is_sampled(path) => Ok(Sampled(&self.process)),
            Ok(path) => stranger(NotOurs::Program(path.clone())),
            Err(cause) => stranger(hidden("exe", cause)),
        }
    }

    /// Has it leave: asks it by `Quit` and, if it is sampled, by SIGTERM; kills it when the time is up.
    pub(crate) fn leave(&self, deadline: Deadline) -> Result<Leave, Error> {
        let is_leaving = self.quit(deadline)?;
        let half = deadline.left().div_f64(2.0);
        match self.sampled() {
            Ok(sampled) => {
                if is_leaving {
                    // After SIGTERM a call that takes long is answered by `Stopping`.
                    let _ends = self.process.is_gone_within(half);
                }
                // Where something else has taken all the time, it has a second before it is killed.
                let left = deadline.left().max(Duration::from_secs(1));
                Ok(Leave::Ended(sampled.end(left)?))
            }
            Err(_) if is_leaving && self.has_given_up(half)? => Ok(Leave::GivenUp),
            Err(stranger) => Err(Error::Stranger {
                stranger,
                effect: "it was not stopped",
            }),
        }
    }

    /// Asks it to leave. False if it does not answer, refuses, or knows no such call.
    fn quit(&self, deadline: Deadline) -> Result<bool, Error> {
        let time = QUIT.min(deadline.left().div_f64(4.0));
        let asked = async {
            let bus = Bus::within(None, time).await?;
            match Client::of_owner(bus.clone()).await? {
                // One that has the name at this moment, and not a successor.
                Some(client) if bus.owner().await? == Some(self.pid) => client.quit().await,
                _ => Ok(()),
            }
        };
        block_on(async { Ok(matches!(timeout(time, asked).await, Ok(Ok(())))) })
    }

    /// Whether it gives the name up in this time.
    fn has_given_up(&self, time: Duration) -> Result<bool, Error> {
        let given_up = async {
            let bus = Bus::within(None, time).await?;
            timeout(time, bus.until_unowned()).await.ok();
            Ok::<_, client::Error>(bus.owner().await? != Some(self.pid))
        };
        block_on(async { Ok(given_up.await.unwrap_or(false)) })
    }
}

impl Sampled<'_> {
    /// Sends SIGHUP. False if it has ended.
    pub(crate) fn hang_up(&self) -> Result<bool, daemon::Error> {
        self.0.hang_up()
    }

    /// Ends it by SIGTERM, and by SIGKILL when the time is up.
    pub(crate) fn end(&self, time: Duration) -> Result<Stop, daemon::Error> {
        self.0.end(time)
    }
}

/// Why an owner of the name is not sampled, if it is known to be another program.
pub(crate) fn another_program(pid: u32) -> Option<Stranger> {
    let stranger = Owner::hold(pid).ok()??.sampled().err()?;
    matches!(stranger.why, NotOurs::Program(_)).then_some(stranger)
}

/// The process that has the name, where there is a bus and somebody has it.
pub(crate) fn pid(deadline: Deadline) -> Result<Option<u32>, Error> {
    block_on(async {
        match deadline.session().await {
            Ok(bus) => Ok(bus.owner().await?),
            Err(client::Error::NoBus(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    })
}

/// How long a process stays when nobody needs it, if it has the name and says so.
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
        // Where something else has taken all the time, it has a second.
        let left = deadline.left().max(Duration::from_secs(1));
        let time = timeout(left, client.proxy().idle_timeout()).await;
        Ok(match time.map_err(|_| no_answer())? {
            Ok(u64::MAX) => Some(Timeout(None)),
            Ok(time) => Some(Timeout(Some(Duration::from_micros(time)))),
            // One of another version.
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
    fn the_program_is_known_by_its_file() {
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
    fn we_are_of_our_user() {
        assert_eq!(real_user(std::process::id()).unwrap(), Uid::current());
    }
}
