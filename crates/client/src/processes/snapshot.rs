//! Tables of processes at one moment, and sums over them.

use std::sync::Arc;

use crate::{
    error::Error,
    reading::{Fault, Value},
    variants::fault_of,
};

use super::table::{Row, RowFaults, invalid};

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

impl Snapshot {
    /// The index of a field in the rows, if it is a column.
    pub fn column(&self, field: &str) -> Option<usize> {
        self.columns.iter().position(|column| column == field)
    }
}

/// The sums of one row: name, number of processes, and values.
pub(super) fn sum(
    columns: &[String],
    index: usize,
    row: Row,
    faults: &RowFaults,
) -> Result<Sum, Error> {
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
