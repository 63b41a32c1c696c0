//! The sessions of processes.

use super::{
    super::{Subject, event::Notice},
    Sessions,
};
use crate::service::processes::{ChangesBySession, TableRequest};

impl Sessions {
    /// Whether there is a session of processes.
    pub(crate) fn has_processes(&self) -> bool {
        let mut all = self.by_id.values();
        all.any(|session| matches!(session.subject, Subject::Processes(_)))
    }

    /// Takes the requests of the sessions of processes that are due.
    pub(crate) fn take_table_requests(&mut self) -> Vec<TableRequest> {
        let all = self.by_id.iter_mut();
        all.filter_map(|(&id, session)| match &mut session.subject {
            Subject::Metrics(_) | Subject::Crossings(_) => None,
            Subject::Processes(processes) => processes.take_request(id),
        })
        .collect()
    }

    /// Takes the tables of a batch. Returns the notices, and the sessions with a check of the backlog due.
    pub(crate) fn finish_tables(&mut self, changes: ChangesBySession) -> (Vec<Notice>, Vec<u32>) {
        let mut notices = Vec::new();
        let mut to_check = Vec::new();
        for (id, changes) in changes {
            // The session may have ended while the batch was made.
            let Some(session) = self.by_id.get_mut(&id) else {
                continue;
            };
            session.send_changes(id, changes, &mut notices);
            if session.needs_check() {
                to_check.push(id);
            }
        }
        (notices, to_check)
    }
}
