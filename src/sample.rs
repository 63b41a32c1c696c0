//! One fresh reading with rates, as the method `Sample` returns it.

use std::time::Duration;

use tokio::time::sleep;

use crate::{
    reading::{Fault, Reading, monotonic},
    store::{Baseline, Column, Frame, Selection, Store},
};

/// The kernel counts CPU time in ticks of at most 10 ms (`USER_HZ`). Counters that have not moved within the window
/// are read again a tick later; counters that do not move in ten ticks stand still.
const TICK: Duration = Duration::from_millis(10);
const MAX_TICKS: u32 = 10;

/// The limit of waits for sources that prove slow during the read: one, and one for those that prove slow in the
/// second read.
const MAX_WAITS: u32 = 2;

/// The durations of a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SampleTiming {
    /// The shortest time between the two reads of a rate.
    pub window: Duration,
    /// The greatest age of an earlier reading that may be returned.
    pub max_age: Duration,
    /// Readings that take longer are [`Fault::Timeout`].
    pub timeout: Duration,
}

impl Default for SampleTiming {
    fn default() -> Self {
        Self {
            window: Duration::from_millis(200),
            max_age: Duration::ZERO,
            timeout: Duration::from_secs(1),
        }
    }
}

/// The readings of a selection.
#[derive(Debug)]
pub struct Sample {
    frame: Frame,
    baseline: Baseline,
    /// Whether the window is longer than the timeout, so that rates have no second read.
    is_late: bool,
}

impl Sample {
    /// Reads a selection. A rate without a baseline takes two reads, a window apart, or a little more if its
    /// counters have not moved. Waits for answers that are still to come, such as the first one of a command.
    pub async fn take(store: &Store, selection: &Selection, timing: SampleTiming) -> Self {
        let start = monotonic();
        let deadline = start.saturating_add(timing.timeout);
        if !timing.max_age.is_zero() {
            let since = start.saturating_sub(timing.max_age);
            store.prefetch(selection, since, deadline).await;
            let frame = store.read(selection, since);
            let baseline = store.existing_baseline(selection, &frame, timing.window);
            if selection.is_covered(&baseline) {
                return Self::new(frame, baseline, false);
            }
        }
        store
            .prefetch_baseline(selection, timing.window, deadline)
            .await;
        let (baseline, ready) = store.baseline(selection, timing.window);
        if ready > deadline {
            sleep(timing.timeout).await;
            let frame = store.read(selection, deadline);
            return Self::new(frame, Baseline::new(), true);
        }
        let mut since = ready.max(start);
        let wait = since.saturating_sub(start);
        if !wait.is_zero() {
            sleep(wait).await;
        }
        let (mut ticks, mut waits) = (0, 0);
        store.prefetch(selection, since, deadline).await;
        let mut frame = store.read(selection, since);
        loop {
            let left = deadline.saturating_sub(monotonic());
            let is_too_soon = ticks < MAX_TICKS && selection.is_too_soon(&frame, &baseline);
            // The read has begun jobs of sources that have just proved slow. They may be answered by now.
            let is_late = frame.unanswered().next().is_some();
            let is_awaited = waits < MAX_WAITS && (is_late || store.is_worth_waiting(selection));
            if left.is_zero() || !(is_too_soon || is_awaited) {
                return Self::new(frame, baseline, false);
            }
            if is_awaited {
                waits = waits.saturating_add(1);
            } else {
                ticks = ticks.saturating_add(1);
                sleep(left.min(TICK)).await;
            }
            since = monotonic();
            // The others are not asked a second time.
            let positions = selection.unfinished(&frame);
            store
                .prefetch_again(selection, &positions, since, deadline)
                .await;
            frame = store.read_again(selection, frame, &positions, since);
        }
    }

    fn new(frame: Frame, baseline: Baseline, is_late: bool) -> Self {
        Self {
            frame,
            baseline,
            is_late,
        }
    }

    /// The moment of reading, in microseconds since the Unix epoch.
    pub fn timestamp(&self) -> u64 {
        self.frame.timestamp
    }

    /// The readings, in the order of the selection's columns.
    pub fn readings<'a>(
        &'a self,
        selection: &'a Selection,
    ) -> impl Iterator<Item = (&'a Column, Reading)> {
        let readings = selection.readings(&self.frame, &self.baseline);
        readings.map(|(column, reading)| match reading {
            Err(Fault::First) if self.is_late => (column, Err(Fault::Timeout)),
            reading => (column, reading),
        })
    }
}

#[cfg(test)]
mod tests;
