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
//! No call waits without end: it has 25 s, the start of the service included, or until the time given to
//! [`Bus::within`] is over, and then fails with [`Error::NoAnswer`]. Only frames are waited for as long as they
//! take.

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

/// How a sample is to be taken. What is not set is as the service has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SampleOptions {
    /// The shortest time between the two reads of a rate; 200 ms if it is not set.
    pub window: Option<Duration>,
    /// A reading that is at most this old will do; none is, if it is not set.
    pub max_age: Option<Duration>,
    /// What takes longer than this is a fault; 1 s if it is not set.
    pub timeout: Option<Duration>,
}

/// Options as they are on the bus.
type Options<'a> = HashMap<&'static str, Variant<'a>>;

impl SampleOptions {
    fn options(self) -> Options<'static> {
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

/// What was read at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The moment of reading, in microseconds since the Unix epoch.
    pub timestamp: u64,
    /// Values by id.
    pub readings: BTreeMap<String, Value>,
    /// Why there is no value, by id.
    pub faults: BTreeMap<String, Fault>,
}

/// How a session is to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    /// The time from frame to frame.
    pub interval: Duration,
    /// What the user is shown of the session.
    pub label: String,
    /// Whether it outlives this client, and its frames are broadcast.
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

    fn options(&self) -> Options<'_> {
        let mut options = Options::from([("detached", Variant::from(self.detached))]);
        if !self.label.is_empty() {
            options.insert("label", Variant::from(self.label.as_str()));
        }
        options
    }
}

/// What is known of a metric before it is read.
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
    /// The source it is read from.
    pub source: String,
    /// The smallest value that can occur, if there is one.
    pub minimum: Option<f64>,
    /// The largest value that can occur, if there is one.
    pub maximum: Option<f64>,
}

/// A session of some client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionInfo {
    /// The client's unique name.
    pub owner: String,
    /// What it calls the session.
    pub label: String,
    /// The time from frame to frame.
    pub interval: Duration,
    /// The ids of its columns; none, if it is one of processes.
    pub metrics: Vec<String>,
    /// The fields of its table, if it is one of processes.
    pub fields: Vec<String>,
    /// Frames sent.
    pub frames: u64,
    /// Frames that the client was too slow for.
    pub dropped: u64,
    /// Whether it outlives its client.
    pub detached: bool,
}

/// What is known of a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceInfo {
    /// `ok`, `failing`, `unused` or `off`.
    pub state: String,
    /// How many metrics it has now.
    pub metrics: u32,
    /// How often it was read.
    pub reads: u64,
    /// What that took, in all.
    pub cost: Duration,
    /// What is wrong; empty if nothing is.
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

    /// A client of the process that has the name now, if one has. None of its calls starts another.
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

    /// The bus it is on.
    pub fn bus(&self) -> &Bus {
        &self.bus
    }

    /// The calls as they are on the bus.
    pub fn proxy(&self) -> &Sampler1Proxy<'static> {
        &self.proxy
    }

    /// Metadata of the metrics that the selectors mean, by id; of all, if there is no selector.
    ///
    /// # Errors
    /// [`Error::UnknownMetric`], [`Error::InvalidSelector`].
    pub async fn list(&self, selectors: &[&str]) -> Result<BTreeMap<String, Metadata>, Error> {
        let metrics = self
            .bus
            .call(async || self.proxy.list(selectors).await)
            .await?;
        let metrics = metrics.into_iter();
        Ok(metrics.map(|(id, facts)| (id, metadata(facts))).collect())
    }

    /// One fresh reading, now.
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

    /// Begins to acquire. The frames come to the session that is returned.
    ///
    /// # Errors
    /// [`Error::UnknownMetric`], [`Error::InvalidSelector`], [`Error::InvalidInterval`],
    /// [`Error::LimitExceeded`].
    pub async fn start(&self, selectors: &[&str], start: Start) -> Result<Session, Error> {
        Session::start(self, selectors, start).await
    }

    /// Ends a detached session by its number. Others end with [`Session::stop`].
    ///
    /// # Errors
    /// [`Error::NoSuchSession`], [`Error::NotOwner`].
    pub async fn stop(&self, session: u32) -> Result<(), Error> {
        self.bus.tell(self.proxy.stop(session)).await
    }

    /// The sessions of all clients, by number.
    ///
    /// # Errors
    /// When the bus or the service fails.
    pub async fn sessions(&self) -> Result<BTreeMap<u32, SessionInfo>, Error> {
        let sessions = self.bus.call(async || self.proxy.sessions().await).await?;
        let sessions = sessions.into_iter();
        Ok(sessions
            .map(|(id, facts)| (id, session_info(facts)))
            .collect())
    }

    /// What is read, and what that costs, by the name of the source.
    ///
    /// # Errors
    /// When the bus or the service fails.
    pub async fn sources(&self) -> Result<BTreeMap<String, SourceInfo>, Error> {
        let sources = self.bus.call(async || self.proxy.sources().await).await?;
        let sources = sources.into_iter();
        Ok(sources
            .map(|(name, facts)| (name, source_info(facts)))
            .collect())
    }

    /// Asks the service to leave.
    ///
    /// # Errors
    /// [`Error::Busy`] if other clients have sessions.
    pub async fn quit(&self) -> Result<(), Error> {
        self.bus.tell(self.proxy.quit()).await
    }
}

/// A time as it is on the bus. One that is too long is refused there, whatever it is exactly.
fn microseconds(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// A value of the bus, if it is of a type that readings have.
fn value_of(value: OwnedVariant) -> Option<Value> {
    match &*value {
        Variant::F64(number) => Some(Value::Number(*number)),
        Variant::Str(text) => Some(Value::Text(Arc::from(text.as_str()))),
        _ => None,
    }
}

/// A fault by its code. One that a later service has and this client does not know is no value
/// either.
fn fault_of(code: &str) -> Fault {
    Fault::from_code(code).unwrap_or(Fault::Stale)
}

fn metadata(mut facts: HashMap<String, OwnedVariant>) -> Metadata {
    Metadata {
        name: take(&mut facts, "name").unwrap_or_default(),
        description: take(&mut facts, "description").unwrap_or_default(),
        unit: take(&mut facts, "unit").unwrap_or_default(),
        kind: take(&mut facts, "kind").unwrap_or_default(),
        source: take(&mut facts, "source").unwrap_or_default(),
        minimum: take(&mut facts, "minimum"),
        maximum: take(&mut facts, "maximum"),
    }
}

fn session_info(mut facts: HashMap<String, OwnedVariant>) -> SessionInfo {
    SessionInfo {
        owner: take(&mut facts, "owner").unwrap_or_default(),
        label: take(&mut facts, "label").unwrap_or_default(),
        interval: Duration::from_micros(take(&mut facts, "interval").unwrap_or_default()),
        metrics: take(&mut facts, "metrics").unwrap_or_default(),
        fields: take(&mut facts, "fields").unwrap_or_default(),
        frames: take(&mut facts, "frames").unwrap_or_default(),
        dropped: take(&mut facts, "dropped").unwrap_or_default(),
        detached: take(&mut facts, "detached").unwrap_or_default(),
    }
}

fn source_info(mut facts: HashMap<String, OwnedVariant>) -> SourceInfo {
    SourceInfo {
        state: take(&mut facts, "state").unwrap_or_default(),
        metrics: take(&mut facts, "metrics").unwrap_or_default(),
        reads: take(&mut facts, "reads").unwrap_or_default(),
        cost: Duration::from_micros(take(&mut facts, "cost").unwrap_or_default()),
        error: take(&mut facts, "error").unwrap_or_default(),
    }
}

fn take<T: TryFrom<OwnedVariant>>(
    facts: &mut HashMap<String, OwnedVariant>,
    key: &str,
) -> Option<T> {
    facts.remove(key)?.try_into().ok()
}
