//! Devices for which the kernel may count nothing.

use std::collections::HashMap;

use super::columns::*;
use crate::{
    kernel::block::identity::Identity,
    reading::{Fault, Raw},
    source::rows,
};

/// The rows of devices whose accounting is off, by `queue/iostats`. Their counters stand still, which does not mean that
/// the devices are idle. Drivers that count by themselves ignore the setting (`bdev_start_io_acct` in block/blk-core.c),
/// so that the values are known as soon as a counter moves.
#[derive(Default)]
pub(super) struct Unaccounted {
    rows: HashMap<Identity, UnaccountedRow>,
}

struct UnaccountedRow {
    row: usize,
    /// The first columns; none before the first reading.
    first: Option<[Raw; FIELDS]>,
    has_moved: bool,
}

impl Unaccounted {
    /// Sets the devices and their rows. A device whose counters have moved needs no second proof.
    pub(super) fn arrange(&mut self, found: impl Iterator<Item = (Identity, usize)>) {
        let mut before = std::mem::take(&mut self.rows);
        let found = found.map(|(identity, row)| {
            let known = before.remove(&identity);
            let (first, has_moved) =
                known.map_or((None, false), |known| (known.first, known.has_moved));
            let row = UnaccountedRow {
                row,
                first,
                has_moved,
            };
            (identity, row)
        });
        self.rows = found.collect();
    }

    /// Replaces counters that have never moved by faults.
    pub(super) fn hide(&mut self, columns: &mut [Raw]) {
        for unaccounted in self.rows.values_mut().filter(|row| !row.has_moved) {
            let first = rows::place(unaccounted.row, WIDTH, READS);
            let row = columns.get_mut(first..).unwrap_or_default();
            let Some((fields, rest)) = row.split_at_mut_checked(FIELDS) else {
                continue;
            };
            if !fields.iter().any(is_known) {
                continue;
            }
            let before = unaccounted
                .first
                .get_or_insert_with(|| std::array::from_fn(|column| fields[column].clone()));
            unaccounted.has_moved = before != fields;
            if !unaccounted.has_moved {
                // Those of the totals are next.
                let totals = rest.iter_mut().take(WIDTH - READS - FIELDS);
                let columns = fields.iter_mut().chain(totals);
                let known = columns.filter(|column| is_known(column));
                known.for_each(|column| *column = Raw::Fault(Fault::Stale));
            }
        }
    }
}

fn is_known(column: &Raw) -> bool {
    !matches!(column, Raw::Fault(_))
}
