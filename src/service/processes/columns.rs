//! Rows of readings, transposed to the columns of a reply or a signal.

use std::sync::Arc;

use crate::{
    process::{Field, Row, Sum, Total},
    reading::{Fault, Reading, Value},
    wire::{Column, Columns, FaultyRows, RowFaults},
};

/// The columns of a table and their faults.
#[derive(Debug)]
pub(crate) struct WireColumns {
    pub(crate) columns: Columns,
    pub(crate) faults: RowFaults,
    /// The value of a cell without a text.
    empty: Arc<str>,
}

impl WireColumns {
    /// A column for each field. `fault` maps each fault to the one that is sent.
    pub(crate) fn of_rows<'a>(
        fields: &[Field],
        rows: impl ExactSizeIterator<Item = &'a Row> + Clone,
        fault: impl Fn(Fault) -> Fault,
    ) -> Self {
        let mut columns = Self::new();
        for (index, &field) in fields.iter().enumerate() {
            let values = rows.clone().map(|row| &row.values[index]);
            if field.is_text() {
                columns.texts(field.name(), values.map(text), &fault);
            } else {
                columns.numbers(field.name(), values.map(number), &fault);
            }
        }
        columns
    }

    /// The name of each group, its number of processes, and the sum of each field.
    pub(crate) fn of_sums(
        by: Field,
        fields: &[Field],
        groups: &[Sum],
        fault: impl Fn(Fault) -> Fault,
    ) -> Self {
        let mut columns = Self::new();
        let names = groups.iter().map(|group| match &group.name {
            Ok(name) => (Some(name), None),
            Err(fault) => (None, Some(*fault)),
        });
        columns.texts(by.name(), names, &fault);
        let counts = groups.iter().map(|group| (group.processes as f64, None));
        columns.numbers(PROCESSES, counts, &fault);
        for (index, field) in fields.iter().enumerate() {
            let totals = groups.iter().map(|group| total(&group.values[index]));
            columns.numbers(field.name(), totals, &fault);
        }
        columns
    }

    fn new() -> Self {
        Self {
            columns: Columns::default(),
            faults: RowFaults::default(),
            empty: "".into(),
        }
    }

    /// The approximate size on the bus, in bytes.
    pub(crate) fn size(&self) -> usize {
        let columns = self.columns.0.iter().map(|column| match column {
            Column::Numbers(numbers) => numbers.len().saturating_mul(8),
            // The length, the NUL and the padding.
            Column::Texts(texts) => texts.iter().map(|text| text.len().saturating_add(8)).sum(),
        });
        let faults = self.faults.0.iter().flat_map(|(_, faults)| faults);
        let faults: usize = faults.map(|(_, rows)| rows.len()).sum();
        columns
            .sum::<usize>()
            .saturating_add(faults.saturating_mul(4))
    }

    fn numbers(
        &mut self,
        name: &'static str,
        values: impl ExactSizeIterator<Item = (f64, Option<Fault>)>,
        fault: &impl Fn(Fault) -> Fault,
    ) {
        let numbers = self.split_faults(name, values, fault);
        self.columns.0.push(Column::Numbers(numbers));
    }

    fn texts<'a>(
        &mut self,
        name: &'static str,
        values: impl ExactSizeIterator<Item = (Option<&'a Arc<str>>, Option<Fault>)>,
        fault: &impl Fn(Fault) -> Fault,
    ) {
        let texts = self.split_faults(name, values, fault).into_iter();
        let texts = texts.map(|text| text.unwrap_or(&self.empty).clone());
        let texts = texts.collect();
        self.columns.0.push(Column::Texts(texts));
    }

    /// Adds the faults of a column, by row, and returns its values.
    fn split_faults<T>(
        &mut self,
        name: &'static str,
        values: impl ExactSizeIterator<Item = (T, Option<Fault>)>,
        fault: &impl Fn(Fault) -> Fault,
    ) -> Vec<T> {
        let mut faulty = FaultyRows::new();
        let mut all = Vec::with_capacity(values.len());
        for (row, (value, found)) in (0..).zip(values) {
            if let Some(found) = found.map(fault) {
                match faulty.iter_mut().find(|(fault, _)| *fault == found) {
                    Some((_, rows)) => rows.push(row),
                    None => faulty.push((found, vec![row])),
                }
            }
            all.push(value);
        }
        if !faulty.is_empty() {
            self.faults.0.push((name, faulty));
        }
        all
    }
}

/// The column of a table of sums with the number of processes of each group.
pub(crate) const PROCESSES: &str = "processes";

fn number(reading: &Reading) -> (f64, Option<Fault>) {
    match reading {
        Ok(Value::Number(number)) => (*number, None),
        // A numeric field never has a text.
        Ok(Value::Text(_)) => (f64::NAN, Some(Fault::Malformed)),
        Err(fault) => (f64::NAN, Some(*fault)),
    }
}

fn text(reading: &Reading) -> (Option<&Arc<str>>, Option<Fault>) {
    match reading {
        Ok(Value::Text(text)) => (Some(text), None),
        Ok(Value::Number(_)) => (None, Some(Fault::Malformed)),
        Err(fault) => (None, Some(*fault)),
    }
}

fn total(total: &Total) -> (f64, Option<Fault>) {
    (total.number.unwrap_or(f64::NAN), total.fault)
}
