use std::any::Any;
use std::error::Error as StdError;
use std::io::{Write, stderr};
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::detach::{self, Side};
use super::plan::{Next, Plan};
use super::readiness::{Outcome, Ready, Record, Start};
use super::{Daemon, Error, pidfile, sys};

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
        let pipe = match detach::split()? {
            Side::Launcher(launcher) => {
                let outcome = launcher.wait(self.ready_timeout);
                if let (Err(_), Some(pidfile)) = (&outcome, &plan.pidfile) {
                    pidfile::sweep(pidfile);
                }
                return outcome;
            }
            Side::Daemon(pipe) => pipe,
        };
        match caught(|| plan.carry_out(&pipe)) {
            Err(error) => {
                pipe.failed(&error);
                sys::fork::exit_now(1)
            }
            Ok(Next::Leave { pid }) => {
                pipe.write(&Record::Already(pid));
                sys::fork::exit_now(0)
            }
            Ok(Next::Serve { pidfile, streams }) => {
                let ready = Ready::new(Some(pipe), Some(streams), pidfile);
                std::process::exit(self.serve(&ready, service))
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
        let pipe = match detach::split()? {
            Side::Launcher(launcher) => return launcher.wait_for_trial(self.ready_timeout),
            Side::Daemon(pipe) => pipe,
        };
        match caught(|| plan.rehearse()) {
            Ok(()) => {
                pipe.write(&Record::Ready);
                sys::fork::exit_now(0)
            }
            Err(error) => {
                pipe.failed(&error);
                sys::fork::exit_now(1)
            }
        }
    }

    /// Runs the service in this process: for systemd, a container, a debugger. See
    /// [`settle`](super::settle) for what is cleaned up before. User, group and core limit are applied.
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
        let pidfile = Plan::in_foreground(self)?.carry_out_here()?;
        let ready = Ready::new(None, None, pidfile.clone());
        let returned = service(ready.clone()).map_err(|error| Error::failed(error.into().as_ref()));
        let released = pidfile.release();
        match ready.outcome() {
            Outcome::Failed(message) => Err(Error::Failed {
                message,
                causes: Vec::new(),
            }),
            _ => returned.and(released),
        }
    }

    /// Calls the service in the daemon. Returns the exit status.
    fn serve<F, E>(&self, ready: &Ready, service: F) -> i32
    where
        F: FnOnce(Ready) -> Result<(), E>,
        E: Into<Box<dyn StdError>>,
    {
        let pidfile = ready.pidfile();
        // Nothing of the service is used after it has panicked.
        let returned = catch_unwind(AssertUnwindSafe(|| service(ready.clone())));
        let (error, status) = match returned {
            Ok(Ok(())) => (None, 0),
            Ok(Err(error)) => (Some(Error::failed(error.into().as_ref())), 1),
            Err(panic) => (Some(panicked(panic.as_ref())), 101),
        };
        // Before the last record, after which the next one may be started.
        if let Err(error) = pidfile.release() {
            self.complain(&error);
        }
        match (ready.outcome(), error) {
            (Outcome::Ready, None) => {}
            (Outcome::Ready, Some(error)) => self.complain(&error),
            (Outcome::Failed(_), _) => return status.max(1),
            (Outcome::None, Some(error)) => ready.fail_with(&error),
            (Outcome::None, None) => {
                ready.fail("the daemon ended before it was ready");
                return 1;
            }
        }
        status
    }

    /// Not by eprintln!, which panics if nobody reads.
    fn complain(&self, error: &Error) {
        let _ = writeln!(stderr(), "{}: {error}", self.name);
    }
}

/// Has a panic be an error, so that it does not unwind into the caller's code in the wrong process.
fn caught<T>(step: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    let done = catch_unwind(AssertUnwindSafe(step));
    done.unwrap_or_else(|panic| Err(panicked(panic.as_ref())))
}

fn panicked(panic: &(dyn Any + Send)) -> Error {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    Error::Failed {
        message: format!("panicked: {}", text.unwrap_or("without a message")),
        causes: Vec::new(),
    }
}
