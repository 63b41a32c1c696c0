//! All sessions, shared by calls and by the loop that takes frames.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::{Session, Sessions};

/// The sessions behind their lock, and those who wait for a change.
#[derive(Default)]
pub(crate) struct SharedSessions {
    sessions: Mutex<Sessions>,
    /// The earliest due moment, whether there is a session at all, or what sessions may have, may have changed.
    pub(crate) changed: Notify,
    /// Whether the service is needed may have another answer now.
    pub(crate) idle_may_change: Notify,
}

impl SharedSessions {
    pub(crate) fn lock(&self) -> MutexGuard<'_, Sessions> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sessions have come or gone, or what they may have.
    pub(crate) fn notify_changed(&self) {
        self.changed.notify_one();
        self.idle_may_change.notify_one();
    }

    /// Whether nobody has a session.
    pub(crate) fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// Something of each session.
    pub(crate) fn map<K, V, T: FromIterator<(K, V)>>(
        &self,
        facts: impl Fn(u32, &Session) -> (K, V),
    ) -> T {
        let sessions = self.lock();
        sessions
            .iter()
            .map(|(id, session)| facts(id, session))
            .collect()
    }
}
