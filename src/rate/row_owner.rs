//! The owner of a row of columns: which device it belongs to, and since when its counters grow.

use crate::reading::{Fault, Raw};

/// The owner of a row, as the row's first column has it: the number of its device in the lower 48 bits, and the number of
/// times that its counters began anew in the upper 16.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowOwner(u64);

impl RowOwner {
    const NUMBER_BITS: u32 = 48;

    /// The device with this number, of 48 bits, whose counters began anew so many times, modulo 2¹⁶.
    pub const fn new(number: u64, resets: u16) -> Self {
        Self(number & (u64::MAX >> 16) | (resets as u64) << Self::NUMBER_BITS)
    }

    /// The column.
    pub const fn column(self) -> Raw {
        Raw::Counter(self.0)
    }

    /// The owner that a column has.
    pub(super) const fn of(column: u64) -> Self {
        Self(column)
    }

    /// The number of the device.
    pub(super) fn number(self) -> u64 {
        Self::new(self.0, 0).0
    }

    /// Whether counters of a row with the owner `before` are a baseline for those of this one.
    ///
    /// # Errors
    /// [`Fault::First`] if the row belonged to another device, [`Fault::Reset`] if one of its counters has gone backwards
    /// since: the others began anew with it, also where they are greater again.
    pub(super) fn follows(self, before: Self) -> Result<(), Fault> {
        match before {
            _ if before == self => Ok(()),
            _ if before.number() == self.number() => Err(Fault::Reset),
            _ => Err(Fault::First),
        }
    }
}
