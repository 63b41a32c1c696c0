//! The history: what running sessions have read, of the last minutes.
//!
//! A tick adds one record for each selection that was read, with the columns that are due: a metric has at most one reading
//! in each slot of 250 ms, whichever session reads it. [`past`](History::past) makes rows of the records.

mod bytes;
mod file;
mod fingerprint;
mod inheritance;
mod past;
mod record;
mod ring;
mod snapshots;
mod table;
mod window;

use std::{sync::Arc, time::Duration};

use crate::{reading::Stamp, selector::Selector, store::Selection};

use inheritance::Inheritance;
pub(crate) use past::Past;
use record::{Draft, Record, a_break};
use ring::Ring;
use table::Table;

/// The most bytes of the rows of one call or one session: their timestamps and values, not the headers of signals.
const MAX_BYTES: usize = 1 << 20;

/// The bytes of a row beside its values: the timestamp, and the length of the array with its padding.
const ROW_BYTES: usize = 16;

/// The resolution: a faster session is thinned to one reading of each metric in a slot.
const SLOT: Duration = Duration::from_millis(250);

/// The most that two clocks differ because one is read after the other.
const CLOCK_NOISE: Duration = Duration::from_millis(1);

/// The most that a timestamp may differ from the clock of today. With a greater difference the clock was set since.
const MAX_CLOCK_CHANGE: Duration = Duration::from_millis(500);

/// The settings of the history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistorySettings {
    /// The age of the oldest reading. Without any, nothing is kept.
    pub span: Duration,
    /// The most memory, in bytes.
    pub bytes: usize,
    /// The selectors of metrics that are always read and kept. With one that means something, the service does not exit
    /// when it is idle.
    pub keep: Vec<String>,
    /// The time between two readings of these.
    pub interval: Duration,
}

impl Default for HistorySettings {
    fn default() -> Self {
        Self {
            span: Duration::from_secs(600),
            bytes: 1 << 20,
            keep: Vec::new(),
            interval: Duration::from_secs(1),
        }
    }
}

impl HistorySettings {
    /// Checks the form of a selector in [`keep`](Self::keep).
    ///
    /// # Errors
    /// Why it is not well formed.
    pub fn check_selector(selector: &str) -> Result<(), String> {
        let parsed = Selector::parse(selector).map(drop);
        parsed.map_err(|error| error.to_string())
    }
}

/// A frame that is kept.
pub(crate) struct KeptFrame<'a> {
    pub(crate) selection: &'a Arc<Selection>,
    /// The shortest interval of the sessions with this frame.
    pub(crate) interval: Duration,
    pub(crate) timestamp: u64,
    pub(crate) values: &'a [f64],
    /// Whether it is the first frame of its sessions, whose rates may lack a baseline: NaN is no fault of the metric.
    pub(crate) is_first: bool,
}

/// The readings of the last minutes.
#[derive(Debug, Default)]
pub(crate) struct History {
    settings: HistorySettings,
    ring: Ring,
    table: Table,
    draft: Draft,
    inheritance: Inheritance,
    /// The moment of the last record.
    last: Option<Stamp>,
}

impl History {
    /// Applies new settings.
    pub(crate) fn configure(&mut self, settings: HistorySettings) {
        self.settings = settings;
        self.drop_excess(Stamp::now());
    }

    /// Adds the readings of a frame that was taken at `now`, the moment of its tick.
    pub(crate) fn record(&mut self, now: Stamp, frame: &KeptFrame<'_>) {
        if self.settings.span.is_zero() {
            return;
        }
        self.break_at_suspend(now);
        let moment = microseconds(now.boottime);
        let interval = frame.interval.max(SLOT);
        let number = self.table.layout(frame.selection, interval, moment);
        let Some(layout) = self.table.layouts.get_mut(number) else {
            return;
        };
        // Some readings, such as those of commands, are older than the tick.
        let age = now.realtime.saturating_sub(frame.timestamp);
        let is_old = age > microseconds(CLOCK_NOISE);
        let timestamp = if is_old {
            now.realtime
        } else {
            frame.timestamp
        };
        let width = layout.series.len();
        self.draft.begin(number, width, moment, timestamp);
        let slot = slot(now.monotonic);
        let columns = layout.series.iter().zip(frame.values).enumerate();
        for (column, (&series, &value)) in columns {
            let Some(series) = self.table.series.get_mut(series) else {
                continue;
            };
            let is_number = !value.is_nan();
            // A fault does not take the place of a number in the slot.
            let is_due = match is_number {
                true => series.last != slot | 1,
                false => series.last & !1 != slot && !frame.is_first,
            };
            if is_due {
                series.last = slot | u64::from(is_number);
                self.draft.push(column, value);
            }
        }
        if let Some(record) = self.draft.finish() {
            layout.records = layout.records.saturating_add(1);
            self.inheritance.has_new_records = true;
            self.ring.push(record, self.settings.bytes);
            self.drop_excess(now);
        }
    }

    /// Adds a break if the machine was suspended since the last record: however short that was, there is a gap.
    fn break_at_suspend(&mut self, now: Stamp) {
        let last = self.last.replace(now);
        if last.is_some_and(|last| now.was_suspended_since(last)) {
            let end = a_break(microseconds(now.boottime), now.realtime);
            self.ring.push(&end, self.settings.bytes);
            // The slots are those of the monotonic clock, which has stood still.
            self.table.begin_slots();
        }
    }

    /// Drops the oldest records that are too old, or exceed the memory.
    fn drop_excess(&mut self, now: Stamp) {
        let oldest = microseconds(now.boottime.saturating_sub(self.settings.span));
        while let Some(words) = self.ring.oldest() {
            let record = Record::split(words, |layout| self.table.width(layout));
            let Some((record, _)) = record else {
                // Every record in the ring was written whole.
                break;
            };
            let bytes = self.ring.bytes().saturating_add(self.table.bytes());
            if record.moment >= oldest && bytes <= self.settings.bytes {
                break;
            }
            let (layout, words) = (record.layout, record.len());
            self.ring.drop_oldest(words);
            let layout = layout.and_then(|layout| self.table.layouts.get_mut(layout));
            if let Some(layout) = layout {
                layout.records = layout.records.saturating_sub(1);
                if layout.records == 0 {
                    self.table.drop_unused(oldest);
                }
            }
        }
    }
}

/// The timestamp of a record on the clock as it is set now.
fn wall_clock(record: &Record<'_>, now: Stamp) -> u64 {
    let age = microseconds(now.boottime).saturating_sub(record.moment);
    let expected = now.realtime.saturating_sub(age);
    match record.timestamp.abs_diff(expected) <= microseconds(MAX_CLOCK_CHANGE) {
        true => record.timestamp,
        false => expected,
    }
}

/// The number of a slot, times two.
fn slot(monotonic: Duration) -> u64 {
    let number = monotonic.as_millis().div_euclid(SLOT.as_millis());
    // The first slot has the number 1.
    let number = u64::try_from(number).unwrap_or(u64::MAX >> 2);
    number.saturating_add(1).saturating_mul(2)
}

fn microseconds(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
