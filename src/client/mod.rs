//! The client: typed calls of the service, and its frames as a stream.
//!
//! ```no_run
//! # async fn example() -> Result<(), sampled::client::Error> {
//! use sampled::client::{Client, Start};
//!
//! let client = Client::connect().await?;
//! let mut session = client.start(&["cpu/*/usage"], Start::every_millis(500)).await?;
//! for _ in 0..5 {
//!     let frame = session.next().await?;
//!     for (id, reading) in frame.readings() {
//!         println!("{id}: {reading:?}");
//!     }
//! }
//! session.stop().await
//! # }
//! ```
//!
//! Every call has a deadline: 25 s, including the start of the service, or the time given to [`Bus::within`]. Then it
//! fails with [`Error::NoAnswer`]. Only the wait for the next frame has no deadline.

mod bus;
mod deadline;
mod error;
mod processes;
mod proxy;
mod sandbox;
mod session;
mod signals;
mod systemd;

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use zbus::{OwnedVariant, Variant};

use crate::reading::{Fault, Value};

pub use bus::Bus;
pub use deadline::Unresponsive;
pub use error::Error;
pub use processes::{
    Change, FieldInfo, Processes, Processes1Proxy, Row, Snapshot, Sum, Sums, TableOptions,
    TableSession,
};
pub use proxy::Sampler1Proxy;
pub use sandbox::Sandbox;
pub use session::{Frame, Session};

/// A client of the service. The bus starts the service at the first call.
#[derive(Clone, Debug)]
pub struct Client {
    bus: Bus,
    proxy: Sampler1Proxy<'static>,
}

/// The options of a sample. The service has defaults for those that are `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SampleOptions {
    /// The shortest time between the two reads of a rate; 200 ms by default.
    pub window: Option<Duration>,
    /// The greatest age of an acceptable reading; 0 by default.
    pub max_age: Option<Duration>,
    /// A metric that takes longer is a fault `timeout`; 1 s by default.
    pub timeout: Option<Duration>,
}

/// Options on the bus, `a{sv}`.
type OptionsDict<'a> = HashMap<&'static str, Variant<'a>>;

impl SampleOptions {
    fn options(self) -> OptionsDict<'static> {
        let given = [
            ("window", self.window),
            ("max_age", self.max_age),
            ("timeout", self.timeout),
        ];
        let given = given
            .into_iter()
            .filter_map(|(key, time)| Some((key, time?)));
        given
            .map(|(key, time)| (key, Variant::from(microseconds(time))))
            .collect()
    }
}

/// The readings of one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The moment of reading, in microseconds since the Unix epoch.
    pub timestamp: u64,
    /// Values by id.
    pub readings: BTreeMap<String, Value>,
    /// Faults of the metrics without a value, by id.
    pub faults: BTreeMap<String, Fault>,
}

/// The options of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    /// The time from frame to frame.
    pub interval: Duration,
    /// A label that is shown to the user.
    pub label: String,
    /// Whether the session outlives this client and broadcasts its frames.
    pub detached: bool,
}

impl Start {
    /// A session without a label, which ends with its client.
    pub fn every(interval: Duration) -> Self {
        Self {
            interval,
            label: String::new(),
            detached: false,
        }
    }

    /// The same, in milliseconds.
    pub fn every_millis(milliseconds: u64) -> Self {
        Self::every(Duration::from_millis(milliseconds))
    }

    fn options(&self) -> OptionsDict<'_> {
        let mut options = OptionsDict::from([("detached", Variant::from(self.detached))]);
        if !self.label.is_empty() {
            options.insert("label", Variant::from(self.label.as_str()));
        }
        options
    }
}

/// The metadata of a metric.
#[derive(Clone, Debug, PartialEq)]
pub struct Metadata {
    /// A short name for a person, in English.
    pub name: String,
    /// What the number means, in a sentence.
    pub description: String,
    /// The unit, in UCUM; empty for a text.
    pub unit: String,
    /// `gauge`, `rate`, `total` or `text`.
    pub kind: String,
    /// The source that reads it.
    pub source: String,
    /// The smallest possible value, if known.
    pub minimum: Option<f64>,
    /// The largest possible value, if known.
    pub maximum: Option<f64>,
}

/// A session of any client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionInfo {
    /// The client's unique name.
    pub owner: String,
    /// The label.
    pub label: String,
    /// The time from frame to frame.
    pub interval: Duration,
    /// The ids of its columns; empty for a session of processes.
    pub metrics: Vec<String>,
    /// The fields of its table, for a session of processes.
    pub fields: Vec<String>,
    /// The number of frames sent.
    pub frames: u64,
    /// The number of frames dropped because the client was too slow.
    pub dropped: u64,
    /// Whether it outlives its client.
    pub detached: bool,
}

/// The state of a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceInfo {
    /// `ok`, `failing`, `unused` or `off`.
    pub state: String,
    /// The number of its metrics now.
    pub metrics: u32,
    /// The number of reads.
    pub reads: u64,
    /// The CPU time of all reads.
    pub cost: Duration,
    /// The error; empty if there is none.
    pub error: String,
}

impl Client {
    /// Connects to the session bus. The service is not started yet.
    ///
    /// # Errors
    /// [`Error::NoBus`] if there is none.
    pub async fn connect() -> Result<Self, Error> {
        Self::on(Bus::session().await?).await
    }

    /// A client on a bus.
    ///
    /// # Errors
    /// When the connection is broken.
    pub async fn on(bus: Bus) -> Result<Self, Error> {
        let proxy = Sampler1Proxy::builder(bus.connection())
            .cache_properties(zbus::proxy::CacheProperties::No)
            .build()
            .await?;
        Ok(Self { bus, proxy })
    }

    /// A client of the process that owns the name now, if there is one. Its calls never start another process.
    ///
    /// # Errors
    /// When the connection is broken.
    pub async fn of_owner(bus: Bus) -> Result<Option<Self>, Error> {
        let Some(owner) = bus.owner_name().await? else {
            return Ok(None);
        };
        let proxy = Sampler1Proxy::builder(bus.connection())
            .destination(owner)
            .cache_properties(zbus::proxy::CacheProperties::No)
            .build()
            .await?;
        Ok(Some(Self { bus, proxy }))
    }

    /// The bus.
    pub fn bus(&self) -> &Bus {
        &self.bus
    }

    /// The proxy of the interface.
    pub fn proxy(&self) -> &Sampler1Proxy<'static> {
        &self.proxy
    }

    /// The metadata of the selected metrics, by id. No selectors select all metrics.
    ///
    /// # Errors
    /// [`Error::UnknownMetric`], [`Error::InvalidSelector`].
    pub async fn list(&self, selectors: &[&str]) -> Result<BTreeMap<String, Metadata>, Error> {
        let metrics = self
            .bus
            .call(async || self.proxy.list(selectors).await)
            .await?;
        let metrics = metrics.into_iter();
        Ok(metrics
            .map(|(id, properties)| (id, metadata(properties)))
            .collect())
    }

    /// Reads the selected metrics once, now.
    ///
    /// # Errors
    /// [`Error::UnknownMetric`], [`Error::InvalidSelector`], [`Error::InvalidInterval`].
    pub async fn sample(
        &self,
        selectors: &[&str],
        options: SampleOptions,
    ) -> Result<Sample, Error> {
        let options = options.options();
        let (timestamp, readings, faults) = self
            .bus
            .call(async || self.proxy.sample(selectors, &options).await)
            .await?;
        let readings = readings.into_iter();
        let faults = faults.into_iter();
        Ok(Sample {
            timestamp,
            readings: readings
                .filter_map(|(id, value)| Some((id, value_of(value)?)))
                .collect(),
            faults: faults.map(|(id, code)| (id, fault_of(&code))).collect(),
        })
    }

    /// Starts a session, which receives the frames.
    ///
    /// # Errors
    /// [`Error::UnknownMetric`], [`Error::InvalidSelector`], [`Error::InvalidInterval`],
    /// [`Error::LimitExceeded`].
    pub async fn start(&self, selectors: &[&str], start: Start) -> Result<Session, Error> {
        Session::start(self, selectors, start).await
    }

    /// Ends a detached session by its number. For other sessions, use [`Session::stop`].
    ///
    /// # Errors
    /// [`Error::NoSuchSession`], [`Error::NotOwner`].
    pub async fn stop(&self, session: u32) -> Result<(), Error> {
        self.bus.call_briefly(self.proxy.stop(session)).await
    }

    /// The sessions of all clients, by number.
    ///
    /// # Errors
    /// When the bus or the service fails.
    pub async fn sessions(&self) -> Result<BTreeMap<u32, SessionInfo>, Error> {
        let sessions = self.bus.call(async || self.proxy.sessions().await).await?;
        let sessions = sessions.into_iter();
        Ok(sessions
            .map(|(id, properties)| (id, session_info(properties)))
            .collect())
    }

    /// The sources, their states and costs, by name.
    ///
    /// # Errors
    /// When the bus or the service fails.
    pub async fn sources(&self) -> Result<BTreeMap<String, SourceInfo>, Error> {
        let sources = self.bus.call(async || self.proxy.sources().await).await?;
        let sources = sources.into_iter();
        Ok(sources
            .map(|(name, properties)| (name, source_info(properties)))
            .collect())
    }

    /// Asks the service to end.
    ///
    /// # Errors
    /// [`Error::Busy`] if other clients have sessions.
    pub async fn quit(&self) -> Result<(), Error> {
        self.bus.call_briefly(self.proxy.quit()).await
    }
}

/// A duration on the bus. An overflow becomes the maximum, which the service refuses as too long.
fn microseconds(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// A value from the bus, if its type is that of a reading.
fn value_of(value: OwnedVariant) -> Option<Value> {
    match &*value {
        Variant::F64(number) => Some(Value::Number(*number)),
        Variant::Str(text) => Some(Value::Text(Arc::from(text.as_str()))),
        _ => None,
    }
}

/// A fault by its code. An unknown code, of a later service, becomes `Stale`: it is not a value either.
fn fault_of(code: &str) -> Fault {
    Fault::from_code(code).unwrap_or(Fault::Stale)
}

fn metadata(mut properties: HashMap<String, OwnedVariant>) -> Metadata {
    Metadata {
        name: take(&mut properties, "name").unwrap_or_default(),
        description: take(&mut properties, "description").unwrap_or_default(),
        unit: take(&mut properties, "unit").unwrap_or_default(),
        kind: take(&mut properties, "kind").unwrap_or_default(),
        source: take(&mut properties, "source").unwrap_or_default(),
        minimum: take(&mut properties, "minimum"),
        maximum: take(&mut properties, "maximum"),
    }
}

fn session_info(mut properties: HashMap<String, OwnedVariant>) -> SessionInfo {
    SessionInfo {
        owner: take(&mut properties, "owner").unwrap_or_default(),
        label: take(&mut properties, "label").unwrap_or_default(),
        interval: Duration::from_micros(take(&mut properties, "interval").unwrap_or_default()),
        metrics: take(&mut properties, "metrics").unwrap_or_default(),
        fields: take(&mut properties, "fields").unwrap_or_default(),
        frames: take(&mut properties, "frames").unwrap_or_default(),
        dropped: take(&mut properties, "dropped").unwrap_or_default(),
        detached: take(&mut properties, "detached").unwrap_or_default(),
    }
}

fn source_info(mut properties: HashMap<String, OwnedVariant>) -> SourceInfo {
    SourceInfo {
        state: take(&mut properties, "state").unwrap_or_default(),
        metrics: take(&mut properties, "metrics").unwrap_or_default(),
        reads: take(&mut properties, "reads").unwrap_or_default(),
        cost: Duration::from_micros(take(&mut properties, "cost").unwrap_or_default()),
        error: take(&mut properties, "error").unwrap_or_default(),
    }
}

fn take<T: TryFrom<OwnedVariant>>(
    properties: &mut HashMap<String, OwnedVariant>,
    key: &str,
) -> Option<T> {
    properties.remove(key)?.try_into().ok()
}
