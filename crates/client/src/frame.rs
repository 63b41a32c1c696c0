//! Frames: the readings of a session at one moment.

use std::{collections::BTreeMap, sync::Arc};

use crate::reading::{Fault, Reading, Value};

/// The columns of a session: ids, texts and faults.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Columns {
    pub(crate) ids: Vec<String>,
    pub(crate) texts: BTreeMap<String, Arc<str>>,
    pub(crate) faults: BTreeMap<String, Fault>,
}

/// A frame: the readings of a session at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    /// The moment of reading, in microseconds since the Unix epoch.
    pub timestamp: u64,
    pub(crate) values: Vec<f64>,
    pub(crate) columns: Arc<Columns>,
}

impl Frame {
    /// A frame of these readings, by id, in the order of the columns: for programs that show the same without a bus.
    pub fn new(timestamp: u64, readings: impl IntoIterator<Item = (String, Reading)>) -> Self {
        let (mut columns, mut values) = (Columns::default(), Vec::new());
        for (id, reading) in readings {
            values.push(match reading {
                Ok(Value::Number(number)) => number,
                Ok(Value::Text(text)) => {
                    columns.texts.insert(id.clone(), text);
                    f64::NAN
                }
                Err(fault) => {
                    columns.faults.insert(id.clone(), fault);
                    f64::NAN
                }
            });
            columns.ids.push(id);
        }
        let columns = Arc::new(columns);
        Self {
            timestamp,
            values,
            columns,
        }
    }

    /// The readings, in the order of the columns.
    pub fn readings(&self) -> impl Iterator<Item = (&str, Reading)> {
        let ids = self.columns.ids.iter().map(String::as_str);
        ids.zip(&self.values).map(|(id, &number)| {
            let reading = match (self.columns.texts.get(id), self.columns.faults.get(id)) {
                (Some(text), _) => Ok(Value::Text(text.clone())),
                (None, Some(&fault)) => Err(fault),
                (None, None) => Ok(Value::Number(number)),
            };
            (id, reading)
        })
    }

    /// The reading of one metric, if it is among the columns.
    pub fn reading(&self, id: &str) -> Option<Reading> {
        self.readings()
            .find(|(other, _)| *other == id)
            .map(|(_, reading)| reading)
    }
}
