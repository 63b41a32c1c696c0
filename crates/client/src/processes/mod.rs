//! The client of the table of processes.

mod proxy;
mod table;

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use zbus::{OwnedVariant, Variant};

use crate::{
    bus::Bus,
    error::Error,
    options::{OptionsDict, SampleOptions, Start},
    reading::{Fault, Value},
    variants::{fault_of, take},
};
pub use proxy::Processes1Proxy;
pub use table::{Change, Row, TableSession};
use table::{RowFaults, invalid, rows};

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

/// The options of a table: filter, order and limit of its rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableOptions {
    /// The field to order by, with `-` before it for the largest first; pid by default.
    pub order: Option<String>,
    /// The greatest number of rows.
    pub limit: Option<u32>,
    /// Patterns by field: a text with `*` for anything, or a number, perhaps behind `>=`, `<=`, `>` or `<`.
    pub filter: BTreeMap<String, String>,
}

/// The metadata of a field of processes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldInfo {
    /// Its meaning, in a sentence.
    pub description: String,
    /// The unit, in UCUM; empty for a text.
    pub unit: String,
    /// Whether it is a text; otherwise it is a number.
    pub is_text: bool,
    /// Whether a sum over several processes makes sense.
    pub is_summable: bool,
}

/// A table of processes at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// The moment of reading, in microseconds since the Unix epoch.
    pub timestamp: u64,
    /// The names of the columns.
    pub columns: Vec<String>,
    /// The rows, in the requested order.
    pub rows: Vec<Row>,
    /// The number of all processes.
    pub total: u32,
    /// The number of processes that match the filter, before the limit.
    pub matched: u32,
    /// The time of boot, in microseconds since the Unix epoch; `start_time` counts from it.
    pub boot_time: u64,
}

/// Sums over groups of processes at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Sums {
    /// The moment of reading, in microseconds since the Unix epoch.
    pub timestamp: u64,
    /// The names of the summed fields.
    pub columns: Vec<String>,
    /// The sums, in the requested order.
    pub groups: Vec<Sum>,
    /// The number of all processes.
    pub total: u32,
    /// The number of processes that match the filter.
    pub matched: u32,
}

/// The sums over the processes of one group.
#[derive(Clone, Debug, PartialEq)]
pub struct Sum {
    /// The name of the group; empty for processes that belong to no group.
    pub name: Result<Arc<str>, Fault>,
    /// The number of its processes.
    pub processes: u32,
    /// For each field the sum of the values that could be read, if any, and the fault of those that could not.
    pub values: Vec<(Option<f64>, Option<Fault>)>,
}

impl TableOptions {
    /// The same, ordered by a field, with `-` before it for the largest first.
    pub fn ordered_by(self, order: &str) -> Self {
        Self {
            order: Some(order.to_owned()),
            ..self
        }
    }

    /// The same, limited to so many rows.
    pub fn limited_to(self, limit: u32) -> Self {
        Self {
            limit: Some(limit),
            ..self
        }
    }

    /// The same, filtered also by a pattern of a field.
    pub fn filtered_by(mut self, field: &str, pattern: &str) -> Self {
        self.filter.insert(field.to_owned(), pattern.to_owned());
        self
    }

    fn options(&self) -> OptionsDict<'_> {
        let mut options = OptionsDict::new();
        if let Some(order) = &self.order {
            options.insert("order", Variant::from(order.as_str()));
        }
        if let Some(limit) = self.limit {
            options.insert("limit", Variant::from(limit));
        }
        if !self.filter.is_empty() {
            let filter: HashMap<&str, &str> = self
                .filter
                .iter()
                .map(|(field, pattern)| (field.as_str(), pattern.as_str()))
                .collect();
            options.insert("filter", Variant::from(filter));
        }
        options
    }
}

impl Snapshot {
    /// The index of a field in the rows, if it is a column.
    pub fn column(&self, field: &str) -> Option<usize> {
        self.columns.iter().position(|column| column == field)
    }
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

fn options_dict(table: &TableOptions, sample: SampleOptions) -> OptionsDict<'_> {
    let mut options = table.options();
    options.extend(sample.options());
    options
}

/// The sum of one row: name, number of processes, and values.
fn sum(columns: &[String], index: usize, row: Row, faults: &RowFaults) -> Result<Sum, Error> {
    let fault = |column: &str| {
        let faults = faults.get(column)?;
        let mut all = faults.iter();
        let (code, _) = all.find(|(_, rows)| rows.contains(&(index as u32)))?;
        Some(fault_of(code))
    };
    let mut values = columns.iter().map(|column| fault(column)).zip(row);
    let Some((missing, Ok(Value::Text(name)))) = values.next() else {
        return Err(invalid());
    };
    let Some((_, Ok(Value::Number(processes)))) = values.next() else {
        return Err(invalid());
    };
    let total = |(fault, reading)| match reading {
        Ok(Value::Number(number)) => (Some(number).filter(|number| !number.is_nan()), fault),
        _ => (None, fault),
    };
    Ok(Sum {
        name: missing.map_or(Ok(name), Err),
        processes: processes as u32,
        values: values.map(total).collect(),
    })
}
