//! A table of processes on the client's side, kept up to date from the changes.

use std::{
    collections::{BTreeMap, HashMap},
    future::poll_fn,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use futures_core::Stream;
use zbus::{Message, Variant};

use crate::{
    error::Error,
    options::{Start, microseconds},
    reading::{Reading, Value},
    signals::Signals,
    variants::fault_of,
    wire::PROCESSES_INTERFACE,
};

use super::{Processes, TableOptions};

/// The readings of a process, in the order of the columns.
pub type Row = Vec<Reading>;

/// A session of processes. It ends with [`stop`](Self::stop), or when it is dropped.
///
/// It has a connection of its own: see [`Session`](crate::Session).
pub struct TableSession {
    processes: Processes,
    signals: Signals,
    columns: Vec<String>,
    rows: BTreeMap<u32, Row>,
}

/// The changes in the table of a session, by pid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The moment of reading, in microseconds since the Unix epoch.
    pub timestamp: u64,
    /// The new rows.
    pub came: Vec<u32>,
    /// The rows with a changed value.
    pub changed: Vec<u32>,
    /// The removed rows. A pid that is also in `came` belongs to another process now.
    pub gone: Vec<u32>,
}

impl TableSession {
    pub(super) async fn start(
        processes: &Processes,
        fields: &[&str],
        table: &TableOptions,
        start: Start,
    ) -> Result<Self, Error> {
        let processes = Processes::on(processes.bus().another_connection().await?).await?;
        let bus = processes.bus();
        let signals = Signals::listen(bus.connection(), PROCESSES_INTERFACE);
        let mut signals = bus.ask(signals).await?;
        let mut options = start.options();
        options.extend(table.options());
        let interval = microseconds(start.interval);
        let proxy = processes.proxy().inner();
        let arguments = (fields, interval, &options);
        let reply = bus
            .call(async || proxy.call_method("Start", &arguments).await)
            .await?;
        let (session, columns) = reply.body().deserialize()?;
        signals.follow(&reply, session);
        Ok(Self {
            processes,
            signals,
            columns,
            rows: BTreeMap::new(),
        })
    }

    /// The number of the session.
    pub fn id(&self) -> u32 {
        self.signals.session()
    }

    /// The names of the columns.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The table as of the last change: rows by pid. With an order and a limit, the first rows.
    pub fn rows(&self) -> &BTreeMap<u32, Row> {
        &self.rows
    }

    /// The reading of one field of a process, if both are in the table.
    pub fn reading(&self, pid: u32, field: &str) -> Option<&Reading> {
        let place = self.columns.iter().position(|column| column == field)?;
        self.rows.get(&pid)?.get(place)
    }

    /// Waits for the next frame, updates the table and returns the changes. In the first frame all rows are new. Cancel
    /// safe: dropping the future loses no frame.
    ///
    /// # Errors
    /// [`Error::Ended`], once the session is over or the service is gone.
    pub async fn next(&mut self) -> Result<Change, Error> {
        poll_fn(|context| self.poll_change(context)).await
    }

    fn poll_change(&mut self, context: &mut Context<'_>) -> Poll<Result<Change, Error>> {
        loop {
            let message = ready!(self.signals.poll(context))?;
            if let Some(change) = self.take(&message)? {
                return Poll::Ready(Ok(change));
            }
        }
    }

    /// Ends the session.
    ///
    /// # Errors
    /// [`Error::NoSuchSession`], if it is over already.
    pub async fn stop(self) -> Result<(), Error> {
        self.processes.stop(self.id()).await
    }

    fn take(&mut self, message: &Message) -> Result<Option<Change>, Error> {
        type Pids = Vec<u32>;
        type Body<'a> = (u32, u64, Pids, Pids, Pids, Vec<Variant<'a>>, RowFaults);
        let header = message.header();
        if header.member().is_none_or(|member| member != "Changed") {
            return Ok(None);
        }
        let body = message.body();
        let (session, timestamp, came, changed, gone, values, faults): Body<'_> =
            body.deserialize()?;
        if session != self.id() {
            return Ok(None);
        }
        let mut rows = rows(&self.columns, values.iter(), &faults)?.into_iter();
        for pid in &gone {
            self.rows.remove(pid);
        }
        for &pid in came.iter().chain(&changed) {
            self.rows.extend(rows.next().map(|row| (pid, row)));
        }
        Ok(Some(Change {
            timestamp,
            came,
            changed,
            gone,
        }))
    }
}

/// The changes. After each, [`rows`](TableSession::rows) has the table. The last item is the error [`Error::Ended`].
impl Stream for TableSession {
    type Item = Result<Change, Error>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let session = self.get_mut();
        if session.signals.is_over() {
            return Poll::Ready(None);
        }
        session.poll_change(context).map(Some)
    }
}

/// The indices of faulty rows, by column and fault.
pub(super) type RowFaults = HashMap<String, HashMap<String, Vec<u32>>>;

/// Turns the columns of a message into rows.
pub(super) fn rows<'a, 'v: 'a>(
    names: &[String],
    columns: impl Iterator<Item = &'a Variant<'v>>,
    faults: &RowFaults,
) -> Result<Vec<Row>, Error> {
    let mut rows: Vec<Row> = Vec::new();
    let mut width = 0_usize;
    for column in columns {
        let Variant::Array(column) = column else {
            return Err(invalid());
        };
        if width == 0 {
            rows.resize_with(column.len(), || Vec::with_capacity(names.len()));
        }
        if column.len() != rows.len() {
            return Err(invalid());
        }
        width = width.saturating_add(1);
        for (row, value) in rows.iter_mut().zip(column.iter()) {
            row.push(Ok(match value {
                Variant::F64(number) => Value::Number(*number),
                Variant::Str(text) => Value::Text(Arc::from(text.as_str())),
                _ => return Err(invalid()),
            }));
        }
    }
    if width != names.len() {
        return Err(invalid());
    }
    for (name, faults) in faults {
        let place = names.iter().position(|other| other == name);
        for (code, places) in faults {
            for &row in places {
                let row = rows.get_mut(row as usize).ok_or_else(invalid)?;
                row[place.ok_or_else(invalid)?] = Err(fault_of(code));
            }
        }
    }
    Ok(rows)
}

pub(super) fn invalid() -> Error {
    Error::Bus(zbus::Error::InvalidReply)
}
