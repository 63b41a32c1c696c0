//! The window: the records that a request for the past needs. It is found from the newest record backwards, so that a request
//! costs what it returns, however large the ring is.

use std::{collections::HashMap, time::Duration};

use crate::{reading::Stamp, store::Selection};

use super::{
    History, MAX_BYTES, Past, ROW_BYTES, SLOT, fingerprint::definition, microseconds,
    past::GAP_INTERVALS, past::Rows, record::Record, wall_clock,
};

/// The last records with a value of a selection.
struct Window<'a> {
    history: &'a History,
    /// The wanted columns of each layout.
    layouts: Vec<Option<Wanted>>,
    /// The chunks of the ring before the window, and those of the window.
    before: Vec<&'a [u64]>,
    chunks: Vec<&'a [u64]>,
    /// The moment of the oldest record that is wanted.
    since: u64,
    /// The moments of the window without a row.
    skipped: usize,
}

/// The columns of a layout that are wanted.
struct Wanted {
    /// The columns of the layout, each with its column of the selection.
    columns: Vec<(usize, usize)>,
    interval: Duration,
}

impl History {
    /// The rows of a selection of the last `span`: at most `max_rows` and [`MAX_BYTES`], the newest.
    pub(crate) fn past(
        &self,
        selection: &Selection,
        span: Duration,
        max_rows: usize,
        now: Stamp,
    ) -> Past {
        let width = selection.columns.len();
        let row_bytes = size_of::<f64>()
            .saturating_mul(width)
            .saturating_add(ROW_BYTES);
        let most = MAX_BYTES.checked_div(row_bytes).unwrap_or_default();
        let most = most.min(max_rows);
        let since = now.boottime.saturating_sub(span.min(self.settings.span));
        let window = Window::find(self, selection, microseconds(since), most);
        let mut rows = Rows::new(width, window.skipped);
        if window.skipped > 0 {
            window.carry_in(&mut rows);
        }
        for record in window.records() {
            if record.layout.is_none() {
                rows.break_off();
            }
            let timestamp = wall_clock(&record, now);
            for (column, value, interval) in window.values(&record) {
                rows.begin(record.moment, timestamp);
                rows.set(column, value, interval);
            }
        }
        rows.finish(microseconds(now.boottime), most)
    }

    /// The records of a chunk, from the oldest to the newest.
    pub(super) fn records_of<'a>(
        &'a self,
        mut chunk: &'a [u64],
    ) -> impl Iterator<Item = Record<'a>> {
        std::iter::from_fn(move || {
            let (record, rest) = Record::split(chunk, |layout| self.table.width(layout))?;
            chunk = rest;
            Some(record)
        })
    }

    /// All records, from the oldest to the newest.
    #[cfg(test)]
    pub(super) fn all_records(&self) -> Vec<Record<'_>> {
        let chunks = self.ring.slices();
        chunks.flat_map(|chunk| self.records_of(chunk)).collect()
    }

    /// For each layout what a selection wants of it.
    fn wanted(&self, selection: &Selection) -> Vec<Option<Wanted>> {
        let mut by_series = HashMap::new();
        for (column, selected) in selection.columns.iter().enumerate() {
            let hash = definition(&selected.metric, selected.is_custom);
            let series = hash.and_then(|hash| self.table.find(&selected.metric.id, hash));
            if let Some(series) = series {
                by_series.insert(series, column);
            }
        }
        let mut layouts = Vec::new();
        for (number, layout) in self.table.layouts.iter() {
            let series = layout.series.iter().enumerate();
            let columns: Vec<_> = series
                .filter_map(|(position, series)| Some((position, *by_series.get(series)?)))
                .collect();
            let interval = layout.interval;
            layouts.resize_with(number as usize, || None);
            layouts.push((!columns.is_empty()).then_some(Wanted { columns, interval }));
        }
        layouts
    }
}

impl<'a> Window<'a> {
    /// The window of at least the last `most` moments of a selection, if there are as many since the moment `since`.
    fn find(history: &'a History, selection: &Selection, since: u64, most: usize) -> Self {
        let mut window = Self {
            history,
            layouts: history.wanted(selection),
            before: history.ring.slices().collect(),
            chunks: Vec::new(),
            since,
            skipped: 0,
        };
        let (mut count, mut next) = (0_usize, None);
        // Nobody has read any of its metrics.
        let mut is_older = window.layouts.iter().all(Option::is_none);
        // The first row needs all records of its moment, so the window has a moment before it.
        while count <= most
            && !is_older
            && let Some(chunk) = window.before.pop()
        {
            let (mut first, mut last) = (None, None);
            for record in history.records_of(chunk) {
                is_older |= record.moment < since;
                if last != Some(record.moment) && window.values(&record).next().is_some() {
                    count = count.saturating_add(1);
                    first = first.or(Some(record.moment));
                    last = Some(record.moment);
                }
            }
            // A moment whose records are in two chunks counts once.
            count = count.saturating_sub(usize::from(last.is_some() && last == next));
            next = first.or(next);
            window.chunks.push(chunk);
        }
        window.chunks.reverse();
        window.skipped = count.saturating_sub(most);
        window
    }

    /// The records of the window, from the oldest to the newest.
    fn records(&self) -> impl Iterator<Item = Record<'a>> {
        let chunks = self.chunks.iter();
        chunks.flat_map(|chunk| self.history.records_of(chunk))
    }

    /// The wanted values of a record: the column of the selection, the value, and the interval of the layout.
    fn values(&self, record: &Record<'a>) -> impl Iterator<Item = (usize, f64, Duration)> {
        let wanted = self.wanted(record);
        wanted.into_iter().flat_map(|wanted| {
            let columns = wanted.columns.iter();
            columns.filter_map(|&(position, column)| {
                Some((column, record.value(position)?, wanted.interval))
            })
        })
    }

    fn wanted(&self, record: &Record<'_>) -> Option<&Wanted> {
        let layout = self.layouts.get(record.layout? as usize)?.as_ref();
        layout.filter(|_| record.moment >= self.since)
    }

    /// Gives each column its last reading before the window, if there can be no gap in between.
    fn carry_in(&self, rows: &mut Rows) {
        let Some(begin) = self.records().next() else {
            return;
        };
        let intervals = self.layouts.iter().flatten().map(|wanted| wanted.interval);
        let longest = intervals.max().unwrap_or_default().max(SLOT);
        let oldest = begin
            .moment
            .saturating_sub(microseconds(longest.saturating_mul(GAP_INTERVALS)));
        // Whether a layout has a column without a reading; `None` until it is asked, and after each new reading.
        let mut lacking = vec![None; self.layouts.len()];
        for chunk in self.before.iter().rev() {
            let records: Vec<_> = self.history.records_of(chunk).collect();
            for record in records.iter().rev() {
                if record.layout.is_none() || record.moment < oldest {
                    return;
                }
                let (Some(wanted), Some(layout)) = (self.wanted(record), record.layout) else {
                    continue;
                };
                let is_lacking = lacking[layout as usize].get_or_insert_with(|| {
                    let mut columns = wanted.columns.iter();
                    columns.any(|&(_, column)| rows.lacks(column))
                });
                if *is_lacking {
                    for (column, value, interval) in self.values(record) {
                        if rows.lacks(column) {
                            rows.carry_in(column, value, record.moment, interval);
                            lacking.fill(None);
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
