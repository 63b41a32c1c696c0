//! The calls of `Reload` that wait for the program to read its configuration.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Notify, oneshot},
    time::timeout,
};

/// The longest wait for the program that reads the configuration, which has a deadline of its own.
const CONFIGURATION_TIMEOUT: Duration = Duration::from_secs(6);

/// The calls of `Reload` that wait until the configuration is read again.
#[derive(Default)]
pub(crate) struct ReloadCalls {
    requested: Notify,
    calls: Mutex<Calls>,
}

#[derive(Default)]
struct Calls {
    new: Vec<oneshot::Sender<String>>,
    /// Those of which the program knows: its next read answers them.
    requested: Vec<oneshot::Sender<String>>,
}

impl ReloadCalls {
    /// Waits until a call wants the configuration to be read.
    pub(crate) async fn requested(&self) {
        self.requested.notified().await;
        let calls = &mut *self.lock();
        calls.requested.append(&mut calls.new);
    }

    /// Answers the calls of which the program knows.
    pub(crate) fn answer(&self, error: &str) {
        for call in std::mem::take(&mut self.lock().requested) {
            // The call may have ended at its deadline.
            call.send(error.to_owned()).ok();
        }
    }

    /// Has the program read the configuration. Returns the error, or an empty text.
    pub(crate) async fn read_configuration(&self) -> String {
        let (sender, answer) = oneshot::channel();
        {
            let new = &mut self.lock().new;
            new.retain(|call| !call.is_closed());
            new.push(sender);
        }
        self.requested.notify_one();
        let answer = timeout(CONFIGURATION_TIMEOUT, answer).await;
        let unread = || "the configuration is not read yet".to_owned();
        answer.ok().and_then(Result::ok).unwrap_or_else(unread)
    }

    fn lock(&self) -> MutexGuard<'_, Calls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
