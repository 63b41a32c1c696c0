//! Two snapshots of a source, and the growth of its counters between them.

use std::time::Duration;

use crate::reading::{Fault, Raw, Snapshot, Stamp};

use super::row_owner::RowOwner;

/// Two snapshots, and the time between them.
pub(super) struct Span<'a> {
    now: &'a Snapshot,
    before: &'a Snapshot,
    pub(super) elapsed: Duration,
}

impl<'a> Span<'a> {
    pub(super) fn between(now: &'a Snapshot, before: Option<&'a Snapshot>) -> Result<Self, Fault> {
        let before = before.ok_or(Fault::First)?;
        let elapsed = elapsed(before.stamp, now.stamp)?;
        Ok(Self {
            now,
            before,
            elapsed,
        })
    }

    pub(super) fn growth(&self, column: usize) -> Result<u64, Fault> {
        let now = count_of(self.now, column)?;
        // The column was no counter before, so this is its first reading.
        let before = count_of(self.before, column).map_err(|_| Fault::First)?;
        now.checked_sub(before).ok_or(Fault::Reset)
    }

    /// The growth of `part` in per cent of the growth of `whole`.
    pub(super) fn share(&self, part: usize, whole: usize) -> Result<f64, Fault> {
        let (part, whole) = (self.growth(part)?, self.growth(whole)?);
        if whole == 0 {
            return Err(Fault::First);
        }
        // The kernel does not read two counters of one line at one instant, so the part can seem larger.
        Ok((100.0 * part as f64 / whole as f64).min(100.0))
    }

    /// `columns` are those of the owner, of the level or part, and of the gate in the first row.
    pub(super) fn mean(&self, columns: [usize; 3], step: usize) -> Result<f64, Fault> {
        let (mut sum, mut count) = (0.0, 0_u32);
        let mut reason = None;
        let [owner, first, gate] = columns;
        let rows = self.rows(owner, first, step);
        for ((owner, column), gate) in rows.zip((gate..).step_by(step.max(1))) {
            if owner_of(self.now, owner).is_err() {
                // No device has the row.
                continue;
            }
            let share = match (column_of(self.now, gate), &self.now.columns[column]) {
                (Ok(Raw::Fault(fault)), _) => Err(*fault),
                (_, Raw::Number(share)) => Ok(*share),
                (_, Raw::Counter(_)) => self
                    .is_baseline(owner)
                    .and_then(|()| self.share(column, column.saturating_add(1))),
                _ => self.share(column, column.saturating_add(1)),
            };
            match share {
                Ok(share) => (sum, count) = (sum + share, count.saturating_add(1)),
                Err(fault) => reason = reason.or(Some(fault)),
            }
        }
        match count {
            0 => Err(reason.unwrap_or(Fault::Gone)),
            count => Ok(sum / f64::from(count)),
        }
    }

    pub(super) fn growth_of_all(
        &self,
        owner: usize,
        first: usize,
        step: usize,
    ) -> Result<u64, Fault> {
        let mut sum = None;
        let mut reason = Fault::Gone;
        for (owner, column) in self.rows(owner, first, step) {
            match count_of(self.now, column) {
                Ok(_) => {}
                Err(Fault::Gone) => continue,
                // The kernel does not count what this device does.
                Err(Fault::Stale) => {
                    reason = Fault::Stale;
                    continue;
                }
                Err(fault) => return Err(fault),
            }
            match self.is_baseline(owner).and_then(|()| self.growth(column)) {
                // The share of this device is not known, unless it is new.
                Err(Fault::First) if self.was_malformed(owner, column) => {
                    return Err(Fault::First);
                }
                Err(Fault::First) => reason = Fault::First,
                growth => {
                    let added = growth?.checked_add(sum.unwrap_or(0));
                    sum = Some(added.ok_or(Fault::Malformed)?);
                }
            }
        }
        sum.ok_or(reason)
    }

    /// Whether a row had the same owner before, and a fault other than that of a device that is absent.
    fn was_malformed(&self, owner: usize, column: usize) -> bool {
        let before = count_of(self.before, column);
        self.is_baseline(owner).is_ok() && before.is_err_and(|fault| fault != Fault::Gone)
    }

    /// Two columns of each row, to the end of the snapshot.
    fn rows(
        &self,
        one: usize,
        other: usize,
        step: usize,
    ) -> impl Iterator<Item = (usize, usize)> + use<> {
        let columns = |first| (first..self.now.columns.len()).step_by(step.max(1));
        columns(one).zip(columns(other))
    }

    /// Whether the counters of a row have a baseline.
    fn is_baseline(&self, owner: usize) -> Result<(), Fault> {
        let before = owner_of(self.before, owner).map_err(|_| Fault::First)?;
        owner_of(self.now, owner)?.follows(before)
    }
}

/// The time between two readings.
///
/// # Errors
/// [`Fault::First`] if it is 0, [`Fault::Gap`] if the machine was suspended in it.
pub fn elapsed(before: Stamp, now: Stamp) -> Result<Duration, Fault> {
    let elapsed = now.monotonic.saturating_sub(before.monotonic);
    if elapsed.is_zero() {
        return Err(Fault::First);
    }
    if now.was_suspended_since(before) {
        return Err(Fault::Gap);
    }
    Ok(elapsed)
}

pub(super) fn column_of(snapshot: &Snapshot, column: usize) -> Result<&Raw, Fault> {
    snapshot.columns.get(column).ok_or(Fault::Gone)
}

pub(super) fn count_of(snapshot: &Snapshot, column: usize) -> Result<u64, Fault> {
    match column_of(snapshot, column)? {
        Raw::Counter(count) => Ok(*count),
        Raw::Fault(fault) => Err(*fault),
        Raw::Number(_) | Raw::Text(_) => Err(Fault::Malformed),
    }
}

pub(super) fn owner_of(snapshot: &Snapshot, column: usize) -> Result<RowOwner, Fault> {
    count_of(snapshot, column).map(RowOwner::of)
}
