//! The client of the table of processes.

mod options;
mod proxy;
mod snapshot;
mod table;

use std::collections::{BTreeMap, HashMap};

use zbus::OwnedVariant;

use crate::{
    bus::Bus,
    error::Error,
    options::{SampleOptions, Start},
    variants::take,
};
use options::options_dict;
use snapshot::sum;
use table::rows;

pub use options::TableOptions;
pub use proxy::Processes1Proxy;
pub use snapshot::{Snapshot, Sum, Sums};
pub use table::{Change, Row, TableSession};

/// A client of the table of processes. The bus starts the service at the first call.
///
/// ```no_run
/// # async fn example() -> Result<(), sampled_client::Error> {
/// use sampled_client::{TableOptions, Processes, Start};
///
/// let processes = Processes::connect().await?;
/// let five = TableOptions::default().ordered_by("-cpu").limited_to(5);
/// let every = Start::every_millis(1000);
/// let mut top = processes.start(&["name", "cpu"], &five, every).await?;
/// for _ in 0..10 {
///     let change = top.next().await?;
///     println!("{} new, {} gone", change.came.len(), change.gone.len());
///     for (pid, row) in top.rows() {
///         println!("{pid}: {row:?}");
///     }
/// }
/// top.stop().await
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Processes {
    bus: Bus,
    proxy: Processes1Proxy<'static>,
}

/// The metadata of a field of processes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldInfo {
    /// Its meaning, in a sentence.
    pub description: String,
    /// Its file in `/proc`, and the formula in words.
    pub formula: String,
    /// The unit, in UCUM; empty for a text.
    pub unit: String,
    /// Whether it is a text; otherwise it is a number.
    pub is_text: bool,
    /// Whether a sum over several processes makes sense.
    pub is_summable: bool,
}

impl Processes {
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
        let proxy = Processes1Proxy::builder(bus.connection())
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
    pub fn proxy(&self) -> &Processes1Proxy<'static> {
        &self.proxy
    }

    /// The fields of processes, by name.
    ///
    /// # Errors
    /// When the bus or the service fails.
    pub async fn fields(&self) -> Result<BTreeMap<String, FieldInfo>, Error> {
        let fields = self.bus.call(async || self.proxy.fields().await).await?;
        let info = |mut properties: HashMap<String, OwnedVariant>| FieldInfo {
            description: take(&mut properties, "description").unwrap_or_default(),
            formula: take(&mut properties, "formula").unwrap_or_default(),
            unit: take(&mut properties, "unit").unwrap_or_default(),
            is_text: take::<String>(&mut properties, "kind").is_some_and(|kind| kind == "text"),
            is_summable: take(&mut properties, "summable").unwrap_or_default(),
        };
        let fields = fields.into_iter();
        Ok(fields
            .map(|(name, properties)| (name, info(properties)))
            .collect())
    }

    /// Reads the table once. No fields select the default ones.
    ///
    /// # Errors
    /// [`Error::UnknownField`], [`Error::InvalidInterval`], [`Error::Timeout`].
    pub async fn snapshot(
        &self,
        fields: &[&str],
        table: &TableOptions,
        options: SampleOptions,
    ) -> Result<Snapshot, Error> {
        let options = options_dict(table, options);
        let (timestamp, columns, values, faults, mut details) = self
            .bus
            .call(async || self.proxy.snapshot(fields, &options).await)
            .await?;
        Ok(Snapshot {
            timestamp,
            rows: rows(&columns, values.iter().map(|column| &**column), &faults)?,
            columns,
            total: take(&mut details, "total").unwrap_or_default(),
            matched: take(&mut details, "matched").unwrap_or_default(),
            boot_time: take(&mut details, "boot_time").unwrap_or_default(),
        })
    }

    /// Reads sums over the groups by `application`, `unit` or `user` once. No fields select the default ones.
    ///
    /// # Errors
    /// [`Error::UnknownField`], [`Error::InvalidInterval`], [`Error::Timeout`].
    pub async fn sums(
        &self,
        by: &str,
        fields: &[&str],
        table: &TableOptions,
        options: SampleOptions,
    ) -> Result<Sums, Error> {
        let options = options_dict(table, options);
        let (timestamp, columns, values, faults, mut details) = self
            .bus
            .call(async || self.proxy.sums(by, fields, &options).await)
            .await?;
        let all = rows(
            &columns,
            values.iter().map(|column| &**column),
            &HashMap::new(),
        )?;
        let all = all.into_iter().enumerate();
        let groups = all.map(|(index, row)| sum(&columns, index, row, &faults));
        Ok(Sums {
            timestamp,
            groups: groups.collect::<Result<_, _>>()?,
            columns: columns.into_iter().skip(2).collect(),
            total: take(&mut details, "total").unwrap_or_default(),
            matched: take(&mut details, "matched").unwrap_or_default(),
        })
    }

    /// Starts a session, which keeps its table up to date.
    ///
    /// # Errors
    /// [`Error::UnknownField`], [`Error::InvalidInterval`], [`Error::LimitExceeded`].
    pub async fn start(
        &self,
        fields: &[&str],
        table: &TableOptions,
        start: Start,
    ) -> Result<TableSession, Error> {
        TableSession::start(self, fields, table, start).await
    }

    /// Ends a detached session by its number. For other sessions, use [`TableSession::stop`].
    ///
    /// # Errors
    /// [`Error::NoSuchSession`], [`Error::NotOwner`].
    pub async fn stop(&self, session: u32) -> Result<(), Error> {
        self.bus.call_briefly(self.proxy.stop(session)).await
    }

    /// Sends a signal (15, SIGTERM, asks a process to end; 9, SIGKILL, ends it) to the process with this pid, if its
    /// field `start_time` has this value.
    ///
    /// # Errors
    /// [`Error::NoSuchProcess`], [`Error::AccessDenied`].
    pub async fn end(&self, pid: u32, start_time: u64, signal: i32) -> Result<(), Error> {
        self.bus
            .call(async || self.proxy.end(pid, start_time, signal).await)
            .await
    }
}
