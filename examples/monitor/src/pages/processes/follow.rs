//! Reads the rows, while somebody looks.

use std::{collections::HashMap, time::Duration};

use gtk::glib;
use sampled_client::{
    Bus, Error, Fault, Processes, Reading, SampleOptions, Start, Sum, TableOptions, TableSession,
    Value,
};

use super::{
    fields::{COLUMNS, place},
    item::{Field, Key},
    rows,
};
use crate::i18n::gettext;

/// The parts of a frame that the table uses.
pub(super) struct Frame {
    /// The moment of reading, in microseconds since the Unix epoch.
    pub(super) time: u64,
    /// The rows that have ended.
    pub(super) gone: Vec<Key>,
    /// The new and the changed rows.
    pub(super) readings: Vec<rows::Reading>,
    /// Whether all rows are in `readings`: others have ended.
    pub(super) is_whole: bool,
}

/// Follows the processes: a session with these fields until it ends.
pub(super) async fn processes(
    bus: &Bus,
    fields: &[&str],
    interval: Duration,
    mut show: impl FnMut(Frame),
) -> Result<(), Error> {
    let mut fields = fields.to_vec();
    fields.extend(["name", "pid", "parent", "start_time"]);
    fields.sort_unstable();
    fields.dedup();
    let start = Start {
        label: "Monitor".to_owned(),
        ..Start::every(interval)
    };
    let processes = Processes::on(bus.clone()).await?;
    let mut session = processes
        .start(&fields, &TableOptions::default(), start)
        .await?;
    let columns = Columns::new(session.columns());
    let mut keys: HashMap<u32, Key> = HashMap::new();
    let mut is_whole = true;
    loop {
        let change = session.next().await?;
        let gone = change
            .gone
            .iter()
            .filter_map(|pid| keys.remove(pid))
            .collect();
        let pids = change.came.iter().chain(&change.changed);
        let readings: Vec<rows::Reading> = pids
            .filter_map(|pid| columns.reading(&session, *pid))
            .collect();
        for reading in &readings {
            if let Key::Process { pid, .. } = reading.key {
                keys.insert(pid, reading.key.clone());
            }
        }
        show(Frame {
            time: change.timestamp,
            gone,
            readings,
            is_whole: std::mem::take(&mut is_whole),
        });
    }
}

/// Follows the sums by application. A sum is a call, so it is repeated.
pub(super) async fn applications(
    bus: &Bus,
    fields: &[&str],
    interval: Duration,
    mut show: impl FnMut(Frame),
) -> Result<(), Error> {
    let fields: Vec<&str> = fields
        .iter()
        .copied()
        .filter(|field| has_sum(field))
        .collect();
    let processes = Processes::on(bus.clone()).await?;
    loop {
        let sums = processes
            .sums(
                "application",
                &fields,
                &TableOptions::default(),
                SampleOptions::default(),
            )
            .await?;
        let places: Vec<Option<usize>> = sums.columns.iter().map(|field| place(field)).collect();
        let readings = sums.groups.iter().filter_map(|sum| group(sum, &places));
        show(Frame {
            time: sums.timestamp,
            gone: Vec::new(),
            readings: readings.collect(),
            is_whole: true,
        });
        glib::timeout_future(interval).await;
    }
}

fn has_sum(field: &str) -> bool {
    let column = COLUMNS.iter().find(|column| column.field == field);
    column.is_some_and(|column| column.has_sum && column.field != "processes")
}

/// A row without values.
fn empty() -> Vec<Field> {
    vec![Err(Fault::Stale).into(); COLUMNS.len()]
}

fn group(sum: &Sum, places: &[Option<usize>]) -> Option<rows::Reading> {
    let name = sum.name.clone().ok()?;
    let mut fields = empty();
    let mut set = |at: Option<usize>, field: Field| {
        if let Some(slot) = at.and_then(|at| fields.get_mut(at)) {
            *slot = field;
        }
    };
    let shown = match name.is_empty() {
        true => gettext("Other Processes").into(),
        false => name.clone(),
    };
    set(place("name"), Ok(Value::Text(shown)).into());
    set(
        place("processes"),
        Ok(Value::Number(f64::from(sum.processes))).into(),
    );
    for (at, (total, fault)) in places.iter().zip(&sum.values) {
        let field = match (total, fault) {
            (Some(total), fault) => Field {
                reading: Ok(Value::Number(*total)),
                is_partial: fault.is_some(),
            },
            (None, fault) => Err(fault.unwrap_or(Fault::Stale)).into(),
        };
        set(*at, field);
    }
    Some(rows::Reading {
        key: Key::Application(name),
        parent: 0,
        fields,
    })
}

/// The places of the columns of a session in a row of the table.
struct Columns {
    places: Vec<Option<usize>>,
    parent: Option<usize>,
    start_time: Option<usize>,
}

impl Columns {
    fn new(names: &[String]) -> Self {
        let find = |name: &str| names.iter().position(|other| other == name);
        Self {
            places: names.iter().map(|name| place(name)).collect(),
            parent: find("parent"),
            start_time: find("start_time"),
        }
    }

    fn reading(&self, session: &TableSession, pid: u32) -> Option<rows::Reading> {
        let row = session.rows().get(&pid)?;
        let number = |place: Option<usize>| match row.get(place?)? {
            Ok(Value::Number(number)) => Some(*number),
            _ => None,
        };
        let mut fields = empty();
        for (at, reading) in self.places.iter().zip(row) {
            let reading: &Reading = reading;
            if let Some(slot) = at.and_then(|at| fields.get_mut(at)) {
                *slot = reading.clone().into();
            }
        }
        Some(rows::Reading {
            key: Key::Process {
                pid,
                start_time: number(self.start_time)? as u64,
            },
            parent: number(self.parent).unwrap_or_default() as u32,
            fields,
        })
    }
}
