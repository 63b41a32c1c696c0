//! Frames and baselines: the snapshots of a selection's entries.

use std::{sync::Arc, time::Duration};

use crate::reading::{Fault, Raw, Snapshot, Stamp};

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

    /// The positions of the entries that have not answered.
    pub(crate) fn unanswered(&self) -> impl Iterator<Item = usize> {
        let is_late = |snapshot: &Snapshot| snapshot.columns.contains(&Raw::Fault(Fault::Timeout));
        let snapshots = self.snapshots.iter().enumerate();
        let late = snapshots.filter(move |(_, snapshot)| is_late(snapshot));
        late.map(|(position, _)| position)
    }

    /// This frame as the baseline of the next one.
    pub fn into_baseline(self) -> Baseline {
        self.snapshots.into_iter().map(Some).collect()
    }

    /// This frame as the baseline of the next one, where `before` was its own. A snapshot of a pause in reading a device is
    /// none: the one before it is kept, so that the next reading after the pause has a rate.
    pub fn into_baseline_after(self, before: &Baseline) -> Baseline {
        let mut before = before.iter();
        let snapshots = self.snapshots.into_iter().map(|now| {
            let before = before.next().cloned().flatten();
            Some(
                before
                    .filter(|before| is_paused(before, &now))
                    .unwrap_or(now),
            )
        });
        snapshots.collect()
    }
}

/// The longest pause over which a baseline is kept: a rate describes the present.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Whether a device with counters has none for the moment.
fn is_paused(before: &Snapshot, now: &Snapshot) -> bool {
    let is_counter = |column: &Raw| matches!(column, Raw::Counter(_));
    let pause = now.stamp.monotonic.saturating_sub(before.stamp.monotonic);
    !now.columns.iter().any(is_counter)
        && now.columns.contains(&Raw::Fault(Fault::Stale))
        && before.columns.iter().any(is_counter)
        && pause <= LONGEST_PAUSE
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot(second: u64, columns: &[Raw]) -> Arc<Snapshot> {
        let moment = Duration::from_secs(second);
        let stamp = Stamp {
            realtime: second,
            monotonic: moment,
            boottime: moment,
        };
        Arc::new(Snapshot {
            stamp,
            columns: columns.to_vec(),
        })
    }

    #[test]
    fn a_pause_keeps_the_baseline() {
        let (counter, stale) = (Raw::Counter(1), Raw::Fault(Fault::Stale));
        // The moment of the baseline of the next frame.
        let check = |before: &[Raw], now: &[Raw], second: u64, expected: u64| {
            let baseline = vec![Some(snapshot(100, before))];
            let frame = Frame::new(vec![snapshot(second, now)]);
            let next = frame.into_baseline_after(&baseline).remove(0).unwrap();
            assert_eq!(next.stamp.realtime, expected);
        };
        let one = std::slice::from_ref;
        check(one(&counter), one(&counter), 101, 101);
        check(one(&counter), one(&stale), 101, 100);
        check(one(&counter), one(&stale), 160, 100);
        check(one(&counter), one(&stale), 161, 161);
        check(one(&counter), one(&Raw::Fault(Fault::Asleep)), 101, 101);
        check(one(&Raw::Number(1.0)), one(&stale), 101, 101);
        let both = [counter.clone(), stale.clone()];
        check(&[counter.clone(), counter.clone()], &both, 101, 101);
        let first = Frame::new(vec![snapshot(1, one(&stale))]);
        assert!(first.into_baseline_after(&Baseline::new())[0].is_some());
    }
}
