//! The signals that the program catches.

use std::io;

use tokio::{
    select,
    signal::unix::{Signal, SignalKind, signal},
};

/// The signals that are caught.
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
    stop: Signal,
    continued: Signal,
}

/// A signal.
pub(crate) enum Caught {
    End,
    HangUp,
    Stop,
    Continued,
}

impl Signals {
    /// Catches them from now on.
    pub(crate) fn listen() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
            stop: signal(SignalKind::from_raw(rustix::process::Signal::TSTP.as_raw()))?,
            continued: signal(SignalKind::from_raw(rustix::process::Signal::CONT.as_raw()))?,
        })
    }

    /// Waits for one of them. Cancel safe.
    pub(crate) async fn next(&mut self) -> Caught {
        select! {
            _ = self.hang_up.recv() => Caught::HangUp,
            _ = self.terminate.recv() => Caught::End,
            _ = self.interrupt.recv() => Caught::End,
            _ = self.stop.recv() => Caught::Stop,
            _ = self.continued.recv() => Caught::Continued,
        }
    }
}
