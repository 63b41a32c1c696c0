//! The wish to leave, and how far the leaving has come.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::{Notify, watch};

use super::error::Error;

/// How far the service is on its way out.
pub(crate) struct Leaving {
    /// Somebody has called `Quit`.
    pub(crate) quit: Notify,
    is_closed: AtomicBool,
    /// Whether what is not answered yet is answered by `Stopping`.
    hurry: watch::Sender<bool>,
}

impl Leaving {
    pub(crate) fn new() -> Self {
        Self {
            quit: Notify::new(),
            is_closed: AtomicBool::new(false),
            hurry: watch::Sender::new(false),
        }
    }

    /// From now on no session begins.
    pub(crate) fn close(&self) {
        self.is_closed.store(true, Ordering::Relaxed);
    }

    /// Whether a session may still begin.
    ///
    /// # Errors
    /// `Stopping`.
    pub(crate) fn check_is_open(&self) -> Result<(), Error> {
        match self.is_closed.load(Ordering::Relaxed) {
            false => Ok(()),
            true => Err(Error::stopping()),
        }
    }

    /// The service is to be gone soon: calls that take long are not waited for any more.
    pub(crate) fn hurry(&self) {
        self.hurry.send_replace(true);
    }

    /// Completes when the service is to be gone soon.
    pub(crate) async fn hurried(&self) {
        // There is no error while the sender is there.
        self.hurry.subscribe().wait_for(|hurry| *hurry).await.ok();
    }
}
