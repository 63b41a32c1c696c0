use std::error::Error as StdError;
use std::ffi::OsString;
use std::process::ExitCode;

use super::settings::Daemon;
use crate::linux::error::Error;
use crate::linux::readiness::{Ready, Start};

/// A daemon with a step that needs the privileges of the user who starts it: made by [`Daemon::privileged`].
///
/// Its commands are those of [`Daemon`], except that the service gets the value of the step. The others need no step:
/// call them on a clone of the daemon.
#[derive(Debug)]
#[must_use]
pub struct Privileged<F> {
    daemon: Daemon,
    step: F,
}

impl Daemon {
    /// Adds a step between the pidfile and the change of user, and hands its value to the service: bind a port below
    /// 1024, read a key. It is the last setting.
    ///
    /// ```no_run
    /// # use std::{net::TcpListener, process::ExitCode};
    /// # use sampled_daemon::{Daemon, Ready};
    /// # fn serve(_: Ready, _: TcpListener) -> Result<(), sampled_daemon::Error> { Ok(()) }
    /// # fn main() -> ExitCode {
    /// let daemon = Daemon::new("web").user("www-data");
    /// daemon.privileged(|| TcpListener::bind("[::]:80")).main(std::env::args_os(), serve)
    /// # }
    /// ```
    ///
    /// It runs in the process of the daemon, which holds the pidfile then: no second instance tries to bind the same
    /// port. [`start`](Self::start) returns its error, and no process is left. In the foreground it runs at the same
    /// place of [`run`](Self::run).
    ///
    /// [`verify`](Self::verify) does not run it, and [`restart`](Self::restart) runs it only after the old daemon has
    /// ended, because that still has the port. So what the step does cannot be tried beforehand: if another program has
    /// taken the port in between, or the key has become unreadable, `restart` returns that error and no daemon is
    /// running. What can be tried, such as whether a key can be parsed, belongs into
    /// [`verify_with`](Self::verify_with).
    pub fn privileged<F, T, E>(self, step: F) -> Privileged<F>
    where
        F: FnOnce() -> Result<T, E>,
        E: Into<Box<dyn StdError>>,
    {
        let daemon = self;
        Privileged { daemon, step }
    }
}

impl<F, T, E> Privileged<F>
where
    F: FnOnce() -> Result<T, E>,
    E: Into<Box<dyn StdError>>,
{
    /// See [`Daemon::start`].
    ///
    /// # Errors
    /// As there, and [`Error::Failed`] with the error of the step.
    pub fn start<S, D>(self, service: S) -> Result<Start, Error>
    where
        S: FnOnce(Ready, T) -> Result<(), D>,
        D: Into<Box<dyn StdError>>,
    {
        self.daemon.start_with(reported(self.step), service)
    }

    /// See [`Daemon::restart`]. The old daemon has ended when the step runs.
    ///
    /// # Errors
    /// As there, and [`Error::Failed`] with the error of the step: then no daemon is running.
    pub fn restart<S, D>(self, service: S) -> Result<Start, Error>
    where
        S: FnOnce(Ready, T) -> Result<(), D>,
        D: Into<Box<dyn StdError>>,
    {
        self.daemon.restart_with(reported(self.step), service)
    }

    /// See [`Daemon::run`].
    ///
    /// # Errors
    /// As there, and [`Error::Failed`] with the error of the step.
    pub fn run<S, D>(self, service: S) -> Result<(), Error>
    where
        S: FnOnce(Ready, T) -> Result<(), D>,
        D: Into<Box<dyn StdError>>,
    {
        self.daemon.run_with(reported(self.step), service)
    }

    /// See [`Daemon::main`].
    pub fn main<A, S, D>(self, args: A, service: S) -> ExitCode
    where
        A: IntoIterator,
        A::Item: Into<OsString>,
        S: FnOnce(Ready, T) -> Result<(), D>,
        D: Into<Box<dyn StdError>>,
    {
        self.daemon.main_with(args, reported(self.step), service)
    }
}

fn reported<T, E: Into<Box<dyn StdError>>>(
    step: impl FnOnce() -> Result<T, E>,
) -> impl FnOnce() -> Result<T, Error> {
    || step().map_err(|error| Error::failed(error.into().as_ref()))
}
