//! The table of a session of processes.

use std::{sync::Arc, time::Duration};

use crate::process::{Query, Rows};

use super::Changes;

/// The query of a session of processes, and the table it has sent last.
pub(crate) struct TableSubject {
    pub(crate) query: Arc<Query>,
    sent: Option<Arc<Rows>>,
    /// The moment at which a frame has fallen due that is not requested yet.
    due: Option<Duration>,
}

/// A request for the table of a session.
pub(crate) struct TableRequest {
    pub(crate) session: u32,
    pub(crate) query: Arc<Query>,
    /// The table sent last.
    pub(crate) sent: Option<Arc<Rows>>,
    /// The pass must not be older than this moment.
    pub(crate) since: Duration,
}

impl TableSubject {
    pub(crate) fn new(query: Query) -> Self {
        Self {
            query: Arc::new(query),
            sent: None,
            due: None,
        }
    }

    /// The names of the columns.
    pub(crate) fn columns(&self) -> Vec<&'static str> {
        let fields = self.query.fields.iter();
        fields.map(|field| field.name()).collect()
    }

    /// Marks a frame as due at `now`. A frame that was due before and is not made yet is merged with it.
    pub(crate) fn fall_due(&mut self, now: Duration) {
        self.due = Some(now);
    }

    /// Takes the request for the frame that is due, if one is.
    pub(crate) fn take_request(&mut self, session: u32) -> Option<TableRequest> {
        let since = self.due.take()?;
        Some(TableRequest {
            session,
            query: self.query.clone(),
            sent: self.sent.clone(),
            since,
        })
    }

    /// Stores the table that is being sent. A frame that has fallen due while it was made is skipped, so
    /// that frames do not bunch up.
    pub(crate) fn sent(&mut self, changes: &Changes) {
        self.sent = Some(changes.rows.clone());
        self.due = None;
    }
}
