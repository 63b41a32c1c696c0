//! Frames: the readings of a session at one moment.

use std::{collections::BTreeMap, sync::Arc};

use crate::reading::{Fault, Reading, Value};

/// The columns of a session, with the texts and faults that its signals have told: it makes frames of their values.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Columns {
    state: Arc<ColumnState>,
}

/// The ids, texts and faults of columns.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct ColumnState {
    ids: Vec<String>,
    texts: BTreeMap<String, Arc<str>>,
    faults: BTreeMap<String, Fault>,
}

impl Columns {
    /// Columns with these ids, of whose texts and faults nothing is known yet.
    pub fn new(ids: Vec<String>) -> Self {
        let state = ColumnState {
            ids,
            ..ColumnState::default()
        };
        Self {
            state: Arc::new(state),
        }
    }

    /// The ids, in the order of the values.
    pub fn ids(&self) -> &[String] {
        &self.state.ids
    }

    /// Takes over the content of a `Changed` signal: all of it if it has columns, else the differences. A fault that is
    /// over is `None`.
    pub fn change<'a>(
        &mut self,
        ids: Vec<String>,
        texts: impl IntoIterator<Item = (&'a str, &'a str)>,
        faults: impl IntoIterator<Item = (&'a str, Option<Fault>)>,
    ) {
        if !ids.is_empty() {
            *self = Self::new(ids);
        }
        let state = Arc::make_mut(&mut self.state);
        for (id, text) in texts {
            state.texts.insert(id.to_owned(), text.into());
        }
        for (id, fault) in faults {
            match fault {
                None => drop(state.faults.remove(id)),
                Some(fault) => drop(state.faults.insert(id.to_owned(), fault)),
            }
        }
    }

    /// The frame of the values of a `Sampled` signal.
    pub fn frame(&mut self, timestamp: u64, values: Vec<f64>) -> Frame {
        if values.is_empty() {
            // `Changed` cannot tell that no columns are left.
            *self = Self::default();
        }
        Frame {
            timestamp,
            values,
            columns: self.state.clone(),
        }
    }
}

impl ColumnState {
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
    values: Vec<f64>,
    columns: Arc<ColumnState>,
}

impl Frame {
    /// A frame of these readings, by id, in the order of the columns: for programs that show the same without a bus.
    pub fn new(timestamp: u64, readings: impl IntoIterator<Item = (String, Reading)>) -> Self {
        let (mut columns, mut values) = (ColumnState::default(), Vec::new());
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
            assert_eq!(columns.state.reading(id, number), *expected);
        };
        columns.change(ids(), [("name", "Linux")], [("usage", Some(Fault::First))]);
        check(&columns, "usage", f64::NAN, &Err(Fault::First));
        check(&columns, "name", f64::NAN, &name);
        // A number is a value, also before the end of the fault is told.
        check(&columns, "usage", 1.0, &Ok(Value::Number(1.0)));
        columns.change(
            Vec::new(),
            [],
            [("usage", None), ("name", Some(Fault::Denied))],
        );
        check(&columns, "usage", f64::NAN, &Err(Fault::Stale));
        check(&columns, "name", f64::NAN, &Err(Fault::Denied));
        columns.change(Vec::new(), [], [("name", None)]);
        check(&columns, "name", f64::NAN, &name);
        columns.change(ids(), [], []);
        check(&columns, "name", f64::NAN, &Err(Fault::Stale));
        assert_eq!(columns.ids(), ids());
    }
}
