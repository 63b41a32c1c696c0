use std::error::Error as StdError;

use super::pidfile::{Holder, Proof, holder};
use super::process::{KillMode, Process, Stop, session};
use super::readiness::{Ready, Start};
use super::{Daemon, Error};

impl Daemon {
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

    fn end(&self, process: &Process, holder: Holder) -> Result<Stop, Error> {
        let own_session = matches!(holder.proof, Proof::Record { own_session: true });
        match self.kill_mode {
            KillMode::Session if own_session => session::end(process, self.stop_timeout),
            _ => process.end(self.stop_timeout),
        }
    }
}
