//! The commands of a daemon: start, verify, run, stop, restart, reload, status.

use std::error::Error as StdError;

use super::plan::{Next, Plan};
use super::service;
use super::settings::Daemon;
use super::status::Status;
use crate::linux::detach::{self, Side};
use crate::linux::error::Error;
use crate::linux::pidfile::{self, Holder, Proof, holder};
use crate::linux::process::{KillMode, Process, Stop, session};
use crate::linux::readiness::{Logs, Message, Readiness, Ready, Start};
use crate::linux::sys;

impl Daemon {
    /// Starts the service in the background and waits until it is ready.
    ///
    /// Returns in the calling process only. The daemon calls `service`, and when that returns it ends by
    /// [`std::process::exit`], which runs exit handlers: with status 0, or 1 after an error, or 101 after a panic.
    /// After a failure before the call of the service it ends by `_exit`, because until then the exit handlers are the
    /// caller's.
    ///
    /// Files that this program has opened close-on-exec, as Rust does, stay open in the daemon, and may be moved into
    /// the service. Inherited descriptors without that flag become /dev/null: see [`keep_fd`](Self::keep_fd).
    /// Call this early in `main`, before any thread is started or an async runtime is entered.
    ///
    /// # Errors
    /// [`Error::Failed`] with the error of the service or of a step before it; [`Error::Died`] if the daemon ended
    /// without a report, [`Error::TimedOut`] if it reported neither readiness nor an error within
    /// [`ready_timeout`](Self::ready_timeout). In all these cases neither a process of its session nor a pidfile is
    /// left. A panic that unwinds gives [`Error::Failed`] with its message; one that aborts gives [`Error::Died`], and
    /// its message is on standard error.
    /// [`Error::Threads`] if there is more than one thread, [`Error::Runtime`], [`Error::NoUser`],
    /// [`Error::NoGroup`].
    pub fn start<F, E>(&self, service: F) -> Result<Start, Error>
    where
        F: FnOnce(Ready) -> Result<(), E>,
        E: Into<Box<dyn StdError>>,
    {
        self.start_with(|| Ok(()), |ready, ()| service(ready))
    }

    /// [`start`](Self::start) with a step before the change of user.
    pub(super) fn start_with<T, F, E>(
        &self,
        privileged: impl FnOnce() -> Result<T, Error>,
        service: F,
    ) -> Result<Start, Error>
    where
        F: FnOnce(Ready, T) -> Result<(), E>,
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
        match service::catch_panic(|| plan.apply(&pipe, privileged)) {
            Err(error) => {
                pipe.failed(&error);
                sys::fork::exit_now(1)
            }
            Ok(Next::AlreadyRunning { pid }) => {
                pipe.write(&Message::Already(pid));
                sys::fork::exit_now(0)
            }
            Ok(Next::Serve {
                pidfile,
                streams,
                value,
            }) => {
                let logs = Logs::new(&plan.streams, streams);
                let ready = Ready::new(Some(pipe), logs, pidfile);
                let service = |ready| service(ready, value);
                std::process::exit(service::call(&self.name, &ready, service))
            }
        }
    }

    /// Checks a start up to the call of the service: threads, descriptors, directory, owner and writability of the
    /// pidfile, user and group, log files, and the check of [`verify_with`](Self::verify_with). It does so in a process
    /// with the settings of the daemon. That process then ends, and all processes that it has started are killed.
    ///
    /// # Errors
    /// Those of [`start`](Self::start), with [`Error::CheckDied`] and [`Error::CheckTimedOut`] instead of
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
    /// [`settle`](crate::settle) for the steps before. User, group and core limit are applied.
    ///
    /// Environment and output stay unchanged, since the supervisor has chosen them; but HOME, USER and LOGNAME
    /// follow a change of user. There is a pidfile only with [`foreground_pidfile`](Self::foreground_pidfile).
    ///
    /// # Errors
    /// [`Error::Failed`] with the error of the service, [`Error::AlreadyRunning`] if the pidfile is held,
    /// [`Error::Threads`] if there is more than one thread.
    pub fn run<F, E>(&self, service: F) -> Result<(), Error>
    where
        F: FnOnce(Ready) -> Result<(), E>,
        E: Into<Box<dyn StdError>>,
    {
        self.run_with(|| Ok(()), |ready, ()| service(ready))
    }

    /// [`run`](Self::run) with a step before the change of user.
    pub(super) fn run_with<T, F, E>(
        &self,
        privileged: impl FnOnce() -> Result<T, Error>,
        service: F,
    ) -> Result<(), Error>
    where
        F: FnOnce(Ready, T) -> Result<(), E>,
        E: Into<Box<dyn StdError>>,
    {
        let (pidfile, value) = Plan::in_foreground(self)?.apply_in_foreground(privileged)?;
        let ready = Ready::new(None, Logs::default(), pidfile.clone());
        let returned = service(ready.clone(), value);
        let returned = returned.map_err(|error| Error::failed(error.into().as_ref()));
        let released = pidfile.release();
        match ready.readiness() {
            Readiness::Failed(message) => Err(Error::message(message)),
            _ => returned.and(released),
        }
    }

    /// Ends the daemon, and returns when its process is gone. Sends SIGTERM, then SIGCONT in case it is stopped, and
    /// SIGKILL after [`stop_timeout`](Self::stop_timeout).
    ///
    /// The signals go to the process that the kernel names as the holder of the pidfile's lock; the number in the file
    /// is not used. The daemon removes the file; `stop` does not touch it.
    ///
    /// # Errors
    /// [`Error::Process`] if the daemon is another user's; [`Error::Elsewhere`] if it runs in another pid namespace;
    /// [`Error::Unkillable`]; and the errors of a pidfile that cannot be read or trusted.
    pub fn stop(&self) -> Result<Stop, Error> {
        let Some(path) = self.pidfile_if_any()? else {
            return Ok(Stop::NotRunning);
        };
        match holder::open(&path, self.stop_timeout, false)? {
            Some((process, holder)) => self.end(&process, holder),
            None => Ok(Stop::NotRunning),
        }
    }

    /// Ends the running daemon, if any, and starts the service.
    ///
    /// It ends the running daemon only after [`verify`](Self::verify) has succeeded for the new one.
    ///
    /// It waits until an instance that is still starting is ready, and then stops it, so that the caller of that start
    /// gets a success. Two concurrent restarts both succeed and leave one daemon, a new one: the slower restart
    /// either replaces the daemon of the other or gets [`Start::AlreadyRunning`].
    ///
    /// # Errors
    /// Those of [`verify`](Self::verify), [`stop`](Self::stop) and [`start`](Self::start), and
    /// [`Error::StillStarting`].
    pub fn restart<F, E>(&self, service: F) -> Result<Start, Error>
    where
        F: FnOnce(Ready) -> Result<(), E>,
        E: Into<Box<dyn StdError>>,
    {
        self.restart_with(|| Ok(()), |ready, ()| service(ready))
    }

    /// [`restart`](Self::restart) with a step before the change of user.
    pub(super) fn restart_with<T, F, E>(
        &self,
        privileged: impl FnOnce() -> Result<T, Error>,
        service: F,
    ) -> Result<Start, Error>
    where
        F: FnOnce(Ready, T) -> Result<(), E>,
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
        self.start_with(privileged, service)
    }

    /// Sends SIGHUP to the daemon once it is ready, and returns its process id. The service defines the effect; a
    /// service that does not handle SIGHUP dies of it.
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

    /// The state of the daemon. Takes no lock, and needs permission to read the pidfile only.
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
