//! The frames of a stream: its records, with the texts and faults that the service tells on request.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

use sampled::{
    client::{self, Client, Description, Record, RecordStream, StreamOptions},
    reading::{Fault, Reading, Value},
};

use crate::cli::output::frame::Frame;

/// The shortest time between two requests for texts and faults.
const BETWEEN_REQUESTS: Duration = Duration::from_secs(1);

/// A stream, and its texts and faults.
pub(crate) struct Streamed {
    stream: RecordStream,
    /// A record that is read and not returned yet.
    record: Option<Record>,
    /// The columns that had no number when the texts and faults were asked for.
    described: Vec<usize>,
    description: Option<Description>,
    next_request: Instant,
}

impl Streamed {
    pub(crate) async fn open(
        client: &Client,
        selectors: &[&str],
        options: StreamOptions,
    ) -> Result<Self, client::Error> {
        Ok(Self {
            stream: client.open(selectors, options).await?,
            record: None,
            described: Vec::new(),
            description: None,
            next_request: Instant::now(),
        })
    }

    /// The next frame. Cancel safe.
    pub(crate) async fn next(&mut self) -> Result<Frame, client::Error> {
        let record = match self.record.take() {
            Some(record) => record,
            None => self.stream.next().await?,
        };
        let values = record.values.iter().enumerate();
        let without_number: Vec<_> = values
            .filter(|(_, value)| value.is_nan())
            .map(|(column, _)| column)
            .collect();
        // Kept, because the caller may drop this future while it waits.
        let (timestamp, values) = (record.timestamp, record.values.clone());
        self.record = Some(record);
        let now = Instant::now();
        if without_number != self.described && now >= self.next_request {
            match self.stream.describe().await {
                Ok(description) => self.description = Some(description),
                // The records that are in the pipe come first.
                Err(client::Error::NoSuchSession(_)) => {}
                Err(error) => return Err(error),
            }
            self.described = without_number;
            self.next_request = now.checked_add(BETWEEN_REQUESTS).unwrap_or(now);
        }
        let readings = self.stream.columns().iter().zip(&values);
        let readings = readings.map(|(id, value)| (id.clone(), self.reading(id, *value)));
        let frame = Frame::new(timestamp, readings);
        self.record = None;
        Ok(frame)
    }

    fn reading(&self, id: &str, value: f64) -> Reading {
        if !value.is_nan() {
            return Ok(Value::Number(value));
        }
        let described = self.description.as_ref();
        let text = described.and_then(|described| described.texts.get(id));
        let fault = described.and_then(|described| described.faults.get(id));
        match (fault, text) {
            (Some(fault), _) => Err(*fault),
            (None, Some(text)) => Ok(Value::Text(Arc::from(text.as_str()))),
            // The metric has lost its value since the last request.
            (None, None) => Err(Fault::Stale),
        }
    }

    /// Ends the session.
    pub(crate) async fn stop(self) -> Result<(), client::Error> {
        self.stream.stop().await
    }
}
