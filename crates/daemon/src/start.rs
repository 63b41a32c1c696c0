use std::any::Any;
use std::fmt::Display;
use std::io::{Write, stderr};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::stat::Mode;

use super::detach::{self, Side};
use super::identity::Identity;
use super::pidfile::{self, Claim};
use super::stdio::{Stdio, Streams};
use super::word::{self, Word};
use super::{Daemon, Error, Pidfile, Ready, sys};

/// How a start has ended. Either way a daemon is running and ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// It is a new one.
    Started {
        /// Its process id.
        pid: i32,
    },
    /// It was there before, or another caller was quicker.
    AlreadyRunning {
        /// Its process id.
        pid: i32,
    },
}

impl Daemon {
    /// Starts the service in the background and waits until it is ready.
    ///
    /// Returns in the calling process only. The daemon calls `service` and ends when that returns: by
    /// [`std::process::exit`], as its own program with its own exit handlers, with status 0, or 1 after an
    /// error, or 101 after a panic. What goes wrong before the service is called ends it by `_exit`, for up to
    /// there the exit handlers are the caller's.
    ///
    /// Everything opened before is closed in the daemon unless named to [`keep_fds`](Self::keep_fds): open files,
    /// sockets and runtimes inside the service. Call it early in `main`, before any thread is started.
    ///
    /// # Errors
    /// [`Error::Failed`] with the words of the service, or of what failed on the way to it; [`Error::Died`] if
    /// it was killed, [`Error::TimedOut`] if it was neither ready nor failed within
    /// [`ready_timeout`](Self::ready_timeout). In all these cases nothing of it is left: neither a process of
    /// its process group nor a pidfile. A panic is a failure with its message where panics unwind; where they
    /// abort it is a death, and the message is on standard error.
    /// [`Error::Threads`] if there is more than one thread, [`Error::NoUser`], [`Error::NoGroup`].
    pub fn start<F, E>(&self, service: F) -> Result<Start, Error>
    where
        F: FnOnce(Ready) -> Result<(), E>,
        E: Display,
    {
        let plan = Plan::new(self)?;
        match detach::split(&self.keep)? {
            Side::Launcher { pipe, child } => {
                let heard = word::listen(pipe, child, self.ready_timeout);
                if let Err(Error::Died | Error::TimedOut { .. }) = heard {
                    pidfile::sweep(&plan.pidfile);
                }
                heard
            }
            Side::Daemon { word } => {
                word.pid();
                match plan.carry_out(&word) {
                    Err(error) => {
                        word.failed(&error.to_string());
                        sys::exit_now(1)
                    }
                    Ok(Fate::Leave { pid }) => {
                        word.already(pid);
                        sys::exit_now(0)
                    }
                    Ok(Fate::Serve { pidfile, streams }) => {
                        let ready = Ready::new(Some(word), Some(streams), pidfile);
                        std::process::exit(self.live(ready, service))
                    }
                }
            }
        }
    }

    /// Runs the service in this process: for systemd, a container, a debugger. See
    /// [`settle`](super::settle) for what is cleaned up before.
    ///
    /// Environment and output stay as they are, since the supervisor has chosen them; the settings for them,
    /// and for user and group, are for [`start`](Self::start). There is a pidfile only with
    /// [`foreground_pidfile`](Self::foreground_pidfile).
    ///
    /// # Errors
    /// [`Error::Failed`] with the service's own words, [`Error::AlreadyRunning`] if the pidfile is taken,
    /// [`Error::Threads`] if there is more than one thread.
    pub fn run<F, E>(&self, service: F) -> Result<(), Error>
    where
        F: FnOnce(Ready) -> Result<(), E>,
        E: Display,
    {
        let plan = Plan::new(self)?;
        detach::settle_in(&plan.directory, plan.umask)?;
        let pidfile = match self.foreground_pidfile {
            true => match pidfile::claim(&plan.pidfile, self.ready_timeout, || {})? {
                Claim::Ours(pidfile) => pidfile,
                Claim::Theirs(holder) => {
                    let (path, pid) = (plan.pidfile, holder.pid);
                    return Err(Error::AlreadyRunning { path, pid });
                }
            },
            false => Pidfile::none(),
        };
        let ready = Ready::new(None, None, pidfile.clone());
        let returned = service(ready.clone()).map_err(|error| error.to_string());
        let released = pidfile.release();
        match ready.verdict() {
            Some(Err(message)) => return Err(Error::Failed { message }),
            _ => returned.map_err(|message| Error::Failed { message })?,
        }
        released
    }

    /// Calls the service in the daemon. Returns the exit status.
    fn live<F, E>(&self, ready: Ready, service: F) -> i32
    where
        F: FnOnce(Ready) -> Result<(), E>,
        E: Display,
    {
        let pidfile = ready.pidfile();
        // Nothing of the service is used after it has panicked.
        let returned = catch_unwind(AssertUnwindSafe(|| service(ready.clone())));
        let (message, status) = match returned {
            Ok(Ok(())) => (None, 0),
            Ok(Err(error)) => (Some(error.to_string()), 1),
            Err(panic) => (
                Some(format!("panicked: {}", panic_message(panic.as_ref()))),
                101,
            ),
        };
        // Before the last word, so that who hears it may start the next one.
        if let Err(error) = pidfile.release() {
            let _ = writeln!(stderr(), "{}: {error}", self.name);
        }
        match (ready.verdict(), message) {
            (Some(Ok(())), None) => {}
            // Not eprintln, which panics if nobody reads.
            (Some(Ok(())), Some(message)) => drop(writeln!(stderr(), "{}: {message}", self.name)),
            (Some(Err(_)), _) => return status.max(1),
            (None, Some(message)) => ready.fail(message),
            (None, None) => {
                ready.fail("the daemon ended before it was ready");
                return 1;
            }
        }
        status
    }
}

fn panic_message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("for no reason given")
}

/// The settings, checked and made absolute while the caller's directory and its rights are still at hand.
struct Plan<'a> {
    settings: &'a Daemon,
    pidfile: PathBuf,
    directory: PathBuf,
    umask: Mode,
    streams: [Stdio; 3],
    identity: Option<Identity>,
}

enum Fate {
    Serve { pidfile: Pidfile, streams: Streams },
    Leave { pid: i32 },
}

impl<'a> Plan<'a> {
    fn new(settings: &'a Daemon) -> Result<Self, Error> {
        let mut streams = settings.streams.clone();
        for stream in &mut streams {
            if let Stdio::File(path) = stream {
                *path = absolute(path)?;
            }
        }
        Ok(Self {
            settings,
            pidfile: settings.pidfile_path()?,
            directory: absolute(&settings.directory)?,
            umask: Mode::from_bits_truncate(settings.umask),
            streams,
            identity: Identity::look_up(settings.user.as_deref(), settings.group.as_deref())?,
        })
    }

    /// Makes the daemon what it was told to be. The standard streams are opened but not moved yet: until the
    /// service is ready, whoever started it shall see its complaints.
    fn carry_out(&self, word: &Word) -> Result<Fate, Error> {
        detach::strip_supervision()?;
        self.strip_environment()?;
        detach::surroundings(&self.directory, self.umask)?;
        if let Some(bytes) = self.settings.core_limit {
            let (_, most) = getrlimit(Resource::RLIMIT_CORE).map_err(Error::call("getrlimit"))?;
            let bytes = bytes.min(most);
            setrlimit(Resource::RLIMIT_CORE, bytes, bytes).map_err(Error::call("setrlimit"))?;
        }
        let claim = pidfile::claim(&self.pidfile, self.settings.ready_timeout, || {
            word.waiting()
        })?;
        let pidfile = match claim {
            Claim::Ours(pidfile) => pidfile,
            Claim::Theirs(_) if self.settings.pidfile_if_free => Pidfile::none(),
            Claim::Theirs(holder) => return Ok(Fate::Leave { pid: holder.pid }),
        };
        let streams = self.become_user();
        if streams.is_err() {
            // The cause is worth more than a second error.
            let _ = pidfile.release();
        }
        Ok(Fate::Serve {
            pidfile,
            streams: streams?,
        })
    }

    /// Gives up rights, and opens the streams as the one who will write to them.
    fn become_user(&self) -> Result<Streams, Error> {
        if let Some(identity) = &self.identity {
            identity.assume()?;
        }
        Streams::open(&self.streams)
    }

    fn strip_environment(&self) -> Result<(), Error> {
        let Some(kept) = &self.settings.environment else {
            return Ok(());
        };
        for (name, _) in std::env::vars_os() {
            if !kept.contains(&name) {
                sys::remove_variable(&name)?;
            }
        }
        Ok(())
    }
}

pub(super) fn absolute(path: &Path) -> Result<PathBuf, Error> {
    std::path::absolute(path).map_err(|cause| Error::file(path, cause))
}
