//! Processes and sums as JSON and CSV.

use std::io::{self, Write};

use serde::{Serialize, Serializer, ser::SerializeMap};

use sampled::{
    process::{Field, Sum},
    reading::{Fault, Reading, Value},
};

use crate::cli::output::frame::write_row;

use super::{Listing, Summary};

/// `{"timestamp": 1764000000000000, "processes": [{"pid": 1, "name": "init", "faults": {}}]}`
pub(super) struct JsonProcesses<'a>(pub(super) &'a [Field], pub(super) &'a Listing);

/// `{"timestamp": 1764000000000000, "groups": [{"user": "root", "processes": 9, "rss": 1, "faults": {}}]}`
///
/// If a part of a sum could not be read, there is both the sum of the rest and the fault.
pub(super) struct JsonSums<'a>(pub(super) &'a [Field], pub(super) &'a Summary);

impl Serialize for JsonProcesses<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(fields, listing) = self;
        let rows = listing.rows.iter().map(|row| JsonProcess(fields, row));
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("timestamp", &listing.timestamp)?;
        map.serialize_entry("processes", &JsonList(rows))?;
        map.end()
    }
}

impl Serialize for JsonSums<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(fields, summary) = self;
        let by = summary.by.field();
        let groups = summary.groups.iter().map(|sum| JsonSum(by, fields, sum));
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("timestamp", &summary.timestamp)?;
        map.serialize_entry("groups", &JsonList(groups))?;
        map.end()
    }
}

struct JsonList<I>(I);

impl<I: Iterator<Item: Serialize> + Clone> Serialize for JsonList<I> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.clone())
    }
}

struct JsonProcess<'a>(&'a [Field], &'a [Reading]);

impl Serialize for JsonProcess<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let pairs = || self.0.iter().zip(self.1);
        let mut map = serializer.serialize_map(None)?;
        for (field, reading) in pairs() {
            match reading {
                Ok(Value::Number(number)) => write_number(&mut map, *field, *number)?,
                Ok(Value::Text(text)) => map.serialize_entry(field.name(), &**text)?,
                Err(_) => {}
            }
        }
        let faults = pairs().filter_map(|(field, reading)| Some((*field, reading.as_ref().err()?)));
        map.serialize_entry(
            "faults",
            &JsonFaults(faults.map(|(field, fault)| (field, *fault))),
        )?;
        map.end()
    }
}

struct JsonSum<'a>(Field, &'a [Field], &'a Sum);

impl Serialize for JsonSum<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(by, fields, sum) = self;
        let pairs = || fields.iter().zip(&sum.values);
        let mut map = serializer.serialize_map(None)?;
        if let Ok(name) = &sum.name {
            map.serialize_entry(by.name(), &**name)?;
        }
        map.serialize_entry("processes", &sum.processes)?;
        for (field, total) in pairs() {
            if let Some(number) = total.number {
                write_number(&mut map, *field, number)?;
            }
        }
        let of_name = sum.name.as_ref().err().map(|fault| (*by, *fault));
        let of_sums = pairs().filter_map(|(field, total)| Some((*field, total.fault?)));
        map.serialize_entry("faults", &JsonFaults(of_name.into_iter().chain(of_sums)))?;
        map.end()
    }
}

struct JsonFaults<I>(I);

impl<I: Iterator<Item = (Field, Fault)> + Clone> Serialize for JsonFaults<I> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let faults = self.0.clone();
        serializer.collect_map(faults.map(|(field, fault)| (field.name(), fault.code())))
    }
}

/// Writes counted numbers as integers: a pid is 1, not 1.0.
fn write_number<M: SerializeMap>(map: &mut M, field: Field, number: f64) -> Result<(), M::Error> {
    match whole(field, number) {
        Some(whole) => map.serialize_entry(field.name(), &whole),
        None => map.serialize_entry(field.name(), &number),
    }
}

fn whole(field: Field, number: f64) -> Option<i64> {
    let is_counted = !field.needs_baseline() && field != Field::CpuTime;
    // The largest integer up to which a double is exact.
    const LARGEST_EXACT: f64 = (1_u64 << 53) as f64;
    (is_counted && number.fract() == 0.0 && number.abs() <= LARGEST_EXACT).then_some(number as i64)
}

fn number_text(field: Field, number: f64) -> String {
    whole(field, number).map_or_else(|| number.to_string(), |whole| whole.to_string())
}

/// Writes CSV (RFC 4180) with the fields as header; a faulty reading is empty.
pub(super) fn write_csv(
    out: &mut impl Write,
    fields: &[Field],
    listing: &Listing,
) -> io::Result<()> {
    write_row(out, fields.iter().map(|field| field.name()))?;
    for row in &listing.rows {
        let texts = fields
            .iter()
            .zip(row)
            .map(|(field, reading)| match reading {
                Ok(Value::Number(number)) => number_text(*field, *number),
                Ok(Value::Text(text)) => text.to_string(),
                Err(_) => String::new(),
            });
        let texts: Vec<_> = texts.collect();
        write_row(out, texts.iter().map(String::as_str))?;
    }
    Ok(())
}

/// Writes sums as CSV.
pub(super) fn write_csv_of_sums(
    out: &mut impl Write,
    fields: &[Field],
    summary: &Summary,
) -> io::Result<()> {
    let head = [summary.by.field().name(), "processes"].into_iter();
    write_row(out, head.chain(fields.iter().map(|field| field.name())))?;
    for sum in &summary.groups {
        let name = sum.name.as_deref().unwrap_or_default().to_owned();
        let totals = fields.iter().zip(&sum.values).map(|(field, total)| {
            let number = total.number.map(|number| number_text(*field, number));
            number.unwrap_or_default()
        });
        let texts: Vec<_> = [name, sum.processes.to_string()]
            .into_iter()
            .chain(totals)
            .collect();
        write_row(out, texts.iter().map(String::as_str))?;
    }
    Ok(())
}
