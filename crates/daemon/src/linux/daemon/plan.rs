//! The settings with absolute paths and looked-up users, made before the process changes its directory and its user;
//! and the steps that apply them to a process.

use std::path::PathBuf;

use nix::sys::stat::Mode;

use super::path::absolute;
use super::settings::Daemon;
use crate::linux::error::Error;
use crate::linux::foreground;
use crate::linux::pidfile::{self, Claim, Pidfile};
use crate::linux::readiness::{Message, Writer};
use crate::linux::setup::identity::Identity;
use crate::linux::setup::stdio::{Stdio, Streams};
use crate::linux::setup::{directory, environment, privileges};

pub(super) struct Plan<'a> {
    settings: &'a Daemon,
    /// `None` for a daemon without a pidfile.
    pub(super) pidfile: Option<PathBuf>,
    directory: PathBuf,
    umask: Mode,
    pub(super) streams: [Stdio; 3],
    identity: Option<Identity>,
}

/// The next step of a daemon after the attempt to take its pidfile.
pub(super) enum Next<T> {
    Serve {
        pidfile: Pidfile,
        streams: Streams,
        /// The value of the privileged step.
        value: T,
    },
    /// Another instance is running; this one ends.
    AlreadyRunning { pid: i32 },
}

impl<'a> Plan<'a> {
    /// For a daemon in the background.
    pub(super) fn new(settings: &'a Daemon) -> Result<Self, Error> {
        let pidfile = match settings.pidfile_if_any() {
            Err(Error::NoPidfile) => None,
            path => path?,
        };
        Self::with_pidfile(settings, pidfile)
    }

    /// For a daemon in the foreground.
    pub(super) fn in_foreground(settings: &'a Daemon) -> Result<Self, Error> {
        let pidfile = match settings.foreground_pidfile {
            true => Some(settings.pidfile_path()?),
            false => None,
        };
        Self::with_pidfile(settings, pidfile)
    }

    fn with_pidfile(settings: &'a Daemon, pidfile: Option<PathBuf>) -> Result<Self, Error> {
        let mut streams = settings.streams.clone();
        for stream in &mut streams {
            if let Stdio::File(path) = stream {
                *path = absolute(path)?;
            }
        }
        Ok(Self {
            settings,
            pidfile,
            directory: absolute(&settings.directory)?,
            umask: Mode::from_bits_truncate(settings.umask),
            streams,
            identity: Identity::look_up(settings.user.as_deref(), settings.group.as_deref())?,
        })
    }

    /// Applies the settings to a detached process: takes the pidfile, then calls the privileged step, then changes the
    /// user. The standard streams are opened but not installed: until the service is ready, it prints to the caller's.
    pub(super) fn apply<T>(
        &self,
        pipe: &Writer,
        privileged: impl FnOnce() -> Result<T, Error>,
    ) -> Result<Next<T>, Error> {
        self.set_up()?;
        let claim = match &self.pidfile {
            Some(path) => pidfile::claim(path, self.settings.ready_timeout, true, || {
                pipe.write(&Message::Waiting);
            })?,
            None => Claim::Taken(Pidfile::none()),
        };
        let pidfile = match claim {
            Claim::Taken(pidfile) => pidfile,
            Claim::HeldBy(_) if self.settings.pidfile_if_free => Pidfile::none(),
            Claim::HeldBy(holder) => return Ok(Next::AlreadyRunning { pid: holder.pid }),
        };
        let prepared = privileged().and_then(|value| Ok((value, self.become_user()?)));
        match prepared {
            Ok((value, streams)) => Ok(Next::Serve {
                pidfile,
                streams,
                value,
            }),
            Err(error) => {
                // The first error is reported, not a second one.
                let _ = pidfile.release();
                Err(error)
            }
        }
    }

    /// Does the same without taking the pidfile, which is only checked, and without the privileged step, which a running
    /// daemon may stand in the way of (its port is in use). Calls the check of the service.
    pub(super) fn check(&self) -> Result<(), Error> {
        self.set_up()?;
        if let Some(path) = &self.pidfile {
            pidfile::verify(path)?;
        }
        self.become_user()?;
        match &self.settings.check {
            Some(check) => check.call(),
            None => Ok(()),
        }
    }

    /// Applies the settings to a process in the foreground: takes the pidfile, if it is to have one, then calls the
    /// privileged step, then changes the user.
    pub(super) fn apply_in_foreground<T>(
        &self,
        privileged: impl FnOnce() -> Result<T, Error>,
    ) -> Result<(Pidfile, T), Error> {
        let own_session = foreground::settle_in(&self.directory, self.umask, true)?;
        self.settings.limits.apply()?;
        let pidfile = match &self.pidfile {
            Some(path) => {
                let timeout = self.settings.ready_timeout;
                match pidfile::claim(path, timeout, own_session, || {})? {
                    Claim::Taken(pidfile) => pidfile,
                    Claim::HeldBy(holder) => {
                        let (path, pid) = (path.clone(), holder.pid);
                        return Err(Error::AlreadyRunning { path, pid });
                    }
                }
            }
            None => Pidfile::none(),
        };
        let prepared = privileged().and_then(|value| {
            self.give_up_privileges()?;
            Ok(value)
        });
        match prepared {
            Ok(value) => Ok((pidfile, value)),
            Err(error) => {
                let _ = pidfile.release();
                Err(error)
            }
        }
    }

    fn set_up(&self) -> Result<(), Error> {
        environment::remove_supervisor_variables()?;
        if let Some(kept) = &self.settings.environment {
            environment::keep_only(kept)?;
        }
        directory::enter(&self.directory, self.umask)?;
        self.settings.limits.apply()
    }

    /// Changes the user and opens the streams: as that user, who must be able to write to them, except for files in
    /// directories of root's.
    fn become_user(&self) -> Result<Streams, Error> {
        let opened = match &self.identity {
            Some(identity) => Streams::open_as_root(&self.streams, identity)?,
            None => Streams::default(),
        };
        self.give_up_privileges()?;
        opened.open_rest(&self.streams, &self.settings.name)
    }

    fn give_up_privileges(&self) -> Result<(), Error> {
        // Before the change of user, which takes the right to do so.
        if self.settings.empty_bounding_set {
            privileges::empty_bounding_set()?;
        }
        if let Some(identity) = &self.identity {
            identity.assume(self.settings.environment.as_deref())?;
        }
        match self.settings.no_new_privs {
            true => privileges::set_no_new_privs(),
            false => Ok(()),
        }
    }
}
