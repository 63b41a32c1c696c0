//! Readings without a bus: this process reads the sources itself.
//!
//! The methods and types are those of [`client`](crate::client), so that a program can use either:
//!
//! ```
//! use sampled::{Local, client::SampleOptions, reading::Value};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
//! # runtime.block_on(async {
//! let local = Local::default();
//! let id = "cpu/loadaverages/loadaverage1";
//! let about = &local.list(&[id]).await?[id];
//! let sample = local.sample(&[id], SampleOptions::default()).await?;
//! let Value::Number(load) = sample.readings[id] else {
//!     panic!("the load is a number");
//! };
//! println!("{}: {load}", about.name);
//! # assert!(load >= 0.0);
//! # Ok(())
//! # })
//! # }
//! ```
//!
//! The readings are not shared with other processes. The methods need a tokio runtime with its timer.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use sampled_client::{Error, Frame, Metadata, Sample, SampleOptions, SourceInfo, Start};
use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::{
    duration,
    reading::{Fault, Stamp, Value},
    sample,
    source::Roots,
    sources::{self, SourceOptions},
    store::{self, Baseline, Column, Resolution, Selection, SourceState, Store},
};

/// The sources, read in this process. Opens no file before a call needs it.
pub struct Local {
    store: Arc<Store>,
}

impl Default for Local {
    /// Reads this machine's `/proc` and `/sys`, without custom metrics.
    fn default() -> Self {
        Self::new(&Roots::default(), &SourceOptions::default())
    }
}

impl Local {
    /// Reads the files below these roots.
    pub fn new(roots: &Roots, options: &SourceOptions) -> Self {
        let store = Store::new(sources::all_with(roots, options));
        Self {
            store: Arc::new(store),
        }
    }

    /// Switches these sources off, by name, and all others on. Returns the names that no source has.
    pub fn switch_off(&self, names: &[String]) -> Vec<String> {
        self.store.switch_off(names)
    }

    /// The metadata of the selected metrics, by id; of all metrics without a selector.
    ///
    /// # Errors
    /// [`Error::UnknownMetric`], [`Error::InvalidSelector`].
    pub async fn list(&self, selectors: &[&str]) -> Result<BTreeMap<String, Metadata>, Error> {
        let selection = self.select(Resolution::new(selectors)).await?;
        let columns = selection.columns.iter();
        Ok(columns
            .map(|column| (column.metric.id.to_string(), metadata(column)))
            .collect())
    }

    /// One fresh reading of the selected metrics.
    ///
    /// # Errors
    /// [`Error::UnknownMetric`], [`Error::InvalidSelector`].
    pub async fn sample(
        &self,
        selectors: &[&str],
        options: SampleOptions,
    ) -> Result<Sample, Error> {
        let resolution = Resolution::new(selectors).optional(options.optional);
        let selection = self.select(resolution).await?;
        let default = sample::SampleTiming::default();
        let options = sample::SampleTiming {
            window: options.window.unwrap_or(default.window),
            max_age: options.max_age.unwrap_or(default.max_age),
            timeout: options.timeout.unwrap_or(default.timeout),
        };
        let taken = sample::Sample::take(&self.store, &selection, options).await;
        let mut sample = Sample {
            timestamp: taken.timestamp(),
            readings: BTreeMap::new(),
            faults: BTreeMap::new(),
        };
        for (column, reading) in taken.readings(&selection) {
            let id = column.metric.id.to_string();
            match reading {
                Ok(value) => drop(sample.readings.insert(id, value)),
                Err(fault) => drop(sample.faults.insert(id, fault)),
            }
        }
        Ok(sample)
    }

    /// Starts a session. Its label is not shown, and it is not detached: it belongs to this process.
    ///
    /// # Errors
    /// [`Error::UnknownMetric`], [`Error::InvalidSelector`]; [`Error::InvalidInterval`] if the interval is 0 or
    /// longer than a year.
    pub async fn start(&self, selectors: &[&str], start: Start) -> Result<Session, Error> {
        let every = start.interval;
        if every.is_zero() || every > duration::LONGEST {
            let what = format!("{every:?}: an interval is longer than 0 and at most a year");
            return Err(Error::InvalidInterval(what));
        }
        let resolution = Resolution::new(selectors).optional(start.optional);
        let mut ticks = interval(every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        Ok(Session {
            store: self.store.clone(),
            selection: self.select(resolution).await?,
            baseline: Baseline::new(),
            interval: every,
            ticks,
            last: None,
            behind_gap: None,
        })
    }

    /// The states and costs of the sources, by name.
    pub async fn sources(&self) -> BTreeMap<String, SourceInfo> {
        self.store.rediscover_definitions(true).await;
        let sources = self.store.sources().into_iter();
        sources
            .map(|source| (source.name.to_string(), source_info(source)))
            .collect()
    }

    async fn select(&self, resolution: Resolution<'_>) -> Result<Arc<Selection>, Error> {
        let selected = self.store.finish_resolution(resolution).await;
        selected.map_err(|error| match error {
            store::Error::Invalid(_) => Error::InvalidSelector(error.to_string()),
            store::Error::Unknown { .. } => Error::UnknownMetric(error.to_string()),
        })
    }
}

/// A session in this process. It ends when it is dropped.
///
/// Its columns are the metrics that were selected at the start.
pub struct Session {
    store: Arc<Store>,
    selection: Arc<Selection>,
    baseline: Baseline,
    interval: Duration,
    ticks: Interval,
    /// The moment of the last frame, and its timestamp.
    last: Option<(Stamp, u64)>,
    /// The frame that follows the gap.
    behind_gap: Option<Frame>,
}

impl Session {
    /// The next frame. The first one comes at once, its rates without a baseline. After a suspend, and after the clock was
    /// set, there is a gap first: a frame in which all numbers are [`Fault::Gap`].
    pub async fn next(&mut self) -> Frame {
        if let Some(frame) = self.behind_gap.take() {
            return frame;
        }
        self.ticks.tick().await;
        let now = Stamp::now();
        let frame = self.read(now.monotonic).await;
        let gap = self.last.and_then(|(last, timestamp)| {
            let gap = last.gap_until(now, self.interval)?;
            Some(gap.max(timestamp.saturating_add(1)))
        });
        self.last = Some((now, frame.timestamp));
        let Some(timestamp) = gap else {
            return frame;
        };
        let readings = frame.readings().map(|(id, reading)| {
            let gap = match reading {
                Ok(Value::Text(text)) => Ok(Value::Text(text)),
                Ok(Value::Number(_)) | Err(_) => Err(Fault::Gap),
            };
            (id.to_owned(), gap)
        });
        let gap = Frame::new(timestamp, readings);
        self.behind_gap = Some(frame);
        gap
    }

    async fn read(&mut self, now: Duration) -> Frame {
        self.store.prefetch_frames(&[&self.selection], now).await;
        let read = self.store.read(&self.selection, now);
        let readings = self.selection.readings(&read, &self.baseline);
        let readings = readings.map(|(column, reading)| (column.metric.id.to_string(), reading));
        let frame = Frame::new(read.timestamp, readings);
        self.baseline = read.into_baseline_after(&self.baseline);
        frame
    }
}

fn metadata(column: &Column) -> Metadata {
    let metric = &column.metric;
    Metadata {
        name: metric.name.to_string(),
        short: metric.short().to_owned(),
        description: metric.description.to_string(),
        formula: metric.formula_text.to_string(),
        object: metric.object.title.to_string(),
        group: metric.object.group.as_str().to_owned(),
        unit: metric.unit.to_string(),
        kind: metric.kind.as_str().to_owned(),
        source: column.source.to_string(),
        precision: metric.precision.map(u32::from),
        minimum: metric.minimum,
        maximum: metric.maximum,
        warning: metric.limits.warning,
        critical: metric.limits.critical,
        lower_limits: metric.limits.are_lower,
        is_virtual: metric.object.is_virtual,
    }
}

fn source_info(source: SourceState) -> SourceInfo {
    SourceInfo {
        state: source.state.to_owned(),
        metrics: source.metrics,
        reads: source.reads,
        cost: source.cost,
        error: source.error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_gap_comes_before_the_first_frame_after_a_suspend() {
        const TOTAL: &str = "memory/physical/total";
        const NAME: &str = "os/kernel/name";
        let local = Local::default();
        let started = local.start(&[TOTAL, NAME], Start::every_millis(10)).await;
        let mut session = started.unwrap();
        let first = session.next().await;
        let before = session.next().await;
        assert_eq!(before.reading(TOTAL), first.reading(TOTAL));
        // An earlier CLOCK_BOOTTIME beside the same CLOCK_MONOTONIC: the machine was suspended since.
        if let Some((last, _)) = &mut session.last {
            last.boottime = last.boottime.saturating_sub(Duration::from_secs(1));
        }
        let gap = session.next().await;
        assert_eq!(gap.reading(TOTAL), Some(Err(Fault::Gap)));
        assert_eq!(gap.reading(NAME), before.reading(NAME));
        let fresh = session.next().await;
        assert_eq!(fresh.reading(TOTAL), before.reading(TOTAL));
        assert!(before.timestamp < gap.timestamp && gap.timestamp < fresh.timestamp);
        assert_eq!(session.next().await.reading(TOTAL), fresh.reading(TOTAL));
    }
}
