//! A process of this user that may be sampled, held by a pidfd.
//!
//! Any program of the user can take the service's name. A signal could end it, so only sampled gets signals.

use std::{
    ffi::OsStr,
    fs, io,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    time::Duration,
};

use nix::unistd::Uid;

use sampled::daemon::{self, Process, Stop};

use crate::cli::error::{ForeignOwner, ForeignReason};

/// A process held by a pidfd, so that a signal cannot reach another process.
pub(crate) struct HeldProcess {
    process: Process,
    pid: u32,
    user: io::Result<Uid>,
    executable: io::Result<PathBuf>,
}

/// A process that is sampled and belongs to this user.
pub(crate) struct VerifiedProcess<'a>(&'a HeldProcess);

impl HeldProcess {
    /// Holds the process with this pid. The caller checks afterwards that it is still the process that is meant.
    pub(crate) fn open(pid: u32) -> Result<Option<Self>, daemon::Error> {
        let process = Process::open(i32::try_from(pid).unwrap_or_default())?;
        Ok(process.map(|process| Self {
            process,
            pid,
            user: real_user(pid),
            executable: fs::read_link(format!("/proc/{pid}/exe")),
        }))
    }

    /// The same for a process that is sampled: returns a function that asks it to end.
    pub(crate) fn open_verified(pid: u32) -> Option<impl FnOnce()> {
        let held = Self::open(pid).ok().flatten()?;
        held.verified().is_ok().then_some(move || {
            // An error means that it has ended already.
            held.process.terminate().ok();
        })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    /// The path of its executable; the former path if the file was removed.
    pub(crate) fn program(&self) -> Option<&Path> {
        self.executable.as_deref().ok().map(without_deleted)
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.process.is_gone_within(Duration::ZERO)
    }

    /// The process, if it is safe to send it signals.
    pub(crate) fn verified(&self) -> Result<VerifiedProcess<'_>, ForeignOwner> {
        let pid = Some(self.pid);
        let foreign = |why| Err(ForeignOwner { pid, why });
        let hidden = |file, cause| {
            ForeignReason::Unreadable(format!("/proc/{}/{file}", self.pid), copy(cause))
        };
        match &self.user {
            Ok(user) if *user != Uid::effective() => return foreign(ForeignReason::User(*user)),
            Ok(_) => {}
            Err(cause) => return foreign(hidden("status", cause)),
        }
        match &self.executable {
            Ok(path) if is_sampled(path) => Ok(VerifiedProcess(self)),
            Ok(path) => foreign(ForeignReason::Program(path.clone())),
            Err(cause) => foreign(hidden("exe", cause)),
        }
    }
}

impl<'a> VerifiedProcess<'a> {
    pub(crate) fn process(&self) -> &'a HeldProcess {
        self.0
    }

    pub(crate) fn pid(&self) -> u32 {
        self.0.pid
    }

    /// Sends SIGHUP. False if the process has ended.
    pub(crate) fn hang_up(&self) -> Result<bool, daemon::Error> {
        self.0.process.hang_up()
    }

    /// Whether it ends within this time.
    pub(crate) fn is_gone_within(&self, time: Duration) -> bool {
        self.0.process.is_gone_within(time)
    }

    /// Ends the process by SIGTERM, and by SIGKILL after this time.
    pub(crate) fn end(&self, time: Duration) -> Result<Stop, daemon::Error> {
        self.0.process.end(time)
    }
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
