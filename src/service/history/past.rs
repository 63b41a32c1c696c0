//! Rows of the past: the records of several layouts as one table for one selection, with its gaps.

use std::time::Duration;

use super::SLOT;

/// Readings that are further apart than so many intervals have a gap between them.
pub(super) const GAP_INTERVALS: u32 = 3;

/// Rows of values of the same columns, from the oldest to the newest.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Past {
    timestamps: Vec<u64>,
    values: Vec<f64>,
    width: usize,
}

impl Past {
    /// The rows: timestamp and values.
    pub(crate) fn rows(&self) -> impl Iterator<Item = (u64, &[f64])> {
        let values = |row: usize| {
            let start = row.saturating_mul(self.width);
            let end = start.saturating_add(self.width);
            self.values.get(start..end).unwrap_or_default()
        };
        let rows = self.timestamps.iter().enumerate();
        rows.map(move |(row, &timestamp)| (timestamp, values(row)))
    }

    /// The number of rows.
    pub(crate) fn len(&self) -> usize {
        self.timestamps.len()
    }

    /// Drops all but the last rows.
    fn keep_last(&mut self, rows: usize) {
        let excess = self.len().saturating_sub(rows);
        self.timestamps.drain(..excess);
        self.values.drain(..excess.saturating_mul(self.width));
    }
}

/// Builds the rows. Readings come from the oldest to the newest.
///
/// A row has for each column the last reading up to its moment, unless a gap has begun since. So a column that is read
/// less often than another one has values in all rows, and NaN is a gap or a fault.
pub(super) struct Rows {
    past: Past,
    /// The moment of each row, in microseconds of CLOCK_BOOTTIME.
    moments: Vec<u64>,
    columns: Vec<Column>,
    /// The moment of the last row, also if it was skipped.
    last_moment: Option<u64>,
    /// The number of rows that are skipped before the first one.
    skipped: usize,
    /// The number of breaks so far.
    breaks: u32,
}

#[derive(Clone, Copy)]
struct Column {
    value: f64,
    read: Option<Read>,
}

/// The last reading of a column.
#[derive(Clone, Copy)]
struct Read {
    moment: u64,
    interval: Duration,
    breaks: u32,
    /// Its row, unless that was skipped.
    row: Option<usize>,
}

impl Rows {
    /// Rows of so many columns, without the first `skipped` ones.
    pub(super) fn new(width: usize, skipped: usize) -> Self {
        let column = Column {
            value: f64::NAN,
            read: None,
        };
        Self {
            past: Past {
                width,
                ..Past::default()
            },
            moments: Vec::new(),
            columns: vec![column; width],
            last_moment: None,
            skipped,
            breaks: 0,
        }
    }

    /// Begins the row of a moment, unless it is the last one.
    pub(super) fn begin(&mut self, moment: u64, timestamp: u64) {
        if self.last_moment == Some(moment) {
            return;
        }
        self.last_moment = Some(moment);
        if self.skipped > 0 {
            self.skipped = self.skipped.saturating_sub(1);
            return;
        }
        let earliest = self.past.timestamps.last();
        let earliest = earliest.map_or(0, |last| last.saturating_add(1));
        self.moments.push(moment);
        self.past.timestamps.push(timestamp.max(earliest));
        let values = self.columns.iter().map(|column| column.value);
        self.past.values.extend(values);
    }

    /// Sets the value of a column in the last row, which was read at this interval.
    pub(super) fn set(&mut self, column: usize, value: f64, interval: Duration) {
        let Some(moment) = self.last_moment else {
            return;
        };
        if let Some(read) = self.columns[column].read {
            let is_gap = read.breaks != self.breaks
                || is_gap(read.moment, moment, read.interval.max(interval));
            if is_gap {
                self.mark_gap(column, read);
            }
        }
        let row = self.moments.len().checked_sub(1);
        if let Some(row) = row {
            *self.value(row, column) = value;
        }
        self.columns[column] = Column {
            value,
            read: Some(Read {
                moment,
                interval,
                breaks: self.breaks,
                row,
            }),
        };
    }

    /// Whether a column has no reading yet.
    pub(super) fn lacks(&self, column: usize) -> bool {
        self.columns[column].read.is_none()
    }

    /// Gives a column the last reading before the first row.
    pub(super) fn carry_in(&mut self, column: usize, value: f64, moment: u64, interval: Duration) {
        let read = Read {
            moment,
            interval,
            breaks: self.breaks,
            row: None,
        };
        self.columns[column] = Column {
            value,
            read: Some(read),
        };
    }

    /// Marks that nothing was read for a while, however short.
    pub(super) fn break_off(&mut self) {
        self.breaks = self.breaks.saturating_add(1);
    }

    /// The rows at this moment, at most so many. Columns that nobody reads any more end in a gap.
    pub(super) fn finish(mut self, now: u64, most: usize) -> Past {
        let breaks = self.breaks;
        let has_ended = |column: &Column| {
            let read = column.read;
            read.filter(|read| read.breaks != breaks || is_gap(read.moment, now, read.interval))
        };
        let ended: Vec<_> = self.columns.iter().map(has_ended).collect();
        let last = self.moments.len().checked_sub(1);
        let is_last = |read: &Option<Read>| read.is_some_and(|read| read.row == last);
        if let Some(last) = last
            && ended.iter().any(is_last)
        {
            self.insert_copy(last, now);
        }
        for (column, read) in ended.into_iter().enumerate() {
            if let Some(read) = read {
                self.clear(column, read, self.moments.len());
            }
        }
        self.past.keep_last(most);
        self.past
    }

    /// Marks the gap between a reading of a column and the last row.
    fn mark_gap(&mut self, column: usize, read: Read) {
        let Some(current) = self.moments.len().checked_sub(1) else {
            return;
        };
        let after = read.row.map_or(0, |row| row.saturating_add(1));
        let mut end = current;
        if after == current && current > 0 {
            let moment = self.moments[current];
            self.insert_copy(current.saturating_sub(1), moment);
            end = end.saturating_add(1);
            for column in &mut self.columns {
                if let Some(read) = &mut column.read
                    && read.row == Some(current)
                {
                    read.row = Some(end);
                }
            }
        }
        self.clear(column, read, end);
    }

    /// Inserts a copy of a row behind it, at most a slot later and before the moment `end`.
    fn insert_copy(&mut self, row: usize, end: u64) {
        let next = row.saturating_add(1);
        let moment = self.moments[row];
        let step = end.saturating_sub(moment) / 2;
        let step = step.min(u64::try_from(SLOT.as_micros()).unwrap_or(u64::MAX));
        self.moments.insert(next, moment.saturating_add(step));
        let timestamp = self.past.timestamps[row].saturating_add(step);
        self.past.timestamps.insert(next, timestamp);
        let (start, width) = (row.saturating_mul(self.past.width), self.past.width);
        let copied = self.past.values[start..start.saturating_add(width)].to_vec();
        let at = start.saturating_add(width);
        self.past.values.splice(at..at, copied);
    }

    /// Sets a column to NaN in the rows behind a reading and before the row `end`.
    fn clear(&mut self, column: usize, read: Read, end: usize) {
        let start = read.row.map_or(0, |row| row.saturating_add(1));
        for row in start..end {
            *self.value(row, column) = f64::NAN;
        }
    }

    fn value(&mut self, row: usize, column: usize) -> &mut f64 {
        let index = row.saturating_mul(self.past.width).saturating_add(column);
        &mut self.past.values[index]
    }
}

/// Whether there is a gap between two readings at this interval.
fn is_gap(before: u64, now: u64, interval: Duration) -> bool {
    let longest = interval.max(SLOT).saturating_mul(GAP_INTERVALS);
    u128::from(now.saturating_sub(before)) > longest.as_micros()
}

#[cfg(test)]
mod tests;
