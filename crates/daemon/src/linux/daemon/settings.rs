use std::error::Error as StdError;
use std::ffi::OsString;
use std::fmt;
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::path::{absolute, runtime_directory};
use crate::linux::error::Error;
use crate::linux::process::KillMode;
use crate::linux::setup::{Stdio, descriptors};

/// A daemon: its settings, and the verbs that act on it.
#[derive(Clone, Debug)]
#[must_use]
pub struct Daemon {
    pub(super) name: String,
    pub(super) pidfile: Option<PathBuf>,
    pub(super) foreground_pidfile: bool,
    pub(super) pidfile_if_free: bool,
    pub(super) directory: PathBuf,
    pub(super) umask: u32,
    pub(super) streams: [Stdio; 3],
    pub(super) environment: Option<Vec<OsString>>,
    pub(super) user: Option<String>,
    pub(super) group: Option<String>,
    pub(super) core_limit: Option<u64>,
    pub(super) ready_timeout: Duration,
    pub(super) stop_timeout: Duration,
    pub(super) kill_mode: KillMode,
    pub(super) check: Option<Check>,
}

impl Daemon {
    /// A daemon of this name, with settings that are right for most.
    ///
    /// Its pidfile is `$XDG_RUNTIME_DIR/<name>.pid` if that variable names a directory of the effective user;
    /// otherwise `/run/<name>.pid` for root and `/run/user/<uid>/<name>.pid` for everybody else. A variable that
    /// was inherited from another user, as by `su`, is thus not believed. A login session sets the variable and
    /// cron does not: a system's daemon that root starts from both should be given its
    /// [`pidfile`](Self::pidfile), or it has two.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            pidfile: None,
            foreground_pidfile: false,
            pidfile_if_free: false,
            directory: PathBuf::from("/"),
            umask: 0o022,
            streams: [Stdio::Null, Stdio::Null, Stdio::Null],
            environment: None,
            user: None,
            group: None,
            core_limit: None,
            ready_timeout: Duration::from_secs(30),
            stop_timeout: Duration::from_secs(10),
            kill_mode: KillMode::default(),
            check: None,
        }
    }

    /// The pidfile. Its directory must exist and should be writable to nobody but the user who starts the daemon.
    pub fn pidfile(mut self, path: impl Into<PathBuf>) -> Self {
        self.pidfile = Some(path.into());
        self
    }

    /// Whether [`run`](Self::run) takes the pidfile as well, which excludes a daemon in the background. Default:
    /// no, since what runs a service in the foreground knows its process.
    pub fn foreground_pidfile(mut self, take: bool) -> Self {
        self.foreground_pidfile = take;
        self
    }

    /// Whether [`start`](Self::start) goes on without a pidfile if another daemon holds it, or if there is no directory
    /// for the default one. Default: no, it returns [`AlreadyRunning`](crate::Start::AlreadyRunning) or
    /// [`Error::NoRuntimeDirectory`]. For a service that something else keeps single, such as a name on a bus, and that
    /// may be started while its predecessor still ends. Without such a directory the other verbs find no daemon.
    pub fn pidfile_if_free(mut self, optional: bool) -> Self {
        self.pidfile_if_free = optional;
        self
    }

    /// The daemon's directory. Default: `/`, which keeps nothing from being unmounted.
    pub fn working_directory(mut self, path: impl Into<PathBuf>) -> Self {
        self.directory = path.into();
        self
    }

    /// The file mode mask. Default: 022, whatever the caller's was.
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
    /// `LISTEN_FDNAMES`, `NOTIFY_SOCKET`, `WATCHDOG_PID` and `WATCHDOG_USEC`, by which a supervisor speaks to the
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
    /// What Rust's standard library opens needs no such call: it has that flag already, and stays open. What C
    /// libraries and calls such as pipe(2) open may lack it, and becomes /dev/null without this.
    ///
    /// # Errors
    /// [`Error::Call`] if the kernel refuses, which it does under some sandboxes only.
    pub fn keep_fd(self, fd: impl AsFd) -> Result<Self, Error> {
        descriptors::keep(fd).map(|()| self)
    }

    /// The user to become, with all its groups, after the pidfile is taken and before log files are opened. HOME,
    /// USER and LOGNAME follow. Needs root. A pidfile in a directory that this user may not write to (`/run`) is emptied at the end and
    /// not removed; one in a directory of its own (`/run/<name>/`) is removed.
    pub fn user(mut self, name: impl Into<String>) -> Self {
        self.user = Some(name.into());
        self
    }

    /// The group to become. Default: the user's own.
    pub fn group(mut self, name: impl Into<String>) -> Self {
        self.group = Some(name.into());
        self
    }

    /// The largest core file in bytes; 0 to keep secrets in the service's memory from the disk.
    /// Default: the caller's limit.
    pub fn core_limit(mut self, bytes: u64) -> Self {
        self.core_limit = Some(bytes);
        self
    }

    /// How long a start may take before it is given up and killed, [`Duration::MAX`] for no limit. Default: 30 s.
    pub fn ready_timeout(mut self, time: Duration) -> Self {
        self.ready_timeout = time;
        self
    }

    /// How long the daemon may take to end when asked before it is killed, [`Duration::MAX`] for no limit. Default:
    /// 10 s.
    pub fn stop_timeout(mut self, time: Duration) -> Self {
        self.stop_timeout = time;
        self
    }

    /// Which processes are killed if the daemon does not end in time. Default: [`KillMode::Session`].
    pub fn kill_mode(mut self, mode: KillMode) -> Self {
        self.kill_mode = mode;
        self
    }

    /// A check of the service's own, for example of its configuration. [`verify`](Self::verify) calls it, and so does
    /// [`restart`](Self::restart) before it ends the daemon that is running: in a process that has become the user,
    /// is in the directory and has the environment of the daemon to come. That process ends after it, with all that the
    /// check has started. Default: none.
    pub fn verify_with<F, E>(mut self, check: F) -> Self
    where
        F: Fn() -> Result<(), E> + Send + Sync + 'static,
        E: Into<Box<dyn StdError>>,
    {
        self.check = Some(Check(Arc::new(move || check().map_err(Into::into))));
        self
    }

    /// Where the pidfile is, as an absolute path.
    ///
    /// # Errors
    /// [`Error::Name`] and [`Error::NoRuntimeDirectory`] if there is no default for it.
    pub fn pidfile_path(&self) -> Result<PathBuf, Error> {
        if let Some(path) = &self.pidfile {
            return absolute(path);
        }
        let name = &self.name;
        if name.is_empty() || name.contains(['/', '\0']) {
            return Err(Error::Name { name: name.clone() });
        }
        let directory = runtime_directory().ok_or(Error::NoRuntimeDirectory)?;
        Ok(directory.join(format!("{name}.pid")))
    }

    /// The same; none for a daemon that can do without.
    pub(super) fn pidfile_if_any(&self) -> Result<Option<PathBuf>, Error> {
        match self.pidfile_path() {
            Err(Error::NoRuntimeDirectory) if self.pidfile_if_free => Ok(None),
            path => path.map(Some),
        }
    }
}

/// The service's own check.
#[derive(Clone)]
pub(super) struct Check(Arc<dyn Fn() -> Result<(), Box<dyn StdError>> + Send + Sync>);

impl Check {
    pub(super) fn call(&self) -> Result<(), Error> {
        (self.0)().map_err(|error| Error::failed(error.as_ref()))
    }
}

impl fmt::Debug for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Check")
    }
}
