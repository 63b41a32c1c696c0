//! The signals that end a running command, and SIGWINCH.

use std::future::pending;

use tokio::{
    select,
    signal::unix::{Signal, SignalKind, signal},
};

use super::error::Error;

/// SIGINT and SIGTERM. They are caught as soon as this exists, and no longer end the process by themselves.
pub(crate) struct TerminationSignals {
    interrupt: Signal,
    terminate: Signal,
}

impl TerminationSignals {
    pub(crate) fn listen() -> Result<Self, Error> {
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
        })
    }

    /// Waits for one of them.
    pub(crate) async fn wait(&mut self) {
        select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }

    /// The output of the future; `None` if a signal arrives first.
    pub(crate) async fn or<T>(&mut self, future: impl Future<Output = T>) -> Option<T> {
        select! {
            done = future => Some(done),
            () = self.wait() => None,
        }
    }
}

/// Changes of the terminal's size (SIGWINCH).
pub(crate) struct ResizeSignals(Signal);

impl ResizeSignals {
    pub(crate) fn listen() -> Result<Self, Error> {
        listen(SignalKind::window_change()).map(Self)
    }

    /// Waits for the next one.
    pub(crate) async fn next(&mut self) {
        if self.0.recv().await.is_none() {
            pending().await
        }
    }
}

/// Catches a signal from here on.
pub(crate) fn listen(kind: SignalKind) -> Result<Signal, Error> {
    signal(kind).map_err(|cause| Error::Kernel {
        what: "signals",
        cause,
    })
}
