//! `Describe`.

use std::sync::Arc;

use zbus::Connection;

use super::Control;
use crate::{
    service::{
        error::Error,
        session::{Differences, Subject},
    },
    wire::{FaultChanges, Ids, Texts},
};

impl Control {
    /// Describes a session of a client, or a detached one: the state that its receivers know.
    ///
    /// # Errors
    /// `NoSuchSession`; `NotOwner`; `AccessDenied`, if the client is in a sandbox and has not the grants of the session.
    pub(crate) async fn describe(
        &self,
        bus: &Connection,
        client: &str,
        session: u32,
    ) -> Result<(Ids, Texts, FaultChanges), Error> {
        let others = self.visibility_of_others(bus, client).await?;
        let mut sessions = self.sessions.lock();
        let found = sessions.session(session);
        let found = found.ok_or_else(|| Error::no_such_session(session))?;
        let is_own = *found.owner == *client;
        if !found.detached && !is_own {
            return Err(Error::not_owner(session));
        }
        match &found.subject {
            Subject::Processes(processes) => {
                let fields = processes.columns().into_iter().map(Arc::from);
                Ok((
                    Ids(fields.collect()),
                    Texts::default(),
                    FaultChanges::default(),
                ))
            }
            Subject::Crossings(crossings) => {
                let ids = crossings.columns().map(|column| column.metric.id.clone());
                Ok((
                    Ids(ids.collect()),
                    Texts::default(),
                    FaultChanges::default(),
                ))
            }
            Subject::Metrics(metrics) => {
                if !is_own && !others.defined && metrics.selection.has_custom() {
                    let message = format!("session {session} has custom metrics");
                    return Err(Error::access_denied(message));
                }
                let Differences {
                    columns,
                    texts,
                    faults,
                } = metrics.describe();
                let columns = columns.iter().flat_map(|selection| &selection.columns);
                let ids = columns.map(|column| column.metric.id.clone());
                Ok((Ids(ids.collect()), Texts(texts), FaultChanges(faults)))
            }
        }
    }
}
