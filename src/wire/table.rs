//! The tables of processes.

use std::sync::Arc;

use serde::ser::{Serialize, SerializeMap, Serializer};
use zbus::{Signature, Type};

use super::{Strings, Typed};
use crate::reading::Fault;

/// A table: timestamp, names of the columns, columns, faults and details.
pub type Table = (u64, Vec<&'static str>, Columns, RowFaults, Details);

/// The columns of a table, `av`: each is an `ad` or an `as`, all of the same length.
#[derive(Debug, Default)]
pub struct Columns(pub Vec<Column>);

/// A column of a table.
#[derive(Debug)]
pub enum Column {
    /// NaN in rows without a number.
    Numbers(Vec<f64>),
    /// Empty in rows without a text.
    Texts(Vec<Arc<str>>),
}

/// The faults of a table, `a{sa{sau}}`: for each column and each fault the rows with it.
#[derive(Debug, Default)]
pub struct RowFaults(pub Vec<(&'static str, FaultyRows)>);

/// The rows of a column with a fault, by fault.
pub type FaultyRows = Vec<(Fault, Vec<u32>)>;

/// The details of a table, `a{sv}`.
#[derive(Clone, Copy, Debug)]
pub struct Details {
    /// The number of processes.
    pub total: u32,
    /// The number of processes that the filter matches.
    pub matched: u32,
    /// The start of the machine in microseconds since the Unix epoch.
    pub boot_time: u64,
}

impl Type for Columns {
    const SIGNATURE: &'static Signature = &Signature::static_array(&Signature::Variant);
}

impl Serialize for Columns {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(&self.0)
    }
}

impl Serialize for Column {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Numbers(numbers) => Typed("ad", numbers).serialize(serializer),
            Self::Texts(texts) => Typed("as", Strings(texts)).serialize(serializer),
        }
    }
}

const ROWS: &Signature = &Signature::static_array(&Signature::U32);
const ROWS_BY_FAULT: &Signature = &Signature::static_dict(&Signature::Str, ROWS);

impl Type for RowFaults {
    const SIGNATURE: &'static Signature = &Signature::static_dict(&Signature::Str, ROWS_BY_FAULT);
}

impl Serialize for RowFaults {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let faults = self.0.iter();
        serializer.collect_map(faults.map(|(name, faults)| (name, ByFault(faults))))
    }
}

/// Rows by fault, `a{sau}`.
struct ByFault<'a>(&'a [(Fault, Vec<u32>)]);

impl Serialize for ByFault<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(fault, rows)| (fault.code(), rows)))
    }
}

impl Type for Details {
    const SIGNATURE: &'static Signature =
        &Signature::static_dict(&Signature::Str, &Signature::Variant);
}

impl Details {
    pub(super) fn counts(&self) -> [(&'static str, u32); 2] {
        [("total", self.total), ("matched", self.matched)]
    }
}

impl Serialize for Details {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (key, count) in self.counts() {
            map.serialize_entry(key, &Typed("u", count))?;
        }
        map.serialize_entry("boot_time", &Typed("t", self.boot_time))?;
        map.end()
    }
}
