//! `Sample`: one fresh reading of a selection.

use std::{slice, sync::Arc, time::Duration};

use tokio::time::Instant;
use zbus::Connection;

use super::{
    catalog::{Catalog, SelectionRequest},
    error::Error,
    guarded::Guarded,
    options::SampleOptions,
    selectors,
    settings::CurrentSettings,
};
use crate::{
    reading::monotonic,
    sample::Sample,
    store::Store,
    wire::{Faults, Readings},
};

/// A call that takes longer than this has waited for a window or for a slow source.
const PROMPT: Duration = Duration::from_millis(5);

/// Takes readings for calls.
pub(crate) struct Sampling {
    store: Arc<Store>,
    catalog: Arc<Catalog>,
    settings: Arc<CurrentSettings>,
    /// Locked while the reply of a call that has waited is built and written.
    delayed_replies: Arc<tokio::sync::Mutex<()>>,
}

impl Sampling {
    pub(crate) fn new(
        store: Arc<Store>,
        catalog: Arc<Catalog>,
        settings: Arc<CurrentSettings>,
    ) -> Self {
        Self {
            store,
            catalog,
            settings,
            delayed_replies: Arc::default(),
        }
    }

    /// Reads the metrics that selectors mean to a client. Returns timestamp, readings and faults.
    pub(crate) async fn sample(
        &self,
        bus: &Connection,
        client: Option<&str>,
        selectors: &[&str],
        options: SampleOptions,
    ) -> Result<(u64, Readings, Guarded<Faults>), Error> {
        let selectors = &selectors::distinct(selectors, &self.settings.limits())?;
        // A definition that the user has just changed counts already.
        let changes = self.store.rediscover_definitions(false).await;
        self.catalog.announce(bus, changes).await;
        let request = SelectionRequest {
            selectors,
            lasts: false,
            is_optional: options.is_optional,
        };
        let (mut selection, _) = self.catalog.select_as(bus, client, request).await?;
        let selections = slice::from_ref(&selection);
        let changes = self
            .store
            .rediscover_selected(selections, monotonic())
            .await;
        if !changes.is_empty() {
            self.catalog.announce(bus, changes).await;
            // The columns of a device that has gone read so once; the next call does not know them.
            let again = self.catalog.select_as(bus, client, request).await;
            selection = again.map_or(selection, |(selection, _)| selection);
        }
        let begin = Instant::now();
        let sample = Sample::take(&self.store, &selection, options.timing).await;
        // Calls that have waited for the same window become ready together: they reply one at a time, so
        // that other calls are answered in between.
        let guard = match begin.elapsed() < PROMPT {
            true => None,
            false => Some(self.delayed_replies.clone().lock_owned().await),
        };
        let mut readings = Vec::with_capacity(selection.columns.len());
        let mut faults = Vec::new();
        for (column, reading) in sample.readings(&selection) {
            let id = column.metric.id.clone();
            match reading {
                Ok(value) => readings.push((id, value)),
                Err(fault) => faults.push((id, fault)),
            }
        }
        self.catalog
            .announce(bus, self.store.rediscover_changed())
            .await;
        let faults = Guarded::new(Faults(faults), guard);
        Ok((sample.timestamp(), Readings(readings), faults))
    }
}
