use std::fmt::Display;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::pipe::{Message, Writer};
use crate::linux::error::Error;
use crate::linux::pidfile::Pidfile;
use crate::linux::setup::stdio::Streams;

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
    streams: Option<Streams>,
    pidfile: Pidfile,
    readiness: Readiness,
}

/// The report of the service so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Readiness {
    Pending,
    Ready,
    Failed(String),
}

impl Ready {
    pub(crate) fn new(pipe: Option<Writer>, streams: Option<Streams>, pidfile: Pidfile) -> Self {
        Self(Arc::new(Mutex::new(ReadyState {
            pipe,
            streams,
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
        if let Some(streams) = state.streams.take() {
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
