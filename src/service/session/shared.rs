//! All sessions, shared by the calls and the loop that takes frames.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::{Session, Sessions};

/// The sessions behind a lock, and the notifications of changes.
pub(crate) struct SharedSessions {
    sessions: Mutex<Sessions>,
    /// The next due moment, the number of sessions or the grants may have changed.
    pub(crate) changed: Notify,
    /// The service may have become idle or busy.
    pub(crate) idle_may_change: Notify,
}

impl SharedSessions {
    pub(crate) fn new() -> Self {
        Self {
            sessions: Mutex::new(Sessions::default()),
            changed: Notify::default(),
            idle_may_change: Notify::default(),
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Sessions> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reports that sessions have begun or ended, or that the settings have changed.
    pub(crate) fn notify_changed(&self) {
        self.changed.notify_one();
        self.idle_may_change.notify_one();
    }

    /// Whether there are no sessions.
    pub(crate) fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// Collects an entry for each session.
    pub(crate) fn map<K, V, T: FromIterator<(K, V)>>(
        &self,
        entry: impl Fn(u32, &Session) -> (K, V),
    ) -> T {
        let sessions = self.lock();
        sessions
            .iter()
            .map(|(id, session)| entry(id, session))
            .collect()
    }
}
