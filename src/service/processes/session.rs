//! What a session of processes acquires: a table, and what has changed in it since it was sent.

use std::{sync::Arc, time::Duration};

use crate::process::{Query, Rows};

use super::Changes;

/// The processes of a session, and what its client knows of them.
pub(crate) struct Subject {
    pub(crate) query: Arc<Query>,
    sent: Option<Arc<Rows>>,
    /// When a frame has fallen due that is not there yet.
    due: Option<Duration>,
}

/// A table that a session is to have.
pub(crate) struct Wanted {
    pub(crate) session: u32,
    pub(crate) query: Arc<Query>,
    /// The last one that was sent.
    pub(crate) sent: Option<Arc<Rows>>,
    /// A pass of this moment or later will do.
    pub(crate) since: Duration,
}

impl Subject {
    pub(crate) fn new(query: Query) -> Self {
        Self {
            query: Arc::new(query),
            sent: None,
            due: None,
        }
    }

    /// The names of its columns.
    pub(crate) fn columns(&self) -> Vec<&'static str> {
        let fields = self.query.fields.iter();
        fields.map(|field| field.name()).collect()
    }

    /// A frame is due at `now`. One that was due before and is not there yet is the same one.
    pub(crate) fn fall_due(&mut self, now: Duration) {
        self.due = Some(now);
    }

    /// What is to be read for the frame that is due, if one is. Asked once for each.
    pub(crate) fn take_wanted(&mut self, session: u32) -> Option<Wanted> {
        let since = self.due.take()?;
        Some(Wanted {
            session,
            query: self.query.clone(),
            sent: self.sent.clone(),
            since,
        })
    }

    /// These changes are on their way to the client. What has fallen due while they were made is
    /// skipped, so that frames do not bunch up.
    pub(crate) fn sent(&mut self, changes: &Changes) {
        self.sent = Some(changes.rows.clone());
        self.due = None;
    }
}
