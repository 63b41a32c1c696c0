//! Rows of readings, as the columns that are sent.

use std::sync::Arc;

use crate::{
    process::{Field, Row, Sum, Total},
    reading::{Fault, Reading, Value},
    wire::{Column, Columns, FaultyRows, RowFaults},
};

/// The columns of a table, and where it has faults.
#[derive(Debug)]
pub(crate) struct Sheet {
    pub(crate) columns: Columns,
    pub(crate) faults: RowFaults,
    /// What stands where there is no text.
    empty: Arc<str>,
}

impl Sheet {
    /// The columns of these fields.
    pub(crate) fn of_rows<'a>(
        fields: &[Field],
        rows: impl ExactSizeIterator<Item = &'a Row> + Clone,
        fault: impl Fn(Fault) -> Fault,
    ) -> Self {
        let mut sheet = Self::new();
        for (place, &field) in fields.iter().enumerate() {
            let values = rows.clone().map(|row| &row.values[place]);
            if field.is_text() {
                sheet.texts(field.name(), values.map(text), &fault);
            } else {
                sheet.numbers(field.name(), values.map(number), &fault);
            }
        }
        sheet
    }

    /// The name of each group, how many processes it has, and the sums of these fields.
    pub(crate) fn of_sums(
        by: Field,
        fields: &[Field],
        groups: &[Sum],
        fault: impl Fn(Fault) -> Fault,
    ) -> Self {
        let mut sheet = Self::new();
        let names = groups.iter().map(|group| match &group.name {
            Ok(name) => (Some(name), None),
            Err(fault) => (None, Some(*fault)),
        });
        sheet.texts(by.name(), names, &fault);
        let counts = groups.iter().map(|group| (group.processes as f64, None));
        sheet.numbers(PROCESSES, counts, &fault);
        for (place, field) in fields.iter().enumerate() {
            let totals = groups.iter().map(|group| total(&group.values[place]));
            sheet.numbers(field.name(), totals, &fault);
        }
        sheet
    }

    fn new() -> Self {
        Self {
            columns: Columns::default(),
            faults: RowFaults::default(),
            empty: "".into(),
        }
    }

    /// How many bytes it takes on the bus, about.
    pub(crate) fn size(&self) -> usize {
        let columns = self.columns.0.iter().map(|column| match column {
            Column::Numbers(numbers) => numbers.len().saturating_mul(8),
            // A length before it, a NUL behind it, and padding.
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
        let numbers = self.note(name, values, fault);
        self.columns.0.push(Column::Numbers(numbers));
    }

    fn texts<'a>(
        &mut self,
        name: &'static str,
        values: impl ExactSizeIterator<Item = (Option<&'a Arc<str>>, Option<Fault>)>,
        fault: &impl Fn(Fault) -> Fault,
    ) {
        let texts = self.note(name, values, fault).into_iter();
        let texts = texts.map(|text| text.unwrap_or(&self.empty).clone());
        let texts = texts.collect();
        self.columns.0.push(Column::Texts(texts));
    }

    /// Notes where a column has faults, and returns the rest.
    fn note<T>(
        &mut self,
        name: &'static str,
        values: impl ExactSizeIterator<Item = (T, Option<Fault>)>,
        fault: &impl Fn(Fault) -> Fault,
    ) -> Vec<T> {
        let mut noted = FaultyRows::new();
        let mut rest = Vec::with_capacity(values.len());
        for (row, (value, found)) in (0..).zip(values) {
            if let Some(found) = found.map(fault) {
                match noted.iter_mut().find(|(fault, _)| *fault == found) {
                    Some((_, rows)) => rows.push(row),
                    None => noted.push((found, vec![row])),
                }
            }
            rest.push(value);
        }
        if !noted.is_empty() {
            self.faults.0.push((name, noted));
        }
        rest
    }
}

/// The column of sums that says how many processes there are in a group.
pub(crate) const PROCESSES: &str = "processes";

fn number(reading: &Reading) -> (f64, Option<Fault>) {
    match reading {
        Ok(Value::Number(number)) => (*number, None),
        // What is a number is never a text.
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
