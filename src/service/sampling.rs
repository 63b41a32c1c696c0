//! `Sample`: one fresh reading.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;
use zbus::Connection;

use super::{catalog::Catalog, error::Error, guarded::Guarded, selectors, settings::CurrentSettings};
use crate::{
    sample::{self, Sample},
    store::Store,
    wire::{Faults, Readings},
};

/// A call that has taken longer has waited for something.
const PROMPT: Duration = Duration::from_millis(5);

/// Takes readings for calls.
pub(crate) struct Sampling {
    store: Arc<Store>,
    catalog: Arc<Catalog>,
    settings: Arc<CurrentSettings>,
    /// Held by the call that has waited and is being answered.
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

    /// Reads what selectors mean to a client, and what has no value.
    pub(crate) async fn sample(
        &self,
        bus: &Connection,
        client: Option<&str>,
        selectors: &[&str],
        options: sample::SampleTiming,
    ) -> Result<(u64, Readings, Guarded<Faults>), Error> {
        let selectors = &selectors::distinct(selectors, &self.settings.limits())?;
        // What its user has just defined anew is to be read as it is defined now.
        let changes = self.store.rediscover_definitions(false).await;
        self.catalog.announce(bus, changes).await;
        let (selection, _) = self.catalog.select(bus, client, selectors, false).await?;
        let begin = Instant::now();
        let sample = Sample::take(&self.store, &selection, options).await;
        // Those that have waited for the same window are all ready at once: one after the other is
        // answered, and in between others are.
        let turn = match begin.elapsed() < PROMPT {
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
        let faults = Guarded::new(Faults(faults), turn);
        Ok((sample.timestamp(), Readings(readings), faults))
    }
}
