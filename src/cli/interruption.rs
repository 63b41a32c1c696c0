//! The signals by which a person or a script ends a command that would go on.

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
        let listen = |kind| {
            signal(kind).map_err(|cause| Error::Kernel {
                what: "signals",
                cause,
            })
        };
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
        })
    }

    /// What the future brings, unless there is an interruption first.
    pub(crate) async fn or<T>(&mut self, future: impl Future<Output = T>) -> Option<T> {
        select! {
            done = future => Some(done),
            _ = self.interrupt.recv() => None,
            _ = self.terminate.recv() => None,
        }
    }
}
