//! Readings from snapshots: a pure function of one or two of them.

use std::time::Duration;

use crate::reading::{Fault, Raw, Reading, Snapshot, Stamp, Value};

/// How a metric's reading follows from the columns of its source's snapshots.
#[derive(Clone, Copy, Debug, PartialEq)]
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
}

impl Formula {
    /// Whether an earlier snapshot is needed.
    pub fn needs_baseline(self) -> bool {
        !matches!(self, Self::Level(_))
    }

    /// The reading at `now`, compared with `before` where the formula needs it.
    pub fn evaluate(self, now: &Snapshot, before: Option<&Snapshot>) -> Reading {
        let number = match self {
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
            Self::Share { part, whole } => {
                let span = Span::between(now, before)?;
                let (part, whole) = (span.growth(part)?, span.growth(whole)?);
                if whole == 0 {
                    return Err(Fault::First);
                }
                // Two counters of one line are not read at one instant: a part may seem larger.
                (100.0 * part as f64 / whole as f64).min(100.0)
            }
        };
        if number.is_finite() {
            Ok(Value::Number(number))
        } else {
            Err(Fault::Malformed)
        }
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
        let elapsed = now.stamp.monotonic.saturating_sub(before.stamp.monotonic);
        if elapsed.is_zero() {
            return Err(Fault::First);
        }
        if slept(before.stamp, now.stamp) {
            return Err(Fault::Gap);
        }
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
}

/// Whether the machine was suspended between two moments.
pub fn slept(before: Stamp, now: Stamp) -> bool {
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
mod tests {
    use super::*;

    /// A snapshot of counters, `seconds` after boot, of which `asleep` were slept.
    fn snapshot(seconds: f64, asleep: f64, columns: &[u64]) -> Snapshot {
        Snapshot {
            stamp: Stamp {
                realtime: 0,
                monotonic: Duration::from_secs_f64(seconds - asleep),
                boottime: Duration::from_secs_f64(seconds),
            },
            columns: columns.iter().map(|&count| Raw::Counter(count)).collect(),
        }
    }

    const RATE: Formula = Formula::Rate {
        counter: 0,
        scale: 1.0,
    };
    const SHARE: Formula = Formula::Share { part: 0, whole: 1 };

    #[track_caller]
    fn check(formula: Formula, before: &Snapshot, now: &Snapshot, expected: Result<f64, Fault>) {
        let reading = formula.evaluate(now, Some(before));
        assert_eq!(reading, expected.map(Value::Number));
    }

    #[test]
    fn rate_is_growth_over_monotonic_time() {
        let before = snapshot(10.0, 0.0, &[100]);
        check(RATE, &before, &snapshot(12.0, 0.0, &[300]), Ok(100.0));
        check(RATE, &before, &snapshot(12.0, 0.0, &[100]), Ok(0.0));
    }

    #[test]
    fn rate_keeps_every_bit_above_2_to_the_53() {
        let huge = (1 << 60) + 1;
        let before = snapshot(1.0, 0.0, &[huge]);
        check(RATE, &before, &snapshot(2.0, 0.0, &[huge + 3]), Ok(3.0));
    }

    #[test]
    fn backwards_is_a_reset() {
        let before = snapshot(10.0, 0.0, &[100, 1000]);
        check(
            RATE,
            &before,
            &snapshot(11.0, 0.0, &[99, 1100]),
            Err(Fault::Reset),
        );
        check(
            SHARE,
            &before,
            &snapshot(11.0, 0.0, &[99, 1100]),
            Err(Fault::Reset),
        );
        check(
            SHARE,
            &before,
            &snapshot(11.0, 0.0, &[101, 999]),
            Err(Fault::Reset),
        );
    }

    #[test]
    fn suspend_is_a_gap() {
        let before = snapshot(10.0, 0.0, &[100, 1000]);
        let after = snapshot(100.0, 89.0, &[200, 1100]);
        check(RATE, &before, &after, Err(Fault::Gap));
        check(SHARE, &before, &after, Err(Fault::Gap));
    }

    #[test]
    fn no_baseline_is_first() {
        let now = snapshot(1.0, 0.0, &[1, 2]);
        assert_eq!(RATE.evaluate(&now, None), Err(Fault::First));
        check(RATE, &now, &now, Err(Fault::First));
        check(SHARE, &now, &snapshot(1.1, 0.0, &[1, 2]), Err(Fault::First));
        let absent = Snapshot {
            columns: vec![Raw::Fault(Fault::Gone)],
            ..now.clone()
        };
        check(RATE, &absent, &snapshot(2.0, 0.0, &[1]), Err(Fault::First));
        check(
            RATE,
            &now,
            &Snapshot {
                stamp: snapshot(2.0, 0.0, &[]).stamp,
                ..absent
            },
            Err(Fault::Gone),
        );
    }

    #[test]
    fn a_level_is_what_it_is() {
        let now = Snapshot {
            columns: vec![
                Raw::Number(f64::NAN),
                Raw::Counter(7),
                Raw::Text("x".into()),
            ],
            ..snapshot(1.0, 0.0, &[])
        };
        let level = |column| Formula::Level(column).evaluate(&now, None);
        assert_eq!(level(0), Err(Fault::Malformed));
        assert_eq!(level(1), Ok(Value::Number(7.0)));
        assert_eq!(level(2), Ok(Value::Text("x".into())));
        assert_eq!(level(3), Err(Fault::Gone));
    }
}
