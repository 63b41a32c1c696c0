//! The messages that the service sends most often, written without serde: it needs about as long for a dictionary as the
//! kernel for the readings in it.
//!
//! The tests compare them, byte for byte, with what zbus makes of the same values.

use super::{
    Faults, INTERFACE, PATH, Readings,
    message::{Header, Messages, TooLong},
};
use crate::reading::Value;

/// About the bytes of a reading with its id.
const READING_BYTES: usize = 64;

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
