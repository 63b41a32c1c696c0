//! The settings of the daemon's process.

use std::ffi::OsString;
use std::os::fd::AsFd;
use std::path::PathBuf;

use super::settings::Daemon;
use crate::linux::error::Error;
use crate::linux::setup::{Stdio, descriptors};

impl Daemon {
    /// The daemon's working directory. Default: `/`, so that it does not prevent umount(8) of another file system.
    pub fn working_directory(mut self, path: impl Into<PathBuf>) -> Self {
        self.directory = path.into();
        self
    }

    /// The file mode mask. Default: 022, independent of the caller's.
    pub fn umask(mut self, mask: u32) -> Self {
        self.umask = mask;
        self
    }

    /// Standard input once it is ready. Default: [`Stdio::Null`].
    pub fn stdin(mut self, stream: Stdio) -> Self {
        self.streams[0] = stream;
        self
    }

    /// Standard output once it is ready. Default: [`Stdio::Null`].
    pub fn stdout(mut self, stream: Stdio) -> Self {
        self.streams[1] = stream;
        self
    }

    /// Standard error once it is ready. Default: [`Stdio::Null`].
    pub fn stderr(mut self, stream: Stdio) -> Self {
        self.streams[2] = stream;
        self
    }

    /// Removes all environment variables but these. Default: all are kept. `LISTEN_PID`, `LISTEN_FDS`,
    /// `LISTEN_FDNAMES`, `NOTIFY_SOCKET`, `WATCHDOG_PID` and `WATCHDOG_USEC`, which a supervisor sets for the
    /// caller, are removed in any case.
    pub fn keep_environment<N: Into<OsString>>(
        mut self,
        names: impl IntoIterator<Item = N>,
    ) -> Self {
        self.environment = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// Keeps a descriptor open in the daemon, by setting `FD_CLOEXEC` on it.
    ///
    /// Descriptors that Rust's standard library opens have that flag already, and stay open. Descriptors of C
    /// libraries and of calls such as pipe(2) may lack it, and become /dev/null without this call.
    ///
    /// # Errors
    /// [`Error::Call`] if fcntl(2) fails, which happens under some sandboxes only.
    pub fn keep_fd(self, fd: impl AsFd) -> Result<Self, Error> {
        descriptors::keep(fd).map(|()| self)
    }

    /// The user to become, with all its groups, after the pidfile is taken and the [`privileged`](Self::privileged) step
    /// has run, and before log files are opened (see [`Stdio::File`] for the exception). HOME, USER and LOGNAME follow. Needs root. At the end a pidfile in a directory that this user may not write to (`/run`) is
    /// emptied and not removed; one in a directory of its own (`/run/<name>/`) is removed.
    pub fn user(mut self, name: impl Into<String>) -> Self {
        self.user = Some(name.into());
        self
    }

    /// The group to become. Default: the user's own.
    pub fn group(mut self, name: impl Into<String>) -> Self {
        self.group = Some(name.into());
        self
    }

    /// The maximum size of a core file in bytes (`RLIMIT_CORE`); 0 keeps secrets in memory off the disk.
    /// Default: the caller's limit.
    pub fn core_limit(mut self, bytes: u64) -> Self {
        self.limits.core = Some(bytes);
        self
    }

    /// The number of descriptors that the process may have open (`RLIMIT_NOFILE`). Root may raise it. Default: the
    /// caller's limit.
    pub fn open_files(mut self, count: u64) -> Self {
        self.limits.open_files = Some(count);
        self
    }

    /// The nice value, from -20 (preferred) to 19. Only root may lower it. Default: the caller's.
    pub fn nice(mut self, value: i32) -> Self {
        self.limits.nice = Some(value);
        self
    }

    /// How willingly the kernel kills the process when memory runs out, from -1000 (never) to 1000 (first). Only root
    /// may lower it. Default: the caller's.
    pub fn oom_score_adj(mut self, score: i32) -> Self {
        self.limits.oom_score_adj = Some(score);
        self
    }

    /// Whether no program that the daemon executes gets privileges from a set-user-ID bit or file capabilities
    /// (`PR_SET_NO_NEW_PRIVS`), as `NoNewPrivileges=` in systemd.exec(5). So a service that was taken over cannot use
    /// `su` or a set-user-ID program with a flaw. Default: no.
    pub fn no_new_privs(mut self, set: bool) -> Self {
        self.no_new_privs = set;
        self
    }

    /// Whether the capability bounding set is emptied before the change of user, as an empty `CapabilityBoundingSet=` in
    /// systemd.exec(5): no program that the daemon executes gets a capability, even as root. The process itself keeps
    /// what the change of user leaves to it. Needs root. Default: no.
    pub fn empty_bounding_set(mut self, empty: bool) -> Self {
        self.empty_bounding_set = empty;
        self
    }
}
