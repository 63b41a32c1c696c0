//! The readings of the shown metrics on one time axis: the past for the graphs, the last ones for the numbers.

use std::{collections::HashMap, time::Duration};

use sampled_client::{Frame, Reading, Value, is_gap};

use super::{
    cursor::Cursor,
    series::{CAPACITY, Series},
};

/// The readings of the shown metrics. The time axis has one slot for each interval.
#[derive(Debug)]
pub(crate) struct Recording {
    /// In microseconds.
    interval: u64,
    /// The moment of its beginning. What was read before comes from the history.
    begun: u64,
    /// The moment and the span that its readings and values are of.
    pub(crate) cursor: Cursor,
    places: HashMap<String, usize>,
    series: Vec<Series>,
    /// The series of each column of the last frame.
    columns: Vec<usize>,
    /// The number of the newest slot since the epoch.
    newest: Option<u64>,
    /// The moment of the last frame.
    last: Option<u64>,
    /// The slots of the longest series.
    length: usize,
}

impl Recording {
    /// An empty recording with slots of this many microseconds. It begins at this moment.
    pub(crate) fn new(interval: u64, cursor: Cursor, begun: u64) -> Self {
        Self {
            interval: interval.max(1),
            begun,
            cursor,
            places: HashMap::new(),
            series: Vec::new(),
            columns: Vec::new(),
            newest: None,
            last: None,
            length: 0,
        }
    }

    /// Takes over a frame. Slots that it skips have the values of before, unless the frame is so late that they are a gap.
    pub(crate) fn push(&mut self, frame: &Frame) {
        let is_gap = self.has_gap_before(frame.timestamp);
        self.last = Some(frame.timestamp);
        let steps = self.advance(frame.timestamp);
        for series in &mut self.series {
            series.go_on(steps, is_gap);
        }
        for (column, (id, reading)) in frame.readings().enumerate() {
            let place = self.place(column, id);
            let Some(series) = self.series.get_mut(place) else {
                continue;
            };
            series.set(reading);
        }
        self.count_slots();
    }

    /// Marks a gap at a moment, in microseconds since the epoch: nothing was read.
    pub(crate) fn interrupt(&mut self, timestamp: u64) {
        let steps = self.advance(timestamp).max(1);
        for series in &mut self.series {
            series.interrupt(steps);
        }
        self.count_slots();
    }

    /// The reading of a metric at the cursor, if it has had one. Texts and faults of the past are not kept.
    pub(crate) fn reading(&self, id: &str) -> Option<Reading> {
        let series = self.series(id)?;
        match self.age() {
            0 => Some(series.reading().clone()),
            age => {
                let value = series.value(age).filter(|value| !value.is_nan());
                value.map(|value| Ok(Value::Number(value)))
            }
        }
    }

    /// The reading of a metric at the cursor, if it is a number.
    pub(crate) fn number(&self, id: &str) -> Option<f64> {
        match self.reading(id)? {
            Ok(Value::Number(number)) => Some(number),
            _ => None,
        }
    }

    /// The values of a metric from the cursor back, one for each column of a graph; NaN is a gap. A column of several
    /// slots has the largest of their values.
    pub(crate) fn values(&self, id: &str) -> impl Iterator<Item = f64> + Clone {
        let (age, zoom) = (self.age(), self.cursor.zoom());
        let series = self.series(id);
        // Columns begin at multiples of the zoom, so that no value moves from one to another.
        let slot = self.newest.map(|newest| newest.saturating_sub(age as u64));
        let slot = slot.and_then(|slot| slot.checked_rem(zoom as u64));
        let first = usize::try_from(slot.unwrap_or(0)).unwrap_or(0);
        let mut end = age.saturating_add(first).saturating_add(1);
        let mut begin = age;
        std::iter::from_fn(move || {
            let largest = series?.largest(begin..end)?;
            begin = end;
            end = end.saturating_add(zoom);
            Some(largest)
        })
    }

    /// The slots between the newest one and the cursor.
    fn age(&self) -> usize {
        if self.cursor.is_present() {
            return 0;
        }
        let newest = self.newest.unwrap_or(0);
        let longest = self.length.saturating_sub(1);
        self.cursor.age(newest, self.interval).min(longest)
    }

    /// Counts the slots after a change: once, and not for each value that is asked for.
    fn count_slots(&mut self) {
        let lengths = self.series.iter().map(Series::len);
        self.length = lengths.max().unwrap_or(0);
    }

    fn series(&self, id: &str) -> Option<&Series> {
        self.series.get(*self.places.get(id)?)
    }

    /// How long the cursor is behind the newest readings; `None` if it follows them.
    pub(crate) fn behind(&self) -> Option<Duration> {
        let slots = u64::try_from(self.age()).unwrap_or(u64::MAX);
        let behind = Duration::from_micros(slots.saturating_mul(self.interval));
        (!self.cursor.is_present()).then_some(behind)
    }

    /// Moves the cursor by so many columns, at most to the oldest reading or to the present. Does nothing before the first
    /// frame.
    pub(crate) fn go_by(&mut self, columns: i64) {
        let Some(newest) = self.newest else {
            return;
        };
        let zoom = i64::try_from(self.cursor.zoom()).unwrap_or(1);
        let slots = columns.saturating_mul(zoom);
        let oldest = newest.saturating_sub(self.length.saturating_sub(1) as u64);
        self.cursor.go_by(slots, oldest..=newest, self.interval);
    }

    /// How many metrics it has.
    pub(crate) fn len(&self) -> usize {
        self.series.len()
    }

    /// Whether nothing was read between the last frame and one of this moment. The history tells its gaps itself: sessions
    /// with longer intervals have read it.
    fn has_gap_before(&self, timestamp: u64) -> bool {
        let interval = Duration::from_micros(self.interval);
        let last = self.last.filter(|last| *last >= self.begun);
        last.is_some_and(|last| is_gap(last, timestamp, interval))
    }

    /// Goes on to the slot of a moment; returns how many slots that is, at most as many as are kept. Clocks may be set back.
    fn advance(&mut self, timestamp: u64) -> usize {
        let slot = timestamp.checked_div(self.interval).unwrap_or(0);
        let steps = self.newest.map_or(1, |newest| slot.saturating_sub(newest));
        self.newest = Some(slot);
        usize::try_from(steps).unwrap_or(CAPACITY).min(CAPACITY)
    }

    /// The place of the series of a column. Most often it is the one of the frame before.
    fn place(&mut self, column: usize, id: &str) -> usize {
        let last = self.columns.get(column);
        if let Some(&place) = last
            && self
                .series
                .get(place)
                .is_some_and(|series| series.id() == id)
        {
            return place;
        }
        let place = match self.places.get(id) {
            Some(place) => *place,
            None => {
                self.series.push(Series::new(id));
                let place = self.series.len().saturating_sub(1);
                self.places.insert(id.to_owned(), place);
                place
            }
        };
        self.columns
            .resize(column.saturating_add(1).max(self.columns.len()), place);
        if let Some(slot) = self.columns.get_mut(column) {
            *slot = place;
        }
        place
    }
}

#[cfg(test)]
mod tests;
