use std::ffi::OsString;
use std::os::fd::RawFd;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::time::Duration;

use nix::unistd::geteuid;

use super::start::absolute;
use super::{Error, Stdio};

/// A daemon: how it shall run, and what is done with it.
#[derive(Clone, Debug)]
pub struct Daemon {
    pub(super) name: String,
    pub(super) pidfile: Option<PathBuf>,
    pub(super) foreground_pidfile: bool,
    pub(super) pidfile_if_free: bool,
    pub(super) directory: PathBuf,
    pub(super) umask: u32,
    pub(super) streams: [Stdio; 3],
    pub(super) environment: Option<Vec<OsString>>,
    pub(super) keep: Vec<RawFd>,
    pub(super) user: Option<String>,
    pub(super) group: Option<String>,
    pub(super) core_limit: Option<u64>,
    pub(super) ready_timeout: Duration,
    pub(super) stop_timeout: Duration,
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
            keep: Vec::new(),
            user: None,
            group: None,
            core_limit: None,
            ready_timeout: Duration::from_secs(30),
            stop_timeout: Duration::from_secs(10),
        }
    }

    /// The pidfile. Its directory must exist and should be writable to nobody but the user who starts the daemon.
    #[must_use]
    pub fn pidfile(mut self, path: impl Into<PathBuf>) -> Self {
        self.pidfile = Some(path.into());
        self
    }

    /// Whether [`run`](Self::run) takes the pidfile as well, which excludes a daemon in the background. Default:
    /// no, since what runs a service in the foreground knows its process.
    #[must_use]
    pub fn foreground_pidfile(mut self, take: bool) -> Self {
        self.foreground_pidfile = take;
        self
    }

    /// Whether [`start`](Self::start) goes on without a pidfile where another daemon has it, instead of leaving
    /// the field to that one. For a service of which something else decides that there is only one, such as a
    /// name on a bus, when it is started in the place of one that is still on its way out. Default: no.
    #[must_use]
    pub fn pidfile_if_free(mut self, optional: bool) -> Self {
        self.pidfile_if_free = optional;
        self
    }

    /// The daemon's directory. Default: `/`, which keeps nothing from being unmounted.
    #[must_use]
    pub fn working_directory(mut self, path: impl Into<PathBuf>) -> Self {
        self.directory = path.into();
        self
    }

    /// The file mode mask. Default: 022, whatever the caller's was.
    #[must_use]
    pub fn umask(mut self, mask: u32) -> Self {
        self.umask = mask;
        self
    }

    /// Standard input once it is ready. Default: [`Stdio::Null`].
    #[must_use]
    pub fn stdin(mut self, stream: Stdio) -> Self {
        self.streams[0] = stream;
        self
    }

    /// Standard output once it is ready. Default: [`Stdio::Null`].
    #[must_use]
    pub fn stdout(mut self, stream: Stdio) -> Self {
        self.streams[1] = stream;
        self
    }

    /// Standard error once it is ready. Default: [`Stdio::Null`].
    #[must_use]
    pub fn stderr(mut self, stream: Stdio) -> Self {
        self.streams[2] = stream;
        self
    }

    /// Removes all environment variables but these. Default: all are kept. Those by which a supervisor speaks to
    /// the caller (`NOTIFY_SOCKET`, `WATCHDOG_*`, `LISTEN_*`) are removed in any case.
    #[must_use]
    pub fn keep_environment<N: Into<OsString>>(
        mut self,
        names: impl IntoIterator<Item = N>,
    ) -> Self {
        self.environment = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// Descriptors above 2 that stay open in the daemon. Default: none. What the service takes along from outside
    /// (a bound socket, say) must be named, or it finds a closed descriptor, or somebody else's, in its place.
    #[must_use]
    pub fn keep_fds(mut self, fds: impl IntoIterator<Item = RawFd>) -> Self {
        self.keep = fds.into_iter().collect();
        self
    }

    /// The user to become, with all its groups, after the pidfile is taken and before log files are opened.
    /// Needs root. A pidfile in a directory that this user may not write to (`/run`) is emptied at the end and
    /// not removed; one in a directory of its own (`/run/<name>/`) is removed.
    #[must_use]
    pub fn user(mut self, name: impl Into<String>) -> Self {
        self.user = Some(name.into());
        self
    }

    /// The group to become. Default: the user's own.
    #[must_use]
    pub fn group(mut self, name: impl Into<String>) -> Self {
        self.group = Some(name.into());
        self
    }

    /// The largest core file in bytes; 0 if what the service has in its memory shall not get to the disk.
    /// Default: the caller's limit.
    #[must_use]
    pub fn core_limit(mut self, bytes: u64) -> Self {
        self.core_limit = Some(bytes);
        self
    }

    /// How long a start may take before it is given up and killed. Default: 30 s.
    #[must_use]
    pub fn ready_timeout(mut self, time: Duration) -> Self {
        self.ready_timeout = time;
        self
    }

    /// How long the daemon may take to end when asked before it is killed. Default: 10 s.
    #[must_use]
    pub fn stop_timeout(mut self, time: Duration) -> Self {
        self.stop_timeout = time;
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
}

fn runtime_directory() -> Option<PathBuf> {
    let user = geteuid();
    let default = match user.is_root() {
        true => PathBuf::from("/run"),
        false => PathBuf::from(format!("/run/user/{user}")),
    };
    let told = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    told.into_iter().chain([default]).find(|path| {
        let ours = path
            .metadata()
            .is_ok_and(|it| it.is_dir() && it.uid() == user.as_raw());
        path.is_absolute() && ours
    })
}
