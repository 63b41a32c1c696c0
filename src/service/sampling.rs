//! `Sample`: one fresh reading of a selection.

use std::{slice, sync::Arc, time::Duration};

use tokio::{sync::OwnedMutexGuard, time::Instant};
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
    store::{Selection, Store},
    wire::{Faults, Readings},
};

/// A call that takes longer than this has waited for a window or for a slow source.
const PROMPT: Duration = Duration::from_millis(5);

/// The readings for a call.
pub(crate) struct Sampled {
    pub(crate) timestamp: u64,
    pub(crate) readings: Readings,
    pub(crate) faults: Faults,
    /// Held until the reply is written.
    pub(crate) guard: Option<OwnedMutexGuard<()>>,
}

impl Sampled {
    /// The reply for zbus.
    pub(crate) fn into_reply(self) -> (u64, Readings, Guarded<Faults>) {
        let faults = Guarded::new(self.faults, self.guard);
        (self.timestamp, self.readings, faults)
    }
}

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

    /// Resolves the selectors of a call. Most calls repeat an earlier one.
    async fn select(
        &self,
        bus: Option<&Connection>,
        client: Option<&str>,
        selectors: &[&str],
        is_optional: bool,
    ) -> Result<Arc<Selection>, Error> {
        let request = |selectors| SelectionRequest {
            selectors,
            lasts: false,
            is_optional,
        };
        let limits = self.settings.limits();
        if selectors::are_within(selectors, &limits)
            && let Some(selection) = self.catalog.resolved(client, request(selectors))
        {
            return Ok(selection);
        }
        let selectors = selectors::distinct(selectors, &limits)?;
        let selected = self.catalog.select_as(bus, client, request(&selectors));
        Ok(selected.await?.0)
    }

    /// Reads the metrics that selectors mean to a client.
    pub(crate) async fn sample(
        &self,
        bus: Option<&Connection>,
        client: Option<&str>,
        selectors: &[&str],
        options: SampleOptions,
    ) -> Result<Sampled, Error> {
        // A definition that the user has just changed counts already.
        let changes = self.store.rediscover_definitions(false).await;
        self.catalog.announce(bus, changes).await;
        let is_optional = options.is_optional;
        let mut selection = self.select(bus, client, selectors, is_optional).await?;
        let selections = slice::from_ref(&selection);
        let changes = self
            .store
            .rediscover_selected(selections, monotonic())
            .await;
        if !changes.is_empty() {
            self.catalog.announce(bus, changes).await;
            // The columns of a device that has gone read so once; the next call does not know them.
            let again = self.select(bus, client, selectors, is_optional).await;
            selection = again.unwrap_or(selection);
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
        let selections = slice::from_ref(&selection);
        let changes = self.store.rediscover_read(selections, monotonic()).await;
        self.catalog.announce(bus, changes).await;
        Ok(Sampled {
            timestamp: sample.timestamp(),
            readings: Readings(readings),
            faults: Faults(faults),
            guard,
        })
    }
}
