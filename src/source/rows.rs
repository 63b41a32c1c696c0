//! Rows of columns: which device each row belongs to.

mod lines;
pub(crate) mod table;

use std::{
    collections::{HashMap, HashSet},
    hash::Hash,
};

use crate::{
    rate::{Formula, RowOwner},
    reading::Raw,
};

/// The index of a column of a row, where each row has `width` columns. It saturates for a row that does not fit into
/// memory; there is no such column.
pub(crate) const fn place(row: usize, width: usize, column: usize) -> usize {
    row.saturating_mul(width).saturating_add(column)
}

/// The devices that the rows belong to. The row of a device that has gone is used again for another, so that there are
/// no more rows than there were devices at one time. The first column of a row identifies its device.
pub(crate) struct Devices<K, T> {
    rows: Vec<Option<Device<K, T>>>,
    /// The number of devices that have had a row.
    count: u64,
}

/// The device of a row.
pub(crate) struct Device<K, T> {
    /// Its identity.
    pub(crate) id: K,
    /// A number that no other device of the source ever had.
    number: u64,
    /// Its state, which the source defines.
    pub(crate) state: T,
}

/// The column of a row that identifies its device.
pub(crate) const OWNER: usize = 0;

impl<K, T> Default for Devices<K, T> {
    fn default() -> Self {
        Self {
            rows: Vec::new(),
            count: 0,
        }
    }
}

impl<K: Clone + Eq + Hash, T> Devices<K, T> {
    /// Gives each found device a row: the row that it has, or else a free one. Returns the rows in the order of `found`.
    /// `state` makes the state of a device from its previous state and the value that was found.
    pub(crate) fn arrange<F>(
        &mut self,
        found: impl IntoIterator<Item = (K, F)>,
        mut state: impl FnMut(Option<T>, F) -> T,
    ) -> Vec<usize> {
        let found: Vec<_> = found.into_iter().collect();
        let ids: HashSet<&K> = found.iter().map(|(id, _)| id).collect();
        for row in &mut self.rows {
            row.take_if(|device| !ids.contains(&device.id));
        }
        let rows = self.rows.iter().enumerate();
        let known = rows.filter_map(|(row, device)| Some((device.as_ref()?.id.clone(), row)));
        let mut known: HashMap<K, usize> = known.collect();
        let mut free = 0;
        let mut arranged = Vec::with_capacity(found.len());
        for (id, fact) in found {
            let row = *known.entry(id.clone()).or_insert_with(|| {
                while self.rows.get(free).is_some_and(Option::is_some) {
                    free = free.saturating_add(1);
                }
                if free == self.rows.len() {
                    self.rows.push(None);
                }
                free
            });
            let (number, before) = match self.rows[row].take() {
                Some(device) => (device.number, Some(device.state)),
                None => {
                    self.count = self.count.saturating_add(1);
                    (self.count, None)
                }
            };
            let state = state(before, fact);
            self.rows[row] = Some(Device { id, number, state });
            arranged.push(row);
        }
        let last = self.rows.iter().rposition(Option::is_some);
        self.rows
            .truncate(last.map_or(0, |last| last.saturating_add(1)));
        self.rows.shrink_to(self.rows.len().saturating_mul(2));
        arranged
    }
}

impl<K, T> Devices<K, T> {
    /// The number of rows, free ones included.
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// The rows; none for a free one.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Option<&Device<K, T>>> {
        self.rows.iter().map(Option::as_ref)
    }

    /// The rows; none for a free one.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = Option<&mut Device<K, T>>> {
        self.rows.iter_mut().map(Option::as_mut)
    }

    /// The device of a row.
    pub(crate) fn get(&self, row: usize) -> Option<&Device<K, T>> {
        self.rows.get(row)?.as_ref()
    }

    /// A formula of the columns of a row. It holds as long as the row belongs to its present device. `first` is the
    /// first column of the row.
    pub(crate) fn formula(&self, row: usize, first: usize, formula: Formula) -> Formula {
        Formula::OfRow {
            owner: first.saturating_add(OWNER),
            // No device has this number.
            number: self.get(row).map_or(0, |device| device.number),
            formula: Box::new(formula),
        }
    }
}

impl<K, T> Device<K, T> {
    /// The value of the [`OWNER`] column of its row.
    pub(crate) fn owner(&self) -> Raw {
        self.owner_after(0)
    }

    /// The same, after its counters began anew so many times.
    pub(crate) fn owner_after(&self, resets: u16) -> Raw {
        RowOwner::new(self.number, resets).column()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Arranges the devices that each text names, and checks the rows afterwards.
    #[track_caller]
    fn check_devices(texts: &[&str], expected: &str) {
        let mut devices = Devices::<char, char>::default();
        for text in texts {
            let found = text.chars().map(|id| (id, id));
            let rows = devices.arrange(found, |before, id| before.unwrap_or(id));
            for (id, row) in text.chars().zip(rows) {
                let device = devices.get(row).unwrap();
                assert_eq!((device.id, device.state), (id, id));
            }
        }
        let rows = devices.iter().map(|row| row.map_or('-', |row| row.id));
        assert_eq!(rows.collect::<String>(), expected);
    }

    #[test]
    fn free_rows_are_used_again() {
        check_devices(&["abc", "abc"], "abc");
        check_devices(&["abc", "cab"], "abc");
        check_devices(&["abc", "ac"], "a-c");
        check_devices(&["abc", "acde"], "adce");
        check_devices(&["abc", "a"], "a");
        check_devices(&["abc", "xyz"], "xyz");
        check_devices(&["abc", "ac", "bac", "c"], "--c");
        check_devices(&["aab", "bb"], "-b");
        check_devices(&["abc", ""], "");
    }

    #[test]
    fn a_device_that_comes_back_has_another_number() {
        let mut devices = Devices::<char, ()>::default();
        let mut owner = |text: &str| {
            let rows = devices.arrange(text.chars().map(|id| (id, ())), |_, ()| ());
            let formula = devices.formula(rows[0], 0, Formula::Level(1));
            let Formula::OfRow { number, .. } = formula else {
                panic!("{formula:?} is of no row");
            };
            assert_eq!(devices.get(rows[0]).unwrap().owner(), Raw::Counter(number));
            number
        };
        let first = owner("a");
        assert_eq!(owner("ab"), first);
        let other = owner("b");
        assert_ne!(other, first);
        assert!(![first, other].contains(&owner("ab")));
    }
}
