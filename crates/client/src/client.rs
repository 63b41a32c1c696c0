//! The client: typed calls of the service.

use std::{collections::BTreeMap, time::Duration};

use zbus::names::OwnedUniqueName;

use crate::{
    bus::Bus,
    error::Error,
    metadata::Metadata,
    options::{SampleOptions, microseconds},
    proxy::Sampler1Proxy,
    reading::{Fault, Value},
    states::{Reloaded, SessionInfo, SourceInfo},
    variants::{fault_of, value_of},
};

/// A client of the service. The bus starts the service at the first call.
#[derive(Clone, Debug)]
pub struct Client {
    bus: Bus,
    proxy: Sampler1Proxy<'static>,
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

/// The state of a session.
#[derive(Clone, Debug, PartialEq)]
pub struct Description {
    /// The ids of its columns; of a session of processes, the names of the fields.
    pub columns: Vec<String>,
    /// Texts by id.
    pub texts: BTreeMap<String, String>,
    /// Faults of the metrics without a value, by id.
    pub faults: BTreeMap<String, Fault>,
}

/// Past readings of some metrics.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    /// The ids of the columns.
    pub columns: Vec<String>,
    /// The frames, from the oldest to the newest: the timestamp, in microseconds since the Unix epoch, and a value for each
    /// column. NaN is a text, a fault or a gap. Each gap has at least one row.
    pub frames: Vec<(u64, Vec<f64>)>,
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
        match bus.owner_name().await? {
            Some(owner) => Self::of(bus, owner.as_str()).await.map(Some),
            None => Ok(None),
        }
    }

    /// A client of the process with this unique name, such as that of an [`Owner`](crate::Owner).
    ///
    /// # Errors
    /// When the connection is broken, or this is no unique name.
    pub async fn of(bus: Bus, unique_name: &str) -> Result<Self, Error> {
        let owner = OwnedUniqueName::try_from(unique_name)?;
        let proxy = Sampler1Proxy::builder(bus.connection())
            .destination(owner)
            .cache_properties(zbus::proxy::CacheProperties::No)
            .build()
            .await?;
        Ok(Self { bus, proxy })
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
            .map(|(id, properties)| (id, Metadata::new(properties)))
            .collect())
    }

    /// The selectors that match a metric now. At least one does, because no selectors would select all metrics.
    pub(crate) async fn known<'a>(&self, selectors: &[&'a str]) -> Result<Vec<&'a str>, Error> {
        let mut known = Vec::with_capacity(selectors.len());
        let mut last = None;
        for &selector in selectors {
            match self.list(&[selector]).await {
                Ok(_) => known.push(selector),
                Err(error @ Error::UnknownMetric(_)) => last = Some(error),
                Err(error) => return Err(error),
            }
        }
        match last {
            Some(error) if known.is_empty() => Err(error),
            _ => Ok(known),
        }
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

    /// The readings that sessions of all clients have taken of the selected metrics in the last `span`, as far as the service has kept them.
    /// Nothing is read for this.
    ///
    /// # Errors
    /// [`Error::UnknownMetric`], [`Error::InvalidSelector`].
    pub async fn history(&self, selectors: &[&str], span: Duration) -> Result<History, Error> {
        let span = microseconds(span);
        let history = async || self.proxy.history(selectors, span).await;
        let (columns, frames) = self.bus.call(history).await?;
        Ok(History { columns, frames })
    }

    /// Ends a detached session by its number. For other sessions, use [`Session::stop`](crate::Session::stop).
    ///
    /// # Errors
    /// [`Error::NoSuchSession`], [`Error::NotOwner`].
    pub async fn stop(&self, session: u32) -> Result<(), Error> {
        self.bus.call_briefly(self.proxy.stop(session)).await
    }

    /// The state of a session of this connection, or of a detached one, as its signals so far give it.
    ///
    /// # Errors
    /// [`Error::NoSuchSession`], [`Error::NotOwner`].
    pub async fn describe(&self, session: u32) -> Result<Description, Error> {
        let described = self.bus.call(async || self.proxy.describe(session).await);
        let (columns, texts, faults) = described.await?;
        let faults = faults.into_iter();
        Ok(Description {
            columns,
            texts: texts.into_iter().collect(),
            faults: faults.map(|(id, code)| (id, fault_of(&code))).collect(),
        })
    }

    /// The sessions of all clients, by number.
    ///
    /// # Errors
    /// When the bus or the service fails.
    pub async fn sessions(&self) -> Result<BTreeMap<u32, SessionInfo>, Error> {
        let sessions = self.bus.call(async || self.proxy.sessions().await).await?;
        let sessions = sessions.into_iter();
        Ok(sessions
            .map(|(id, properties)| (id, SessionInfo::new(properties)))
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
            .map(|(name, properties)| (name, SourceInfo::new(properties)))
            .collect())
    }

    /// Has the service read its configuration and the user's definitions again, and returns what it has read then.
    ///
    /// # Errors
    /// [`Error::AccessDenied`] in a sandbox, [`Error::UnknownMethod`] of a service of an earlier version.
    pub async fn reload(&self) -> Result<Reloaded, Error> {
        let read = self.bus.call(async || self.proxy.reload().await).await?;
        Ok(Reloaded::new(read))
    }

    /// Asks the service to end.
    ///
    /// # Errors
    /// [`Error::Busy`] if other clients have sessions.
    pub async fn quit(&self) -> Result<(), Error> {
        self.bus.call_briefly(self.proxy.quit()).await
    }
}
