//! The whole `main` of a daemon: its command line, one line of outcome, and the exit status.

use std::error::Error as StdError;
use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use super::settings::Daemon;
use crate::linux::error::Error;
use crate::linux::readiness::Ready;

/// Invalid or excess arguments, by the Linux Standard Base.
const USAGE_ERROR: u8 = 2;

impl Daemon {
    /// The `main` of a daemon: executes the command in the arguments (of which the first is the program's name),
    /// prints one line of outcome, and returns the exit status.
    ///
    /// ```no_run
    /// # use std::process::ExitCode;
    /// # fn serve(_: sampled_daemon::Ready) -> Result<(), sampled_daemon::Error> { Ok(()) }
    /// fn main() -> ExitCode {
    ///     sampled_daemon::Daemon::new("mydaemon").main(std::env::args_os(), serve)
    /// }
    /// ```
    ///
    /// | command | does | exit status |
    /// | --- | --- | --- |
    /// | `start` | [`start`](Self::start) | 0 also if it is running already |
    /// | `stop` | [`stop`](Self::stop) | 0 also if it is not running |
    /// | `restart` | [`restart`](Self::restart) | |
    /// | `reload` | [`reload`](Self::reload) | 7 if it is not running |
    /// | `status` | [`status`](Self::status) | 0 running, 1 dead and its pidfile is left, 3 not running, 4 unknown |
    /// | `run` | [`run`](Self::run) | |
    ///
    /// Otherwise 0 is a success, 1 an error, 2 a wrong command line and 4 a lack of permission: the exit statuses of the
    /// Linux Standard Base for init scripts. An outcome goes to standard output, an error with the daemon's name to
    /// standard error. A closed pipe or a full disk there changes no exit status. `run` prints errors only, because the
    /// output is the service's.
    ///
    /// For options of its own, a program removes them from the arguments and passes the rest on.
    pub fn main<A, F, E>(&self, args: A, service: F) -> ExitCode
    where
        A: IntoIterator,
        A::Item: Into<OsString>,
        F: FnOnce(Ready) -> Result<(), E>,
        E: Into<Box<dyn StdError>>,
    {
        self.main_with(args, || Ok(()), |ready, ()| service(ready))
    }

    /// [`main`](Self::main) with a step before the change of user.
    pub(super) fn main_with<A, T, F, E>(
        &self,
        args: A,
        privileged: impl FnOnce() -> Result<T, Error>,
        service: F,
    ) -> ExitCode
    where
        A: IntoIterator,
        A::Item: Into<OsString>,
        F: FnOnce(Ready, T) -> Result<(), E>,
        E: Into<Box<dyn StdError>>,
    {
        let mut args = args.into_iter().skip(1).map(Into::into);
        let command = match (args.next(), args.next()) {
            (Some(command), None) => command,
            _ => OsString::new(),
        };
        let outcome = match command.to_str() {
            Some("start") => self
                .start_with(privileged, service)
                .map(|start| start.to_string()),
            Some("stop") => self.stop().map(|stop| stop.to_string()),
            Some("restart") => self
                .restart_with(privileged, service)
                .map(|start| start.to_string()),
            Some("reload") => self.reload().map(|pid| format!("process {pid} reloads")),
            Some("status") => {
                let status = self.status();
                print(io::stdout(), &status.to_string());
                return ExitCode::from(status.exit_code());
            }
            Some("run") => {
                return match self.run_with(privileged, service) {
                    Ok(()) => ExitCode::SUCCESS,
                    Err(error) => self.fail(&error),
                };
            }
            _ => {
                let name = &self.name;
                print(
                    io::stderr(),
                    &format!("usage: {name} start|stop|restart|reload|status|run"),
                );
                return ExitCode::from(USAGE_ERROR);
            }
        };
        match outcome {
            Ok(outcome) => {
                print(io::stdout(), &outcome);
                ExitCode::SUCCESS
            }
            Err(error) => self.fail(&error),
        }
    }

    fn fail(&self, error: &Error) -> ExitCode {
        print(io::stderr(), &format!("{}: {error}", self.name));
        ExitCode::from(error.exit_code())
    }
}

/// Not by println!, which panics on a closed pipe and on a full disk.
fn print(mut stream: impl Write, line: &str) {
    let _ = writeln!(stream, "{line}");
}
