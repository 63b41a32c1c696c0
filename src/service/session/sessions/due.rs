//! The sessions that are due.

use std::{sync::Arc, time::Duration};

use super::{super::Session, Sessions};
use crate::store::Selection;

impl Sessions {
    /// The moment of the next frame of any session.
    pub(crate) fn next_due(&mut self) -> Option<Duration> {
        self.end_past_turn_of_ended();
        let all = self.by_id.iter();
        let may_be_due = all.filter(|(id, session)| self.allows_frame(**id, session));
        may_be_due.filter_map(|(_, session)| session.due).min()
    }

    /// Whether the past of a session does not forbid its frame.
    fn allows_frame(&self, id: u32, session: &Session) -> bool {
        self.past.allows_frame(id, session.wants_past())
    }

    /// The sessions with a frame due at `now`.
    pub(super) fn all_due(&self, now: Duration) -> impl Iterator<Item = &Session> {
        let all = self.by_id.iter();
        let due = all.filter(move |(_, session)| session.is_due(now));
        let due = due.filter(|(id, session)| self.allows_frame(**id, session));
        due.map(|(_, session)| session)
    }

    /// The selections of the sessions that are due at `now`, each once.
    pub(crate) fn due(&self, now: Duration) -> Vec<Arc<Selection>> {
        let mut due: Vec<Arc<Selection>> = Vec::new();
        for session in self.all_due(now) {
            if let Some(metrics) = session.subject.metrics()
                && !due
                    .iter()
                    .any(|known| Arc::ptr_eq(known, &metrics.selection))
            {
                due.push(metrics.selection.clone());
            }
        }
        due
    }
}
