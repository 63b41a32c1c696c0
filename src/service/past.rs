//! `History`: what running sessions have read.

use std::{sync::Arc, time::Duration};

use zbus::Connection;

use super::{
    catalog::Catalog,
    error::Error,
    history::Past,
    selectors,
    session::{MAX_PAST_SIGNALS, SharedSessions},
    settings::CurrentSettings,
};
use crate::{
    reading::Stamp,
    store::{Selection, Store},
    wire::{Frames, Ids},
};

/// Returns past readings to calls.
pub(crate) struct PastReadings {
    store: Arc<Store>,
    catalog: Arc<Catalog>,
    sessions: Arc<SharedSessions>,
    settings: Arc<CurrentSettings>,
}

impl PastReadings {
    pub(crate) fn new(
        store: Arc<Store>,
        catalog: Arc<Catalog>,
        sessions: Arc<SharedSessions>,
        settings: Arc<CurrentSettings>,
    ) -> Self {
        Self {
            store,
            catalog,
            sessions,
            settings,
        }
    }

    /// The past readings of the metrics that selectors mean to a client: columns and frames.
    pub(crate) async fn history(
        &self,
        bus: &Connection,
        client: Option<&str>,
        selectors: &[&str],
        span: Duration,
    ) -> Result<(Ids, Frames), Error> {
        let selectors = &selectors::distinct(selectors, &self.settings.limits())?;
        let (selection, _) = self
            .catalog
            .select(Some(bus), client, selectors, false)
            .await?;
        let past = self.of(&selection, span, usize::MAX);
        let ids = selection.columns.iter();
        let ids = ids.map(|column| column.metric.id.clone()).collect();
        let rows = past.rows();
        let frames = rows.map(|(timestamp, values)| (timestamp, values.to_vec()));
        Ok((Ids(ids), Frames(frames.collect())))
    }

    /// The past that a session would be sent now.
    pub(crate) fn of_session(&self, selection: &Selection, span: Duration) -> Past {
        self.of(selection, span, MAX_PAST_SIGNALS)
    }

    fn of(&self, selection: &Selection, span: Duration, max_rows: usize) -> Past {
        let mut sessions = self.sessions.lock();
        sessions.history.take_over(&self.store);
        sessions
            .history
            .past(selection, span, max_rows, Stamp::now())
    }
}
