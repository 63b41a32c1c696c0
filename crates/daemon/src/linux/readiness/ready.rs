use std::fmt::Display;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::pipe::{Message, Writer};
use crate::linux::error::Error;
use crate::linux::pidfile::Pidfile;
use crate::linux::setup::stdio::Streams;

/// Handed to the service, to tell that it works or why it does not.
///
/// The caller of [`start`](crate::Daemon::start) waits for that. Tell it when the first client would be served:
/// configuration read, sockets bound, names owned.
#[derive(Clone, Debug)]
pub struct Ready(Arc<Mutex<ReadyState>>);

#[derive(Debug)]
struct ReadyState {
    /// The readiness pipe; `None` in the foreground, and once the outcome is told.
    pipe: Option<Writer>,
    streams: Option<Streams>,
    pidfile: Pidfile,
    readiness: Readiness,
}

/// The answer that the service has given so far.
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

    /// "The service works." Moves the standard streams to where they were told to go, and lets the caller of
    /// `start` return. Only the first call counts, and none after [`fail`](Self::fail).
    ///
    /// # Errors
    /// [`Error::Call`] or [`Error::File`] if the streams cannot be moved or the pidfile cannot be changed. The
    /// service should return it.
    pub fn ready(&self) -> Result<(), Error> {
        let mut state = self.state();
        if state.readiness != Readiness::Pending {
            return Ok(());
        }
        if let Some(streams) = state.streams.take() {
            streams.install()?;
        }
        // First the record, then the pidfile: a daemon whose pidfile is ready may be stopped at once, and its start
        // was a success all the same. The launcher returns when the pipe is closed, which is last.
        let pipe = state.pipe.take();
        if let Some(pipe) = &pipe {
            pipe.write(&Message::Ready);
        }
        state.readiness = Readiness::Ready;
        state.pidfile.ready()
    }

    /// "The service does not work, and this is why." The same as returning an error. Return soon: after five seconds
    /// the process is killed. Ignored after [`ready`](Self::ready).
    pub fn fail(&self, message: impl Display) {
        let message = message.to_string();
        self.fail_with(&Error::Failed {
            message,
            causes: Vec::new(),
        });
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

    /// The daemon's pidfile, to be released before a long farewell. In the foreground it may be a handle on
    /// nothing, which releases as well.
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
