//! The readings taken in this process, by the library that the service is made of.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use tokio::time::{Interval, MissedTickBehavior, interval};

use sampled::{
    client::{Metadata, SampleOptions, SourceInfo},
    reading::{Reading, monotonic},
    sample::{self, Sample},
    service::Settings,
    sources,
    store::{Baseline, Column, Selection, Store},
};

use super::{Common, configuration, error::Error, frame::Frame};

/// How long the configuration may take to be read.
const CONFIGURATION: Duration = Duration::from_secs(5);

/// A store of this process's own.
pub(crate) struct InProcess {
    store: Arc<Store>,
}

impl InProcess {
    /// With the settings of the configuration.
    pub(crate) async fn new(common: &Common) -> Result<Self, Error> {
        let settings = configuration::within(common, CONFIGURATION).await?;
        Self::of(common, settings)
    }

    /// With these settings.
    pub(crate) fn of(common: &Common, settings: Settings) -> Result<Self, Error> {
        let store = Store::new(sources::all_with(&common.own_roots()?, &settings.sources));
        store.switch_off(&settings.sources_off);
        Ok(Self {
            store: Arc::new(store),
        })
    }

    /// What is known of each source, by name.
    pub(crate) async fn sources(&self) -> BTreeMap<String, SourceInfo> {
        self.store.look_at_definitions(true).await;
        let sources = self.store.sources().into_iter();
        sources
            .map(|source| {
                let info = SourceInfo {
                    state: source.state.to_owned(),
                    metrics: source.metrics,
                    reads: source.reads,
                    cost: source.cost,
                    error: source.error,
                };
                (source.name.to_string(), info)
            })
            .collect()
    }

    pub(crate) async fn list(
        &self,
        selectors: &[&str],
    ) -> Result<BTreeMap<String, Metadata>, Error> {
        let selection = self.store.resolve_patiently(selectors).await?;
        let columns = selection.columns.iter();
        Ok(columns
            .map(|column| (column.metric.id.to_string(), metadata(column)))
            .collect())
    }

    pub(crate) async fn sample(
        &self,
        selectors: &[&str],
        options: SampleOptions,
    ) -> Result<Frame, Error> {
        let selection = self.store.resolve_patiently(selectors).await?;
        let usual = sample::Options::default();
        let options = sample::Options {
            window: options.window.unwrap_or(usual.window),
            max_age: options.max_age.unwrap_or(usual.max_age),
            timeout: options.timeout.unwrap_or(usual.timeout),
        };
        let sample = Sample::take(&self.store, &selection, options).await;
        Ok(frame(sample.timestamp(), sample.readings(&selection)))
    }

    pub(crate) async fn watch(&self, selectors: &[&str], every: Duration) -> Result<Watch, Error> {
        let mut ticks = interval(every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        Ok(Watch {
            store: self.store.clone(),
            selection: self.store.resolve_patiently(selectors).await?,
            baseline: Baseline::new(),
            ticks,
        })
    }
}

/// What a session is in the service.
pub(crate) struct Watch {
    store: Arc<Store>,
    selection: Arc<Selection>,
    baseline: Baseline,
    ticks: Interval,
}

impl Watch {
    /// The next frame; the first one at once, its rates without anything to compare with.
    pub(crate) async fn next(&mut self) -> Frame {
        self.ticks.tick().await;
        let now = monotonic();
        self.store.prepare_frames(&[&self.selection], now).await;
        let read = self.store.read(&self.selection, now);
        let frame = frame(
            read.timestamp,
            self.selection.readings(&read, &self.baseline),
        );
        self.baseline = read.into_baseline();
        frame
    }
}

fn frame<'a>(timestamp: u64, readings: impl Iterator<Item = (&'a Column, Reading)>) -> Frame {
    let readings = readings.map(|(column, reading)| (column.metric.id.to_string(), reading));
    Frame::new(timestamp, readings)
}

fn metadata(column: &Column) -> Metadata {
    let metric = &column.metric;
    Metadata {
        name: metric.name.to_string(),
        description: metric.description.to_string(),
        unit: metric.unit.to_string(),
        kind: metric.kind.word().to_owned(),
        source: column.source.to_string(),
        minimum: metric.minimum,
        maximum: metric.maximum,
    }
}
