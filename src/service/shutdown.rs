//! The shutdown of the service, and its stages.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::{Notify, watch};

use super::error::Error;

/// The stages of the shutdown.
pub(crate) struct Shutdown {
    /// A client has called `Quit`.
    pub(crate) quit: Notify,
    refuses_sessions: AtomicBool,
    /// Whether unanswered calls get the error `Stopping`.
    deadline_passed: watch::Sender<bool>,
}

impl Shutdown {
    pub(crate) fn new() -> Self {
        Self {
            quit: Notify::new(),
            refuses_sessions: AtomicBool::new(false),
            deadline_passed: watch::Sender::new(false),
        }
    }

    /// Lets no session begin from now on.
    pub(crate) fn refuse_sessions(&self) {
        self.refuses_sessions.store(true, Ordering::Relaxed);
    }

    /// Checks that a session may still begin.
    ///
    /// # Errors
    /// `Stopping`.
    pub(crate) fn check_accepts_sessions(&self) -> Result<(), Error> {
        match self.refuses_sessions.load(Ordering::Relaxed) {
            false => Ok(()),
            true => Err(Error::stopping()),
        }
    }

    /// Ends the wait for slow calls.
    pub(crate) fn pass_deadline(&self) {
        self.deadline_passed.send_replace(true);
    }

    /// Completes when slow calls are no longer waited for.
    pub(crate) async fn deadline_passed(&self) {
        let mut passed = self.deadline_passed.subscribe();
        // `wait_for` fails only when the sender is dropped, and `self` owns it.
        passed.wait_for(|passed| *passed).await.ok();
    }
}
