use std::fmt::Display;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::pipe::{Message, Writer};
use crate::linux::error::Error;
use crate::linux::pidfile::Pidfile;
use crate::linux::setup::stdio::{Stdio, Streams};

/// The service reports through this value that it works, or why it does not.
///
/// The caller of [`start`](crate::Daemon::start) waits for the report. Call [`ready`](Self::ready) when the first
/// client would be served: configuration read, sockets bound, names owned.
#[derive(Clone, Debug)]
pub struct Ready(Arc<Mutex<ReadyState>>);

#[derive(Debug)]
struct ReadyState {
    /// The readiness pipe; `None` in the foreground, and after the report.
    pipe: Option<Writer>,
    logs: Logs,
    pidfile: Pidfile,
    readiness: Readiness,
}

/// The standard streams of a daemon. In the foreground, where the supervisor has chosen them: none.
#[derive(Debug, Default)]
pub(crate) struct Logs {
    /// Opened, and installed once the service is ready.
    pending: Option<Streams>,
    /// The files of standard output and standard error.
    paths: [Option<PathBuf>; 2],
}

impl Logs {
    pub(crate) fn new([_, output, error]: &[Stdio; 3], opened: Streams) -> Self {
        let path = |stream: &Stdio| match stream {
            Stdio::File(path) => Some(path.clone()),
            _ => None,
        };
        Self {
            pending: Some(opened),
            paths: [path(output), path(error)],
        }
    }
}

/// The report of the service so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Readiness {
    Pending,
    Ready,
    Failed(String),
}

impl Ready {
    pub(crate) fn new(pipe: Option<Writer>, logs: Logs, pidfile: Pidfile) -> Self {
        Self(Arc::new(Mutex::new(ReadyState {
            pipe,
            logs,
            pidfile,
            readiness: Readiness::Pending,
        })))
    }

    /// Reports that the service works. Redirects the standard streams as set, and lets the caller of `start` return.
    /// Later calls, and calls after [`fail`](Self::fail), do nothing.
    ///
    /// # Errors
    /// [`Error::Call`] or [`Error::File`] if the streams cannot be redirected or the pidfile cannot be changed. The
    /// service should return it.
    pub fn ready(&self) -> Result<(), Error> {
        let mut state = self.state();
        if state.readiness != Readiness::Pending {
            return Ok(());
        }
        if let Some(streams) = state.logs.pending.take() {
            streams.install()?;
        }
        // First the message, then the pidfile: another process may stop the daemon as soon as its pidfile shows it as
        // ready, and the start is a success even so. The launcher returns when the pipe is closed, which is last.
        let pipe = state.pipe.take();
        if let Some(pipe) = &pipe {
            pipe.write(&Message::Ready);
        }
        state.readiness = Readiness::Ready;
        state.pidfile.ready()
    }

    /// Reports that the service does not work, and why, as the return of an error does. Return soon after it: the
    /// process is killed after five seconds. Ignored after [`ready`](Self::ready).
    pub fn fail(&self, message: impl Display) {
        self.fail_with(&Error::message(message.to_string()));
    }

    pub(crate) fn fail_with(&self, error: &Error) {
        let mut state = self.state();
        if state.readiness == Readiness::Pending {
            if let Some(pipe) = state.pipe.take() {
                pipe.failed(error);
            }
            state.readiness = Readiness::Failed(error.to_string());
        }
    }

    /// Opens the files of standard output and standard error again, after logrotate(8) has renamed them: call it at
    /// [`Event::Reload`](crate::Event::Reload). Files of [`Stdio::File`] only; in the foreground, where the supervisor
    /// has chosen the output, it does nothing.
    ///
    /// It runs as the user of the daemon, who may not create files in a directory of root's such as `/var/log`. There
    /// let logrotate make the file: `create 0640 USER GROUP`.
    ///
    /// # Errors
    /// [`Error::File`] with the path if a file cannot be opened. Then both streams stay as they are, and lose nothing:
    /// the service can log the error and go on.
    pub fn reopen_logs(&self) -> Result<(), Error> {
        let mut state = self.state();
        let reopened = Streams::reopen(&state.logs.paths)?;
        match &mut state.logs.pending {
            Some(pending) => {
                pending.replace(reopened);
                Ok(())
            }
            None => reopened.install(),
        }
    }

    /// The daemon's pidfile, to be released before a long shutdown. Without a pidfile, as in the foreground, its
    /// [`release`](Pidfile::release) does nothing.
    #[must_use]
    pub fn pidfile(&self) -> Pidfile {
        self.state().pidfile.clone()
    }

    pub(crate) fn readiness(&self) -> Readiness {
        self.state().readiness.clone()
    }

    fn state(&self) -> MutexGuard<'_, ReadyState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
