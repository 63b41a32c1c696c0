//! The columns of a quantity that may be a counter.

use crate::reading::{Fault, Raw};

/// The level, or the counter.
pub(super) const COUNTER: usize = 0;

/// The time of the counter, in nanoseconds.
pub(super) const MOMENT: usize = 1;

/// A fault while the counter is not read: see [`Formula::Gated`](crate::rate::Formula::Gated).
pub(super) const GATE: usize = 2;

/// Fills the columns of a level.
pub(super) fn level(columns: &mut [Raw], number: f64) {
    columns[0] = Raw::Number(number);
    if let Some(gate) = columns.get_mut(GATE) {
        *gate = Raw::Number(0.0);
    }
}

/// Fills the columns of a counter.
pub(super) fn fill(columns: &mut [Raw], [counter, moment]: [u64; 2], gate: Option<Fault>) {
    columns[COUNTER] = Raw::Counter(counter);
    columns[MOMENT] = Raw::Counter(moment);
    columns[GATE] = gate.map_or(Raw::Number(0.0), Raw::Fault);
}
