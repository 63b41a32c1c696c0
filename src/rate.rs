//! Readings from snapshots: pure functions of one or two snapshots.

mod row_owner;
mod span;

use std::sync::Arc;

use crate::expression::Expression;
use crate::reading::{Fault, Raw, Reading, Snapshot, Value};

pub use row_owner::RowOwner;
pub use span::elapsed;
use span::{Span, column_of, owner_of};

/// The function that makes a metric's reading from the columns of its source's snapshots.
#[derive(Clone, Debug, PartialEq)]
pub enum Formula {
    /// The column itself: a level, the total of a counter or a text.
    Level(usize),
    /// The growth of the counter per second, times `scale`.
    Rate {
        /// The column of the counter.
        counter: usize,
        /// The value of one count in the metric's unit.
        scale: f64,
    },
    /// The growth of `part` in per cent of the growth of `whole`.
    Share {
        /// The column of the counter that is a part of the other.
        part: usize,
        /// The column of the counter that is the whole.
        whole: usize,
    },
    /// The growth of a counter of time in per cent of the elapsed time.
    Busy {
        /// The column of the counter.
        counter: usize,
        /// The counts of one second.
        second: f64,
    },
    /// The growth of `amount` divided by the growth of `count`, times `scale`: milliseconds per request.
    /// [`Fault::Stale`] while `count` stands still.
    Each {
        /// The column of the dividend.
        amount: usize,
        /// The column of the divisor.
        count: usize,
        /// The value of one of the amount in the metric's unit.
        scale: f64,
    },
    /// The growth of many counters together per second, times `scale`: those of one property of every device,
    /// one row of columns each, to the end of the snapshot.
    ///
    /// A column that is [`Fault::Gone`] in one of the snapshots is left out: the share of a device that has gone is
    /// missing, and a new device has not grown yet, also if it uses the row of another one. So is one that is
    /// [`Fault::Stale`], of a device that the kernel does not count. Another fault is that of the sum.
    Sum {
        /// The column of the first row with its [owner](RowOwner).
        owner: usize,
        /// The column of the first counter.
        first: usize,
        /// The distance of the counters, in columns.
        step: usize,
        /// The value of one count in the metric's unit.
        scale: f64,
    },
    /// The mean share of many devices, one row of columns each, to the end of the snapshot: `first` is a level
    /// in per cent, or a counter that is a part of the counter in the next column.
    ///
    /// A row with neither, or with a fault in its [gate](Self::Gated), is left out. If all are, the reading has the
    /// fault of the first one.
    Mean {
        /// The column of the first row with its [owner](RowOwner).
        owner: usize,
        /// The column of the first level, or of the first counter.
        first: usize,
        /// The column of the first gate.
        gate: usize,
        /// The number of columns of a row.
        step: usize,
    },
    /// The reading of `formula`, unless the column `gate` is a fault: then that fault. While it is one, the other
    /// columns stay as they were at the last reading, so that the first reading afterwards has a baseline. The formula
    /// must have its time in a column.
    Gated {
        /// The column that is a fault while the device is not read.
        gate: usize,
        /// The formula for the other columns.
        formula: Box<Formula>,
    },
    /// The reading of one device from its row of columns. When the device has gone, another one can use the row:
    /// then the reading is [`Fault::Gone`], and a snapshot with the row of another device is no baseline. When one
    /// counter of the row goes backwards, all of them are [`Fault::Reset`].
    OfRow {
        /// The column with the [owner](RowOwner) of the row.
        owner: usize,
        /// The number of the device. The source gives no number twice.
        number: u64,
        /// The formula for the columns of the row.
        formula: Box<Formula>,
    },
    /// The numbers of several formulas added up, as of the devices of one file system. The fault of one is that of all.
    Together(Vec<Formula>),
    /// An expression over the readings of other metrics, without a column of its own.
    Derived(Arc<Expression>),
}

impl Formula {
    /// Whether the reading needs an earlier snapshot.
    pub fn needs_baseline(&self) -> bool {
        match self {
            Self::Level(_) | Self::Derived(_) => false,
            Self::OfRow { formula, .. } | Self::Gated { formula, .. } => formula.needs_baseline(),
            Self::Together(parts) => parts.iter().any(Self::needs_baseline),
            _ => true,
        }
    }

    /// The number of columns that a snapshot needs for the formula.
    pub fn width(&self) -> usize {
        let last = match *self {
            Self::Level(column) => column,
            Self::Rate { counter, .. } => counter,
            Self::Share { part, whole } => part.max(whole),
            Self::Busy { counter, .. } => counter,
            Self::Each { amount, count, .. } => amount.max(count),
            Self::Sum { owner, first, .. } => owner.max(first),
            Self::Mean {
                owner, first, gate, ..
            } => owner.max(first).max(gate),
            Self::Gated { gate, ref formula } => {
                return formula.width().max(gate.saturating_add(1));
            }
            Self::OfRow {
                owner, ref formula, ..
            } => return formula.width().max(owner.saturating_add(1)),
            Self::Together(ref parts) => {
                return parts.iter().map(Self::width).max().unwrap_or(0);
            }
            Self::Derived(_) => return 0,
        };
        last.saturating_add(1)
    }

    /// The reading at `now`, compared with `before` if the formula needs it.
    ///
    /// A [derived](Self::Derived) reading is [`Fault::Gone`] here: the caller evaluates the expression, because it
    /// has the other readings.
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
                // The kernel counts in ticks, so the busy time can exceed the elapsed time.
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
            Self::Mean {
                owner,
                first,
                gate,
                step,
            } => Span::between(now, before)?.mean([owner, first, gate], step)?,
            Self::Gated { gate, ref formula } => {
                return match column_of(now, gate)? {
                    Raw::Fault(fault) => Err(*fault),
                    _ => formula.evaluate(now, before),
                };
            }
            Self::OfRow {
                owner,
                number,
                ref formula,
            } => {
                let row = owner_of(now, owner)?;
                if row.number() != number {
                    return Err(Fault::Gone);
                }
                let follows = before.map(|before| row.follows(owner_of(before, owner)?));
                return match follows {
                    Some(Err(Fault::Reset)) if formula.needs_baseline() => Err(Fault::Reset),
                    follows => formula.evaluate(now, before.filter(|_| follows == Some(Ok(())))),
                };
            }
            Self::Together(ref parts) => {
                let mut sum = 0.0;
                for part in parts {
                    match part.evaluate(now, before)? {
                        Value::Number(number) => sum += number,
                        Value::Text(_) => return Err(Fault::Malformed),
                    }
                }
                sum
            }
            Self::Derived(_) => return Err(Fault::Gone),
        };
        finite(number)
    }
}

/// A reading of a finite number; [`Fault::Malformed`] of infinity and NaN.
pub(crate) fn finite(number: f64) -> Reading {
    match number.is_finite() {
        true => Ok(Value::Number(number)),
        false => Err(Fault::Malformed),
    }
}

#[cfg(test)]
mod tests;
