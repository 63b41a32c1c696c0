//! The readings of one metric.

use std::{collections::VecDeque, ops::Range};

use sampled_client::{Fault, Reading, Value};

/// The slots that are kept: as many as a session of the service sends of the past.
pub(crate) const CAPACITY: usize = 4096;

/// The readings of one metric: a value for each slot of a recording, and the last reading.
#[derive(Debug)]
pub(super) struct Series {
    id: String,
    /// From the newest slot to the oldest one; NaN is a gap.
    values: VecDeque<f64>,
    reading: Reading,
}

impl Series {
    /// A series of one slot, which waits for its reading.
    pub(super) fn new(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            values: VecDeque::from([f64::NAN]),
            reading: Err(Fault::First),
        }
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// The last reading.
    pub(super) fn reading(&self) -> &Reading {
        &self.reading
    }

    /// The number of slots.
    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    /// The value of the slot that is so many slots older than the newest one.
    pub(super) fn value(&self, age: usize) -> Option<f64> {
        self.values.get(age).copied()
    }

    /// The largest value of the slots of these ages, as far as there are any.
    pub(super) fn largest(&self, ages: Range<usize>) -> Option<f64> {
        let end = ages.end.min(self.values.len());
        let is_any = ages.start < end;
        let values = is_any.then(|| self.values.range(ages.start..end));
        values.map(|values| values.copied().fold(f64::NAN, f64::max))
    }

    /// Adds so many slots. The newest one waits for its reading; the others have the value of before, unless they are a gap.
    pub(super) fn go_on(&mut self, slots: usize, is_gap: bool) {
        let last = self.value(0).filter(|_| !is_gap).unwrap_or(f64::NAN);
        for slot in 0..slots {
            let is_newest = slot.saturating_add(1) == slots;
            self.values
                .push_front(if is_newest { f64::NAN } else { last });
        }
        self.values.truncate(CAPACITY);
        if slots > 0 {
            self.reading = Err(Fault::Gone);
        }
    }

    /// Adds so many slots in which nothing was read.
    pub(super) fn interrupt(&mut self, slots: usize) {
        for _ in 0..slots {
            self.values.push_front(f64::NAN);
        }
        self.values.truncate(CAPACITY);
        self.reading = Err(Fault::Gap);
    }

    /// Sets the reading of the newest slot.
    pub(super) fn set(&mut self, reading: Reading) {
        if let Some(newest) = self.values.front_mut() {
            *newest = match &reading {
                Ok(Value::Number(number)) => *number,
                _ => f64::NAN,
            };
        }
        self.reading = reading;
    }
}
