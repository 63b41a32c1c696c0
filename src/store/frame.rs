//! Frames and baselines: the snapshots of a selection's entries.

use std::sync::Arc;

use crate::reading::{Snapshot, Stamp};

/// One read of a selection: a snapshot of each of its entries.
#[derive(Clone, Debug)]
pub struct Frame {
    /// The earliest moment of reading among the snapshots, in microseconds since the Unix epoch:
    /// nothing in the frame is older.
    pub timestamp: u64,
    pub(super) snapshots: Vec<Arc<Snapshot>>,
}

/// For each entry of a selection the earlier snapshot with which its rates are compared, if there is one.
pub type Baseline = Vec<Option<Arc<Snapshot>>>;

impl Frame {
    pub(super) fn new(snapshots: Vec<Arc<Snapshot>>) -> Self {
        let moments = snapshots.iter().map(|snapshot| snapshot.stamp.realtime);
        Self {
            timestamp: moments.min().unwrap_or_else(|| Stamp::now().realtime),
            snapshots,
        }
    }

    /// This frame as the baseline of the next one.
    pub fn into_baseline(self) -> Baseline {
        self.snapshots.into_iter().map(Some).collect()
    }
}
