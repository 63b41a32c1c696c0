//! The service without a bus: this process reads the sources itself.
//!
//! The methods and types are those of [`client`](crate::client), so that a program can use either. The limits, the errors
//! and the sessions are those of the [service], because it is the same code:
//!
//! ```
//! use sampled::{Local, client::SampleOptions, reading::Value};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
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
//! The readings are not shared with other processes, and no past is kept. The methods need a tokio runtime with its timer, and
//! [`Local::start`] one that waits for descriptors, too: it takes the frames in a task of that runtime.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use sampled_client::{
    Columns, Error, Frame, Metadata, Sample, SampleOptions, SourceInfo, Start, StreamOptions,
};

use crate::{
    metric::Metric,
    process::{Group, Query, Row, Sum},
    sample::SampleTiming,
    service::{
        self, CallError, InProcess, OwnSession, SessionEvent, Settings, StartOptions,
        checked_label, timing,
    },
    source::Roots,
    store::SourceState,
};

/// The service in this process. Opens no file before a call needs it.
pub struct Local {
    service: Arc<InProcess>,
}

/// Processes or sums over them, with the moment at which they were read.
#[derive(Clone, Debug, PartialEq)]
pub struct ProcessTable<T> {
    /// In microseconds since the Unix epoch.
    pub timestamp: u64,
    /// In the order of the query.
    pub rows: Vec<T>,
}

impl Default for Local {
    /// Reads this machine's `/proc` and `/sys`, without custom metrics.
    fn default() -> Self {
        Self::new(&Roots::default(), Settings::default())
    }
}

impl Local {
    /// Reads the files below these roots. Of the settings, it uses the limits, the sources, and those that are off.
    pub fn new(roots: &Roots, settings: Settings) -> Self {
        Self {
            service: InProcess::new(roots, settings),
        }
    }

    /// The metadata of the selected metrics, by id; of all metrics without a selector.
    ///
    /// # Errors
    /// [`Error::UnknownMetric`], [`Error::InvalidSelector`], [`Error::LimitExceeded`].
    pub async fn list(&self, selectors: &[&str]) -> Result<BTreeMap<String, Metadata>, Error> {
        let catalog = self.service.list(selectors).await?;
        let entries = catalog.0.into_iter();
        Ok(entries
            .map(|(metric, source)| (metric.id.to_string(), metadata(&metric, &source)))
            .collect())
    }

    /// One fresh reading of the selected metrics.
    ///
    /// # Errors
    /// Those of [`list`](Self::list); [`Error::InvalidInterval`] for the window.
    pub async fn sample(
        &self,
        selectors: &[&str],
        options: SampleOptions,
    ) -> Result<Sample, Error> {
        let options = service::SampleOptions {
            timing: timing_of(options)?,
            is_optional: options.optional,
        };
        let sampled = self.service.sample(selectors, options).await?;
        let readings = sampled.readings.0.into_iter();
        let faults = sampled.faults.0.into_iter();
        Ok(Sample {
            timestamp: sampled.timestamp,
            readings: readings
                .map(|(id, value)| (id.to_string(), value))
                .collect(),
            faults: faults.map(|(id, fault)| (id.to_string(), fault)).collect(),
        })
    }

    /// Starts a session. It is not detached: it belongs to this process, which keeps no history.
    ///
    /// # Errors
    /// Those of [`list`](Self::list); [`Error::InvalidInterval`].
    pub async fn start(&self, selectors: &[&str], start: Start) -> Result<Session, Error> {
        let options = start_options(start.label, start.optional)?;
        let interval = microseconds(start.interval);
        let session = self.service.start(selectors, interval, options).await?;
        Ok(Session::new(session))
    }

    /// Starts a session with the intervals and the columns of a stream. Its frames come as those of
    /// [`start`](Self::start), with their texts and faults.
    ///
    /// # Errors
    /// Those of [`start`](Self::start); [`Error::InvalidArgs`] if no selector matches a metric.
    pub async fn open(&self, selectors: &[&str], options: StreamOptions) -> Result<Session, Error> {
        let interval = microseconds(options.interval);
        let options = start_options(options.label, options.optional)?;
        let session = self.service.open(selectors, interval, options).await?;
        Ok(Session::new(session))
    }

    /// The states and costs of the sources, by name.
    pub async fn sources(&self) -> BTreeMap<String, SourceInfo> {
        let sources = self.service.sources().await.into_iter();
        sources
            .map(|source| (source.name.to_string(), source_info(source)))
            .collect()
    }

    /// The processes that a query selects.
    ///
    /// # Errors
    /// [`Error::InvalidInterval`] for the window; [`Error::LimitExceeded`] for a pattern; [`Error::AccessDenied`] if the settings
    /// switch the table off; [`Error::Timeout`].
    pub async fn processes(
        &self,
        query: &Query,
        options: SampleOptions,
    ) -> Result<ProcessTable<Row>, Error> {
        let taken = self.service.rows(query, timing_of(options)?).await?;
        let timestamp = taken.table.pass.stamp.realtime;
        let mut rows = taken.table.rows.clone();
        for reading in rows.iter_mut().flat_map(|row| &mut row.values) {
            *reading = reading.clone().map_err(|fault| taken.fault(fault));
        }
        Ok(ProcessTable { timestamp, rows })
    }

    /// Sums over the processes that a query selects, by group.
    ///
    /// # Errors
    /// Those of [`processes`](Self::processes).
    pub async fn sums(
        &self,
        by: Group,
        query: &Query,
        options: SampleOptions,
    ) -> Result<ProcessTable<Sum>, Error> {
        let taken = self.service.sums(by, query, timing_of(options)?).await?;
        let timestamp = taken.table.pass.stamp.realtime;
        let mut rows = taken.table.groups.clone();
        for sum in &mut rows {
            sum.name = sum.name.clone().map_err(|fault| taken.fault(fault));
            for total in &mut sum.values {
                total.fault = total.fault.map(|fault| taken.fault(fault));
            }
        }
        Ok(ProcessTable { timestamp, rows })
    }
}

/// A session in this process. It ends when it is dropped.
///
/// While its frames are not taken, a few of them are kept, and then the others dropped.
pub struct Session {
    session: OwnSession,
    columns: Columns,
}

impl Session {
    fn new(session: OwnSession) -> Self {
        let ids = session.columns.iter().map(|id| id.to_string());
        Self {
            columns: Columns::new(ids.collect()),
            session,
        }
    }

    /// The ids of the columns, as of the last frame.
    pub fn columns(&self) -> &[String] {
        self.columns.ids()
    }

    /// The next frame. Cancel safe: dropping the future loses no frame.
    ///
    /// # Errors
    /// [`Error::Ended`], once the session is over, because of a bug.
    pub async fn next(&mut self) -> Result<Frame, Error> {
        loop {
            match self.session.next().await {
                SessionEvent::Sampled(timestamp, values) => {
                    return Ok(self.columns.frame(timestamp, values.to_vec()));
                }
                SessionEvent::Changed(differences) => {
                    let columns = differences.columns.iter();
                    let columns = columns.flat_map(|selection| &selection.columns);
                    let ids = columns.map(|column| column.metric.id.to_string());
                    let texts = differences.texts.iter();
                    let texts = texts.map(|(id, text)| (&**id, &**text));
                    let faults = differences.faults.iter();
                    let faults = faults.map(|(id, fault)| (&**id, *fault));
                    self.columns.change(ids.collect(), texts, faults);
                }
                SessionEvent::Ended(reason) => return Err(Error::Ended(reason.to_owned())),
                SessionEvent::Processes(_) | SessionEvent::Crossed(_) => {}
            }
        }
    }
}

/// The error of a call, as a client gets it.
impl From<CallError> for Error {
    fn from(error: CallError) -> Self {
        let message = error.to_string();
        Self::named(error.name(), &*message).unwrap_or(Self::Failed(message))
    }
}

/// The times of a call, in the unit of the bus.
fn timing_of(options: SampleOptions) -> Result<SampleTiming, CallError> {
    let on_bus = |time: Option<Duration>| Some(Duration::from_micros(microseconds(time?)));
    timing(
        on_bus(options.window),
        on_bus(options.max_age),
        on_bus(options.timeout),
    )
}

fn start_options(label: String, is_optional: bool) -> Result<StartOptions, CallError> {
    Ok(StartOptions {
        label: checked_label(label)?,
        is_optional,
        ..StartOptions::default()
    })
}

/// A duration on the bus. An overflow becomes the maximum, which the service refuses as too long.
fn microseconds(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

fn metadata(metric: &Metric, source: &str) -> Metadata {
    Metadata {
        name: metric.name.to_string(),
        short: metric.short().to_owned(),
        description: metric.description.to_string(),
        formula: metric.formula_text.to_string(),
        object: metric.object.title.to_string(),
        group: metric.object.group.as_str().to_owned(),
        unit: metric.unit.to_string(),
        kind: metric.kind.as_str().to_owned(),
        source: source.to_owned(),
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
        path: source.path,
    }
}
