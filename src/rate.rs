//! Readings from snapshots: a pure function of one or two of them.

use std::{sync::Arc, time::Duration};

use crate::expression::Expression;
use crate::reading::{Fault, Raw, Reading, Snapshot, Stamp, Value};

/// How a metric's reading follows from the columns of its source's snapshots.
#[derive(Clone, Debug, PartialEq)]
pub enum Formula {
    /// The column as it stands: a level, a counter's total or a text.
    Level(usize),
    /// What the counter grew by in a second, times `scale`.
    Rate {
        /// The column of the counter.
        counter: usize,
        /// What one count is worth in the metric's unit.
        scale: f64,
    },
    /// What `part` grew by, in per cent of what `whole` grew by.
    Share {
        /// The column of the counter that is a part of the other.
        part: usize,
        /// The column of the counter that is the whole.
        whole: usize,
    },
    /// What the counter of time grew by, in per cent of the time between.
    Busy {
        /// The column of the counter.
        counter: usize,
        /// How much of the counter is a second.
        second: f64,
    },
    /// What one counter grew by for each one by which the other did, times `scale`: milliseconds
    /// for each request. [`Fault::Stale`] while the other stands still.
    Each {
        /// The column of the counter that is divided.
        amount: usize,
        /// The column of the counter that divides.
        count: usize,
        /// What one of the amount is worth in the metric's unit.
        scale: f64,
    },
    /// What many counters grew by in a second together, times `scale`: those of one property of
    /// every device, one row of columns each, to the end of the snapshot.
    ///
    /// One that is no counter now, or was none before, is left out: a device that goes takes its
    /// share along, and one that comes has grown by nothing yet, in a row of another as well.
    Sum {
        /// The column of the first row that [says whose it is](Self::OfRow).
        owner: usize,
        /// The column of the first counter.
        first: usize,
        /// How far apart they are.
        step: usize,
        /// What one count is worth in the metric's unit.
        scale: f64,
    },
    /// The mean share of many devices, one row of columns each, to the end of the snapshot: a row
    /// begins with a level in per cent, or with a counter and another of which it is a part.
    ///
    /// One that has neither is left out; where all are, the first of them says why.
    Mean {
        /// The column of the first row that [says whose it is](Self::OfRow).
        owner: usize,
        /// The column of the first level, or of the first counter.
        first: usize,
        /// How many columns a row has.
        step: usize,
    },
    /// What follows from a row of columns as long as it is of one device: when that has gone, the row is
    /// used again for another. In a row of another the reading is [`Fault::Gone`], and it is compared with
    /// no earlier one.
    OfRow {
        /// The column that says whose the row is.
        owner: usize,
        /// The number of the device there, which no other device of the source ever had.
        number: u64,
        /// How the reading follows from the columns of the row.
        formula: Box<Formula>,
    },
    /// Computed from the readings of other metrics: no column of its own source.
    Derived(Arc<Expression>),
}

impl Formula {
    /// Whether an earlier snapshot is needed.
    pub fn needs_baseline(&self) -> bool {
        match self {
            Self::Level(_) | Self::Derived(_) => false,
            Self::OfRow { formula, .. } => formula.needs_baseline(),
            _ => true,
        }
    }

    /// How many columns there have to be for it.
    pub fn width(&self) -> usize {
        let last = match *self {
            Self::Level(column) => column,
            Self::Rate { counter, .. } => counter,
            Self::Share { part, whole } => part.max(whole),
            Self::Busy { counter, .. } => counter,
            Self::Each { amount, count, .. } => amount.max(count),
            Self::Sum { owner, first, .. } | Self::Mean { owner, first, .. } => owner.max(first),
            Self::OfRow {
                owner, ref formula, ..
            } => return formula.width().max(owner.saturating_add(1)),
            Self::Derived(_) => return 0,
        };
        last.saturating_add(1)
    }

    /// The reading at `now`, compared with `before` where the formula needs it.
    ///
    /// What is [derived](Self::Derived) has to be evaluated by who has the other readings; here it
    /// is [`Fault::Gone`].
    pub fn evaluate(&self, now: &Snapshot, before: Option<&Snapshot>) -> Reading {
        let number = match *self {
            Self::Level(column) => match column_of(now, column)? {
                Raw::Number(number) => *number,
                Raw::Counter(count) => *count as f64,
                Raw::Text(text) => return Ok(Value::Text(text.clone())),
                Raw::Fault(fault) => return Err(*fault),
            },
            Self::Rate { counter, scale } => {
                let span = Span::between(now, before)?;
                span.growth(counter)? as f64 * scale / span.elapsed.as_secs_f64()
            }
            Self::Share { part, whole } => Span::between(now, before)?.share(part, whole)?,
            Self::Busy { counter, second } => {
                let span = Span::between(now, before)?;
                let busy = span.growth(counter)? as f64 / second;
                // The kernel counts in ticks, so the part may seem larger than the whole.
                (100.0 * busy / span.elapsed.as_secs_f64()).min(100.0)
            }
            Self::Each {
                amount,
                count,
                scale,
            } => {
                let span = Span::between(now, before)?;
                let (amount, count) = (span.growth(amount)?, span.growth(count)?);
                if count == 0 {
                    return Err(Fault::Stale);
                }
                amount as f64 * scale / count as f64
            }
            Self::Sum {
                owner,
                first,
                step,
                scale,
            } => {
                let span = Span::between(now, before)?;
                let growth = span.growth_of_all(owner, first, step)?;
                growth as f64 * scale / span.elapsed.as_secs_f64()
            }
            Self::Mean { owner, first, step } => {
                Span::between(now, before)?.mean(owner, first, step)?
            }
            Self::OfRow {
                owner,
                number,
                ref formula,
            } => {
                if count_of(now, owner)? != number {
                    return Err(Fault::Gone);
                }
                let is_its = |before: &&Snapshot| count_of(before, owner) == Ok(number);
                return formula.evaluate(now, before.filter(is_its));
            }
            Self::Derived(_) => return Err(Fault::Gone),
        };
        finite(number)
    }
}

/// A reading is a finite number; what is none is no reading.
pub(crate) fn finite(number: f64) -> Reading {
    match number.is_finite() {
        true => Ok(Value::Number(number)),
        false => Err(Fault::Malformed),
    }
}

/// Two snapshots between which a rate can be told.
struct Span<'a> {
    now: &'a Snapshot,
    before: &'a Snapshot,
    elapsed: Duration,
}

impl<'a> Span<'a> {
    fn between(now: &'a Snapshot, before: Option<&'a Snapshot>) -> Result<Self, Fault> {
        let before = before.ok_or(Fault::First)?;
        let elapsed = elapsed(before.stamp, now.stamp)?;
        Ok(Self {
            now,
            before,
            elapsed,
        })
    }

    fn growth(&self, column: usize) -> Result<u64, Fault> {
        let now = count_of(self.now, column)?;
        // What was no counter before is one now: this is its first reading.
        let before = count_of(self.before, column).map_err(|_| Fault::First)?;
        now.checked_sub(before).ok_or(Fault::Reset)
    }

    /// What one counter grew by, in per cent of what the other did.
    fn share(&self, part: usize, whole: usize) -> Result<f64, Fault> {
        let (part, whole) = (self.growth(part)?, self.growth(whole)?);
        if whole == 0 {
            return Err(Fault::First);
        }
        // Two counters of one line are not read at one instant: a part may seem larger.
        Ok((100.0 * part as f64 / whole as f64).min(100.0))
    }

    fn mean(&self, owner: usize, first: usize, step: usize) -> Result<f64, Fault> {
        let (mut sum, mut count) = (0.0, 0_u32);
        let mut reason = None;
        for (owner, column) in self.rows(owner, first, step) {
            let share = match &self.now.columns[column] {
                Raw::Number(share) => Ok(*share),
                Raw::Counter(_) if !self.is_same(owner) => Err(Fault::First),
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

    fn growth_of_all(&self, owner: usize, first: usize, step: usize) -> Result<u64, Fault> {
        let mut sum = None;
        let mut reason = Fault::Gone;
        for (owner, column) in self.rows(owner, first, step) {
            if count_of(self.now, column).is_err() {
                continue;
            }
            if !self.is_same(owner) {
                reason = Fault::First;
                continue;
            }
            match self.growth(column) {
                Err(Fault::First) => reason = Fault::First,
                growth => {
                    let added = growth?.checked_add(sum.unwrap_or(0));
                    sum = Some(added.ok_or(Fault::Malformed)?);
                }
            }
        }
        sum.ok_or(reason)
    }

    /// The same two columns of each row, to the end of the snapshot.
    fn rows(
        &self,
        one: usize,
        other: usize,
        step: usize,
    ) -> impl Iterator<Item = (usize, usize)> + use<> {
        let columns = |first| (first..self.now.columns.len()).step_by(step.max(1));
        columns(one).zip(columns(other))
    }

    /// Whether a row is of the device that it was of before.
    fn is_same(&self, owner: usize) -> bool {
        count_of(self.now, owner).is_ok_and(|now| count_of(self.before, owner) == Ok(now))
    }
}

/// The time between two readings, if a rate can be told over it.
pub fn elapsed(before: Stamp, now: Stamp) -> Result<Duration, Fault> {
    let elapsed = now.monotonic.saturating_sub(before.monotonic);
    if elapsed.is_zero() {
        return Err(Fault::First);
    }
    if slept(before, now) {
        return Err(Fault::Gap);
    }
    Ok(elapsed)
}

/// Whether the machine was suspended between two moments.
fn slept(before: Stamp, now: Stamp) -> bool {
    // The clocks are read one after the other, so they differ a little where the process was
    // preempted in between; a suspend takes longer than this.
    const NOISE: Duration = Duration::from_millis(100);
    let awake = now.monotonic.saturating_sub(before.monotonic);
    let total = now.boottime.saturating_sub(before.boottime);
    total.saturating_sub(awake) > NOISE
}

fn column_of(snapshot: &Snapshot, column: usize) -> Result<&Raw, Fault> {
    snapshot.columns.get(column).ok_or(Fault::Gone)
}

fn count_of(snapshot: &Snapshot, column: usize) -> Result<u64, Fault> {
    match column_of(snapshot, column)? {
        Raw::Counter(count) => Ok(*count),
        Raw::Fault(fault) => Err(*fault),
        Raw::Number(_) | Raw::Text(_) => Err(Fault::Malformed),
    }
}

#[cfg(test)]
mod tests;
