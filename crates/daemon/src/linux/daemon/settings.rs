use std::error::Error as StdError;
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::path::{absolute, runtime_directory};
use crate::linux::error::Error;
use crate::linux::process::KillMode;
use crate::linux::setup::Stdio;
use crate::linux::setup::limits::Limits;

/// A daemon: its settings, and the commands that act on it.
#[derive(Clone, Debug)]
#[must_use]
pub struct Daemon {
    pub(super) name: String,
    pub(super) pidfile: PidfilePath,
    pub(super) foreground_pidfile: bool,
    pub(super) pidfile_if_free: bool,
    pub(super) directory: PathBuf,
    pub(super) umask: u32,
    pub(super) streams: [Stdio; 3],
    pub(super) environment: Option<Vec<OsString>>,
    pub(super) user: Option<String>,
    pub(super) group: Option<String>,
    pub(super) no_new_privs: bool,
    pub(super) empty_bounding_set: bool,
    pub(super) limits: Limits,
    pub(super) ready_timeout: Duration,
    pub(super) stop_timeout: Duration,
    pub(super) kill_mode: KillMode,
    pub(super) check: Option<Check>,
}

impl Daemon {
    /// A daemon of this name with the default settings.
    ///
    /// Its pidfile is `$XDG_RUNTIME_DIR/<name>.pid` if that variable names a directory of the effective user;
    /// otherwise `/run/<name>.pid` for root and `/run/user/<uid>/<name>.pid` for other users. So a variable that
    /// was inherited from another user, as by `su`, is ignored. A login session sets the variable and
    /// cron does not: set the [`pidfile`](Self::pidfile) of a system daemon that root starts from both, or it has two
    /// pidfiles.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            pidfile: PidfilePath::Default,
            foreground_pidfile: false,
            pidfile_if_free: false,
            directory: PathBuf::from("/"),
            umask: 0o022,
            streams: [Stdio::Null, Stdio::Null, Stdio::Null],
            environment: None,
            user: None,
            group: None,
            no_new_privs: false,
            empty_bounding_set: false,
            limits: Limits::default(),
            ready_timeout: Duration::from_secs(30),
            stop_timeout: Duration::from_secs(10),
            kill_mode: KillMode::default(),
            check: None,
        }
    }

    /// The pidfile. Its directory must exist, and only the user who starts the daemon should be able to write to it.
    pub fn pidfile(mut self, path: impl Into<PathBuf>) -> Self {
        self.pidfile = PidfilePath::At(path.into());
        self
    }

    /// Has no pidfile, for a daemon of which many may run. [`start`](Self::start) reports readiness and errors as with a
    /// pidfile. The commands that look for a running daemon return [`Error::NoPidfile`]: [`stop`](Self::stop),
    /// [`restart`](Self::restart), [`reload`](Self::reload), and [`status`](Self::status) as the reason why the state is
    /// unknown.
    pub fn without_pidfile(mut self) -> Self {
        self.pidfile = PidfilePath::None;
        self
    }

    /// Whether [`run`](Self::run) takes the pidfile, too, which excludes a daemon in the background. Default:
    /// no, since a supervisor knows the process of its service.
    pub fn foreground_pidfile(mut self, take: bool) -> Self {
        self.foreground_pidfile = take;
        self
    }

    /// Whether [`start`](Self::start) goes on without a pidfile if another daemon holds it, or if there is no directory
    /// for the default one. Default: no, it returns [`AlreadyRunning`](crate::Start::AlreadyRunning) or
    /// [`Error::NoRuntimeDirectory`]. For a service of which another mechanism, such as a bus name, allows one instance
    /// only, and which may be started while its predecessor still ends. Without such a directory the other commands
    /// find no daemon.
    pub fn pidfile_if_free(mut self, optional: bool) -> Self {
        self.pidfile_if_free = optional;
        self
    }

    /// The time after which a daemon that is not ready is killed; `None` or [`Duration::MAX`] for no limit, for a service
    /// that may take hours to recover its data. Default: 30 s.
    pub fn ready_timeout(mut self, time: impl Into<Option<Duration>>) -> Self {
        self.ready_timeout = time.into().unwrap_or(Duration::MAX);
        self
    }

    /// The time between SIGTERM and SIGKILL; `None` or [`Duration::MAX`] for no limit. Default: 10 s.
    pub fn stop_timeout(mut self, time: impl Into<Option<Duration>>) -> Self {
        self.stop_timeout = time.into().unwrap_or(Duration::MAX);
        self
    }

    /// The processes that are killed if the daemon does not end in time. Default: [`KillMode::Session`].
    pub fn kill_mode(mut self, mode: KillMode) -> Self {
        self.kill_mode = mode;
        self
    }

    /// A check by the service, for example of its configuration. [`verify`](Self::verify) calls it, and so does
    /// [`restart`](Self::restart) before it ends the running daemon. It runs in a process with the user, the directory
    /// and the environment of the new daemon. That process then ends, and all processes that the check has started are
    /// killed. Default: none.
    pub fn verify_with<F, E>(mut self, check: F) -> Self
    where
        F: Fn() -> Result<(), E> + Send + Sync + 'static,
        E: Into<Box<dyn StdError>>,
    {
        self.check = Some(Check(Arc::new(move || check().map_err(Into::into))));
        self
    }

    /// The absolute path of the pidfile.
    ///
    /// # Errors
    /// [`Error::Name`] and [`Error::NoRuntimeDirectory`] if there is no default path, [`Error::NoPidfile`].
    pub fn pidfile_path(&self) -> Result<PathBuf, Error> {
        match &self.pidfile {
            PidfilePath::Default => {}
            PidfilePath::At(path) => return absolute(path),
            PidfilePath::None => return Err(Error::NoPidfile),
        }
        let name = &self.name;
        if name.is_empty() || name.contains(['/', '\0']) {
            return Err(Error::Name { name: name.clone() });
        }
        let directory = runtime_directory().ok_or(Error::NoRuntimeDirectory)?;
        Ok(directory.join(format!("{name}.pid")))
    }

    /// The same; `None` if there is no default path and [`pidfile_if_free`](Self::pidfile_if_free) is set.
    pub(super) fn pidfile_if_any(&self) -> Result<Option<PathBuf>, Error> {
        match self.pidfile_path() {
            Err(Error::NoRuntimeDirectory) if self.pidfile_if_free => Ok(None),
            path => path.map(Some),
        }
    }
}

/// The setting of the pidfile.
#[derive(Clone, Debug)]
pub(super) enum PidfilePath {
    Default,
    At(PathBuf),
    None,
}

/// The check of [`Daemon::verify_with`].
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
