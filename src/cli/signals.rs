//! The signals that end a running command, and SIGWINCH.

use std::{future::pending, process};

use nix::sys::signal::{self as action, SigHandler, raise};

use tokio::{
    select,
    signal::unix::{Signal, SignalKind, signal},
};

use super::error::Error;

/// SIGINT and SIGTERM. They are caught as soon as this exists, and no longer end the process by themselves.
pub(crate) struct TerminationSignals {
    interrupt: Signal,
    terminate: Signal,
    is_interrupted: bool,
}

impl TerminationSignals {
    pub(crate) fn listen() -> Result<Self, Error> {
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            is_interrupted: false,
        })
    }

    /// Waits for one of them.
    pub(crate) async fn wait(&mut self) {
        select! {
            _ = self.interrupt.recv() => self.is_interrupted = true,
            _ = self.terminate.recv() => {}
        }
    }

    /// Fails if SIGINT has arrived: the command has to end by it.
    pub(crate) fn check_interrupt(&self) -> Result<(), Error> {
        match self.is_interrupted {
            true => Err(Error::Interrupted),
            false => Ok(()),
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

/// Ends this process by SIGINT. A shell goes on with its loop or script if the program only exits after Ctrl-C.
pub(crate) fn end_by_interrupt() -> ! {
    #[allow(
        unsafe_code,
        reason = "nix has no safe form, and tokio never removes its handler"
    )]
    // SAFETY: the default action is no function.
    let set = unsafe { action::signal(action::SIGINT, SigHandler::SigDfl) };
    set.and_then(|_| raise(action::SIGINT)).ok();
    // The exit status that a shell gives a program that SIGINT has killed.
    process::exit(130)
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
