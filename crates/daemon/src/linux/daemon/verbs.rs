//! The verbs of a daemon.

use std::error::Error as StdError;

use super::plan::{Next, Plan};
use super::service;
use super::settings::Daemon;
use super::status::Status;
use crate::linux::detach::{self, Side};
use crate::linux::error::Error;
use crate::linux::pidfile::{self, Holder, Proof, holder};
use crate::linux::process::{KillMode, Process, Stop, session};
use crate::linux::readiness::{Message, Readiness, Ready, Start};
use crate::linux::sys;

impl Daemon {
    /// Starts the service in the background and waits until it is ready.
    ///
    /// Returns in the calling process only. The daemon calls `service` and ends when that returns: by
    /// [`std::process::exit`], as its own program with its own exit handlers, with status 0, or 1 after an
    /// error, or 101 after a panic. What goes wrong before the service is called ends it by `_exit`, for up to
    /// there the exit handlers are the caller's.
    ///
    /// Files that this program has opened close-on-exec, as Rust does, stay open in the daemon, and may be moved into
    /// the service. Descriptors that it inherited without that flag become /dev/null: see [`keep_fd`](Self::keep_fd).
    /// Call this early in `main`, before any thread is started or an async runtime is entered.
    ///
    /// # Errors
    /// [`Error::Failed`] with the words of the service, or of what failed on the way to it; [`Error::Died`] if
    /// it ended without a word, [`Error::TimedOut`] if it was neither ready nor failed within
    /// [`ready_timeout`](Self::ready_timeout). In all these cases nothing of it is left: neither a process of
    /// its session nor a pidfile. A panic is a failure with its message where panics unwind; where they
    /// abort it is a death, and the message is on standard error.
    /// [`Error::Threads`] if there is more than one thread, [`Error::Runtime`], [`Error::NoUser`],
    /// [`Error::NoGroup`].
    pub fn start<F, E>(&self, service: F) -> Result<Start, Error>
    where
        F: FnOnce(Ready) -> Result<(), E>,
        E: Into<Box<dyn StdError>>,
    {
        let plan = Plan::new(self)?;
        let pipe = match detach::double_fork()? {
            Side::Launcher(launcher) => {
                let outcome = launcher.wait(self.ready_timeout);
                if let (Err(_), Some(pidfile)) = (&outcome, &plan.pidfile) {
                    pidfile::remove_stale(pidfile);
                }
                return outcome;
            }
            Side::Daemon(pipe) => pipe,
        };
        match service::catch_panic(|| plan.apply(&pipe)) {
            Err(error) => {
                pipe.failed(&error);
                sys::fork::exit_now(1)
            }
            Ok(Next::AlreadyRunning { pid }) => {
                pipe.write(&Message::Already(pid));
                sys::fork::exit_now(0)
            }
            Ok(Next::Serve { pidfile, streams }) => {
                let ready = Ready::new(Some(pipe), Some(streams), pidfile);
                std::process::exit(service::call(&self.name, &ready, service))
            }
        }
    }

    /// Checks all that can be checked of a start before the service is called: threads, descriptors, directory, whose
    /// the pidfile is and whether it can be written, user and group, log files, and what
    /// [`verify_with`](Self::verify_with) was given. It does so in a process that becomes what the daemon would be,
    /// and ends with all that it has started.
    ///
    /// # Errors
    /// Those of [`start`](Self::start), but [`Error::CheckDied`] and [`Error::CheckTimedOut`] in the place of
    /// [`Error::Died`] and [`Error::TimedOut`].
    pub fn verify(&self) -> Result<(), Error> {
        let plan = Plan::new(self)?;
        let pipe = match detach::double_fork()? {
            Side::Launcher(launcher) => return launcher.wait_for_check(self.ready_timeout),
            Side::Daemon(pipe) => pipe,
        };
        match service::catch_panic(|| plan.check()) {
            Ok(()) => {
                pipe.write(&Message::Ready);
                sys::fork::exit_now(0)
            }
            Err(error) => {
                pipe.failed(&error);
                sys::fork::exit_now(1)
            }
        }
    }

    /// Runs the service in this process: for systemd, a container, a debugger. See
    /// [`settle`](crate::settle) for what is cleaned up before. User, group and core limit are applied.
    ///
    /// Environment and output stay as they are, since the supervisor has chosen them; but HOME, USER and LOGNAME
    /// follow a change of user. There is a pidfile only with [`foreground_pidfile`](Self::foreground_pidfile).
    ///
    /// # Errors
    /// [`Error::Failed`] with the service's own words, [`Error::AlreadyRunning`] if the pidfile is taken,
    /// [`Error::Threads`] if there is more than one thread.
    pub fn run<F, E>(&self, service: F) -> Result<(), Error>
    where
        F: FnOnce(Ready) -> Result<(), E>,
        E: Into<Box<dyn StdError>>,
    {
        let pidfile = Plan::in_foreground(self)?.apply_in_foreground()?;
        let ready = Ready::new(None, None, pidfile.clone());
        let returned = service(ready.clone()).map_err(|error| Error::failed(error.into().as_ref()));
        let released = pidfile.release();
        match ready.readiness() {
            Readiness::Failed(message) => Err(Error::Failed {
                message,
                causes: Vec::new(),
            }),
            _ => returned.and(released),
        }
    }

    /// Ends the daemon, and returns when its process is gone. Asks by SIGTERM, with SIGCONT in case it is stopped, and
    /// kills by SIGKILL after [`stop_timeout`](Self::stop_timeout).
    ///
    /// The signals go to the process that holds the pidfile's lock by the kernel's word, whatever number stands in
    /// the file. The file is the daemon's to remove, and is not touched.
    ///
    /// # Errors
    /// [`Error::Process`] if the daemon is another user's; [`Error::Elsewhere`] if it lives in another pid namespace;
    /// [`Error::Unkillable`]; and what keeps the pidfile from being understood.
    pub fn stop(&self) -> Result<Stop, Error> {
        let Some(path) = self.pidfile_if_any()? else {
            return Ok(Stop::NotRunning);
        };
        match holder::open(&path, self.stop_timeout, false)? {
            Some((process, holder)) => self.end(&process, holder),
            None => Ok(Stop::NotRunning),
        }
    }

    /// Starts the service in the place of the daemon that is running, if any.
    ///
    /// The running one is ended only after [`verify`](Self::verify) has found nothing wrong with the new one.
    ///
    /// An instance that is still starting is first allowed to become ready, and then stopped, so that its own caller
    /// sees a success. Of two concurrent restarts both succeed, and one daemon is left, which neither of them found
    /// running: the slower one either replaces the quicker one's daemon or gets [`Start::AlreadyRunning`].
    ///
    /// # Errors
    /// Those of [`verify`](Self::verify), [`stop`](Self::stop) and [`start`](Self::start), and
    /// [`Error::StillStarting`].
    pub fn restart<F, E>(&self, service: F) -> Result<Start, Error>
    where
        F: FnOnce(Ready) -> Result<(), E>,
        E: Into<Box<dyn StdError>>,
    {
        let running = match self.pidfile_if_any()? {
            Some(path) => holder::open(&path, self.ready_timeout, true)?,
            None => None,
        };
        if let Some((process, holder)) = running {
            self.verify()?;
            let _gone = self.end(&process, holder)?;
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
        match holder::open(&path, self.ready_timeout, true)? {
            Some((process, _)) if process.hang_up()? => Ok(process.pid()),
            _ => Err(Error::NotRunning { path }),
        }
    }

    /// Looks whether the daemon runs. Takes no lock, and needs no right but to read the pidfile.
    #[must_use]
    pub fn status(&self) -> Status {
        let status = match self.pidfile_if_any() {
            Ok(Some(path)) => Status::observe(&path),
            Ok(None) => Ok(Status::NotRunning),
            Err(why) => Err(why),
        };
        status.unwrap_or_else(|why| Status::Unknown { why })
    }

    fn end(&self, process: &Process, holder: Holder) -> Result<Stop, Error> {
        let own_session = matches!(holder.proof, Proof::RecordLock { own_session: true });
        match self.kill_mode {
            KillMode::Session if own_session => session::end(process, self.stop_timeout),
            _ => process.end(self.stop_timeout),
        }
    }
}
