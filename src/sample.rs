//! One fresh reading now, rates included: what `Sample` does, on the bus and without one.

use std::time::Duration;

use tokio::time::sleep;

use crate::{
    reading::{Fault, Reading, Stamp},
    store::{Baseline, Column, Frame, Selection, Store},
};

/// How a sample is to be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// The shortest time between the two reads of a rate.
    pub window: Duration,
    /// A reading that is at most this old will do.
    pub max_age: Duration,
    /// What takes longer than this is a fault.
    pub timeout: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            window: Duration::from_millis(200),
            max_age: Duration::ZERO,
            timeout: Duration::from_secs(1),
        }
    }
}

/// What was read of a selection.
#[derive(Debug)]
pub struct Sample {
    frame: Frame,
    baseline: Baseline,
    late: bool,
}

impl Sample {
    /// Reads a selection. A rate that has no earlier reading to compare with takes two, a window
    /// apart.
    pub async fn take(store: &Store, selection: &Selection, options: Options) -> Self {
        let start = Stamp::now().monotonic;
        if !options.max_age.is_zero() {
            let frame = store.read(selection, start.saturating_sub(options.max_age));
            let baseline = store.past(selection, &frame, options.window);
            if selection.is_covered(&baseline) {
                return Self::new(frame, baseline, false);
            }
        }
        let (baseline, ready) = store.baseline(selection, options.window);
        let deadline = start + options.timeout;
        let late = ready > deadline;
        let wait = ready.min(deadline).saturating_sub(start);
        if !wait.is_zero() {
            sleep(wait).await;
        }
        let frame = store.read(selection, start + wait);
        Self::new(frame, if late { Baseline::new() } else { baseline }, late)
    }

    fn new(frame: Frame, baseline: Baseline, late: bool) -> Self {
        Self {
            frame,
            baseline,
            late,
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
            Err(Fault::First) if self.late => (column, Err(Fault::Timeout)),
            reading => (column, reading),
        })
    }
}
