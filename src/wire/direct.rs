//! The messages that the service sends most often, written without serde: it needs about as long for a dictionary as the
//! kernel for the readings in it.
//!
//! The tests compare them, byte for byte, with what zbus makes of the same values.

use super::{
    Column, Columns, Details, Faults, INTERFACE, Metadata, PATH, Readings, RowFaults, Table,
    message::{Array, Header, Messages, TooLong},
};
use crate::{metric::Metric, reading::Value};

/// About the bytes of a reading with its id.
const READING_BYTES: usize = 64;

/// About the bytes of the metadata of a metric.
const METADATA_BYTES: usize = 448;

/// The reply of `List`, to which one metric after the other is added: it may have thousands.
pub(crate) struct CatalogReply {
    message: Messages,
    /// The start of the body.
    body: usize,
    entries: Array,
}

impl Messages {
    /// Adds the signal `Sampled`; without a destination it is a broadcast.
    ///
    /// # Errors
    /// [`TooLong`]; then nothing is added.
    pub(crate) fn add_sampled(
        &mut self,
        destination: Option<&str>,
        session: u32,
        timestamp: u64,
        values: &[f64],
    ) -> Result<(), TooLong> {
        let header = Header::Signal {
            path: PATH,
            interface: INTERFACE,
            member: "Sampled",
            destination,
        };
        self.reserve(size_of_val(values));
        self.add(&header, "utad", |body| {
            body.u32(session);
            body.u64(timestamp);
            body.doubles(values);
        })
    }

    /// Adds the reply of `Sample` to the call with the serial `to`.
    ///
    /// # Errors
    /// [`TooLong`]; then nothing is added.
    pub(crate) fn add_sample(
        &mut self,
        destination: &str,
        to: u32,
        timestamp: u64,
        readings: &Readings,
        faults: &Faults,
    ) -> Result<(), TooLong> {
        let header = Header::Reply { to, destination };
        self.reserve(readings.0.len().saturating_mul(READING_BYTES));
        self.add(&header, "ta{sv}a{ss}", |body| {
            body.u64(timestamp);
            body.array(8, |entries| readings.write(entries));
            body.array(8, |entries| faults.write(entries));
        })
    }

    /// Adds the reply of `Snapshot` to the call with the serial `to`.
    ///
    /// # Errors
    /// [`TooLong`]; then nothing is added.
    pub(crate) fn add_table(
        &mut self,
        destination: &str,
        to: u32,
        (timestamp, names, columns, faults, details): &Table,
    ) -> Result<(), TooLong> {
        let header = Header::Reply { to, destination };
        self.add(&header, "tasava{sa{sau}}a{sv}", |body| {
            body.u64(*timestamp);
            body.strings(names);
            body.array(1, |variants| columns.write(variants));
            body.array(8, |entries| faults.write(entries));
            body.array(8, |entries| details.write(entries));
        })
    }

    fn strings(&mut self, texts: &[impl AsRef<str>]) {
        self.array(4, |array| {
            for text in texts {
                array.string(text.as_ref());
            }
        });
    }

    /// Begins an entry of a dictionary whose values are variants.
    fn begin_variant(&mut self, key: &str, signature: &str) {
        self.align(8);
        self.string(key);
        self.signature(signature);
    }
}

impl CatalogReply {
    /// Begins the reply to the call with the serial `to`, with about so many metrics.
    pub(crate) fn new(destination: &str, to: u32, metrics: usize) -> Self {
        let mut message = Messages::default();
        message.reserve(metrics.saturating_mul(METADATA_BYTES));
        let body = message.begin(&Header::Reply { to, destination }, "a{sa{sv}}");
        let entries = message.begin_array(8);
        Self {
            message,
            body,
            entries,
        }
    }

    /// Adds a metric and the name of its source.
    ///
    /// # Errors
    /// [`TooLong`].
    pub(crate) fn add(&mut self, metric: &Metric, source: &str) -> Result<(), TooLong> {
        let entries = &mut self.message;
        entries.align(8);
        entries.string(&metric.id);
        let metadata = Metadata { metric, source };
        entries.array(8, |entries| metadata.write(entries));
        entries.check_length()
    }

    /// The whole message.
    ///
    /// # Errors
    /// [`TooLong`].
    pub(crate) fn finish(mut self) -> Result<Messages, TooLong> {
        self.message.end_array(self.entries);
        self.message.end(self.body)?;
        Ok(self.message)
    }
}

impl Metadata<'_> {
    fn write(&self, entries: &mut Messages) {
        for (key, text) in self.texts() {
            entries.begin_variant(key, "s");
            entries.string(text);
        }
        if let Some(precision) = self.precision() {
            entries.begin_variant("precision", "u");
            entries.u32(precision);
        }
        for (key, number) in self.numbers() {
            entries.begin_variant(key, "d");
            entries.double(number);
        }
        for key in self.flags() {
            entries.begin_variant(key, "b");
            entries.u32(true.into());
        }
    }
}

impl Columns {
    fn write(&self, variants: &mut Messages) {
        for column in &self.0 {
            match column {
                Column::Numbers(numbers) => {
                    variants.signature("ad");
                    variants.doubles(numbers);
                }
                Column::Texts(texts) => {
                    variants.signature("as");
                    variants.strings(texts);
                }
            }
        }
    }
}

impl RowFaults {
    fn write(&self, entries: &mut Messages) {
        for (name, faults) in &self.0 {
            entries.align(8);
            entries.string(name);
            entries.array(8, |entries| {
                for (fault, rows) in faults {
                    entries.align(8);
                    entries.string(fault.code());
                    entries.array(4, |array| rows.iter().for_each(|row| array.u32(*row)));
                }
            });
        }
    }
}

impl Details {
    fn write(&self, entries: &mut Messages) {
        for (key, count) in self.counts() {
            entries.begin_variant(key, "u");
            entries.u32(count);
        }
        entries.begin_variant("boot_time", "t");
        entries.u64(self.boot_time);
    }
}

impl Readings {
    fn write(&self, entries: &mut Messages) {
        for (id, value) in &self.0 {
            entries.align(8);
            entries.string(id);
            match value {
                Value::Number(number) => {
                    entries.signature("d");
                    entries.double(*number);
                }
                Value::Text(text) => {
                    entries.signature("s");
                    entries.string(text);
                }
            }
        }
    }
}

impl Faults {
    fn write(&self, entries: &mut Messages) {
        for (id, fault) in &self.0 {
            entries.align(8);
            entries.string(id);
            entries.string(fault.code());
        }
    }
}

#[cfg(test)]
mod tests;
