//! Frames: the readings of a session at one moment.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use crate::reading::{Fault, Reading, Value};

/// The columns of a session: ids, texts and faults.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Columns {
    pub(crate) ids: Vec<String>,
    pub(crate) texts: BTreeMap<String, Arc<str>>,
    pub(crate) faults: BTreeMap<String, Fault>,
}

impl Columns {
    /// Takes over the content of a `Changed` signal: all of it if it has columns, else the differences. A fault that is
    /// over is `None`.
    pub(crate) fn change(
        &mut self,
        ids: Vec<String>,
        texts: HashMap<&str, &str>,
        faults: HashMap<&str, Option<Fault>>,
    ) {
        if !ids.is_empty() {
            *self = Self {
                ids,
                ..Self::default()
            };
        }
        for (id, text) in texts {
            self.texts.insert(id.to_owned(), text.into());
        }
        for (id, fault) in faults {
            match fault {
                None => drop(self.faults.remove(id)),
                Some(fault) => drop(self.faults.insert(id.to_owned(), fault)),
            }
        }
    }

    /// The reading of a column with this number in a frame.
    fn reading(&self, id: &str, number: f64) -> Reading {
        match (self.faults.get(id), self.texts.get(id)) {
            _ if !number.is_nan() => Ok(Value::Number(number)),
            (Some(&fault), _) => Err(fault),
            (None, Some(text)) => Ok(Value::Text(text.clone())),
            // The service does not tell each loss of a value for want of activity.
            (None, None) => Err(Fault::Stale),
        }
    }
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
        ids.zip(&self.values)
            .map(|(id, &number)| (id, self.columns.reading(id, number)))
    }

    /// The reading of one metric, if it is among the columns.
    pub fn reading(&self, id: &str) -> Option<Reading> {
        self.readings()
            .find(|(other, _)| *other == id)
            .map(|(_, reading)| reading)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_without_columns_are_differences() {
        let ids = || ["usage", "name"].map(str::to_owned).to_vec();
        let name = Ok(Value::Text("Linux".into()));
        let mut columns = Columns::default();
        let check = |columns: &Columns, id: &str, number: f64, expected: &Reading| {
            assert_eq!(columns.reading(id, number), *expected);
        };
        columns.change(
            ids(),
            [("name", "Linux")].into(),
            [("usage", Some(Fault::First))].into(),
        );
        check(&columns, "usage", f64::NAN, &Err(Fault::First));
        check(&columns, "name", f64::NAN, &name);
        // A number is a value, also before the end of the fault is told.
        check(&columns, "usage", 1.0, &Ok(Value::Number(1.0)));
        columns.change(
            Vec::new(),
            [].into(),
            [("usage", None), ("name", Some(Fault::Denied))].into(),
        );
        check(&columns, "usage", f64::NAN, &Err(Fault::Stale));
        check(&columns, "name", f64::NAN, &Err(Fault::Denied));
        columns.change(Vec::new(), [].into(), [("name", None)].into());
        check(&columns, "name", f64::NAN, &name);
        columns.change(ids(), [].into(), [].into());
        check(&columns, "name", f64::NAN, &Err(Fault::Stale));
        assert_eq!(columns.ids, ids());
    }
}
