//! The signals by which a person or a script ends a command that would go on.

use std::future::pending;

use tokio::{
    select,
    signal::unix::{Signal, SignalKind, signal},
};

use super::error::Error;

/// SIGINT and SIGTERM, which from the first moment on are told and end nothing by themselves.
pub(crate) struct Interruption {
    interrupt: Signal,
    terminate: Signal,
}

impl Interruption {
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

    /// What the future brings, unless there is an interruption first.
    pub(crate) async fn or<T>(&mut self, future: impl Future<Output = T>) -> Option<T> {
        select! {
            done = future => Some(done),
            () = self.wait() => None,
        }
    }
}

/// Other sizes of the terminal, of which SIGWINCH tells.
pub(crate) struct Resizes(Signal);

impl Resizes {
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

/// From here on, this signal is told and ends nothing by itself.
pub(crate) fn listen(kind: SignalKind) -> Result<Signal, Error> {
    signal(kind).map_err(|cause| Error::Kernel {
        what: "signals",
        cause,
    })
}
