//! Tables of the kernel with a line for each device, and the rows of columns of these devices.

use std::{
    cell::OnceCell,
    collections::{HashMap, HashSet},
    hash::Hash,
};

use crate::{rate::Formula, reading::Raw};

/// Which row of columns each line stands for, by the name on it.
///
/// The kernel writes the lines in the same order as long as no device comes or goes, so that each
/// is mostly where it was.
#[derive(Default)]
pub(crate) struct Rows {
    /// The names of the lines, in the order of the text, and their rows; none for a device that
    /// is left out.
    lines: Vec<(Vec<u8>, Option<usize>)>,
    /// The place of each name, once a line was not where it was expected.
    places: OnceCell<HashMap<Vec<u8>, usize>>,
}

/// The place of a column of a row, where each row has so many columns. A row that does not fit into memory has
/// no such column.
pub(crate) const fn place(row: usize, width: usize, column: usize) -> usize {
    row.saturating_mul(width).saturating_add(column)
}

/// The devices that the rows of columns are of. When one has gone its row is used again for another, so that
/// there are no more rows than there were devices at one time; the first column of a row says whose it is.
pub(crate) struct Devices<K, T> {
    rows: Vec<Option<Device<K, T>>>,
    /// How many devices have had a row.
    count: u64,
}

/// The device that a row is of.
pub(crate) struct Device<K, T> {
    /// What tells it from others.
    pub(crate) id: K,
    /// What no other device of the source ever had.
    number: u64,
    /// What is known of it.
    pub(crate) state: T,
}

/// The column of a row that says whose it is.
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
    /// Gives each device that was found a row, which is the one it has if it has one; the rows, in
    /// the order of what was found. What was found of a device is made its state, from what that was before.
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
        let mut places = Vec::with_capacity(found.len());
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
            places.push(row);
        }
        let last = self.rows.iter().rposition(Option::is_some);
        self.rows
            .truncate(last.map_or(0, |last| last.saturating_add(1)));
        self.rows.shrink_to(self.rows.len().saturating_mul(2));
        places
    }
}

impl<K, T> Devices<K, T> {
    /// How many rows there are, those included that are free.
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// The rows; none for one that is free.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Option<&Device<K, T>>> {
        self.rows.iter().map(Option::as_ref)
    }

    /// The rows; none for one that is free.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = Option<&mut Device<K, T>>> {
        self.rows.iter_mut().map(Option::as_mut)
    }

    /// The device of a row.
    pub(crate) fn get(&self, row: usize) -> Option<&Device<K, T>> {
        self.rows.get(row)?.as_ref()
    }

    /// A formula of the columns of a row, as long as that is of the device it is of now; `first` is the
    /// column with which the row begins.
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
    /// The column that says that the row is its own.
    pub(crate) fn owner(&self) -> Raw {
        Raw::Counter(self.number)
    }
}

/// What is known of a line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Line {
    /// It stands for this row.
    Row(usize),
    /// It was seen by discovery and left out.
    LeftOut,
    /// It was not there when discovery looked.
    Unknown,
}

impl Rows {
    pub(crate) fn new(lines: Vec<(Vec<u8>, Option<usize>)>) -> Self {
        Self {
            lines,
            places: OnceCell::new(),
        }
    }

    /// What the line of this name stands for; `place` is that of the line before, and becomes its.
    pub(crate) fn find(&self, place: &mut usize, name: &[u8]) -> Line {
        let is_it = |line: &(Vec<u8>, Option<usize>)| line.0 == name;
        if !self.lines.get(*place).is_some_and(is_it) {
            match self.places().get(name) {
                Some(&found) => *place = found,
                None => return Line::Unknown,
            }
        }
        let row = self.lines[*place].1;
        *place = place.saturating_add(1);
        row.map_or(Line::LeftOut, Line::Row)
    }

    fn places(&self) -> &HashMap<Vec<u8>, usize> {
        self.places.get_or_init(|| {
            // Of two lines of a name the first.
            let lines = self.lines.iter().enumerate().rev();
            lines
                .map(|(place, (name, _))| (name.clone(), place))
                .collect()
        })
    }
}

/// What the line of each row said the last time. Most devices are idle: a line that is the same
/// says the same, and to see that costs a tenth of parsing it.
#[derive(Default)]
pub(crate) struct Memo<T> {
    rows: Vec<(Vec<u8>, T)>,
}

impl<T> Memo<T> {
    /// Forgets what is behind so many rows.
    pub(crate) fn truncate(&mut self, rows: usize) {
        self.rows.truncate(rows);
        self.rows.shrink_to(rows.saturating_mul(2));
    }
}

impl<T: Default> Memo<T> {
    /// What `parse` makes of the line of a row. Of an empty line it makes the default.
    pub(crate) fn of(&mut self, row: usize, line: &[u8], parse: impl FnOnce(&[u8]) -> T) -> &T {
        if self.rows.len() <= row {
            self.rows
                .resize_with(row.saturating_add(1), Default::default);
        }
        let (known, meaning) = &mut self.rows[row];
        if known != line {
            known.clear();
            known.extend_from_slice(line);
            *meaning = parse(line);
        }
        meaning
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_parsed_when_it_is_another() {
        let mut memo = Memo::default();
        let mut parsed = 0;
        for (row, line) in [(1, "a"), (1, "a"), (0, "a"), (1, "b"), (1, "a"), (2, "")] {
            let meaning = *memo.of(row, line.as_bytes(), |line| {
                parsed += 1;
                line.len()
            });
            assert_eq!(meaning, line.len());
        }
        assert_eq!(parsed, 4);
    }

    /// What the rows are of, after each of these texts has named the devices that are there.
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
    fn rows_are_used_again() {
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
    fn who_comes_back_has_another_number() {
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

    #[track_caller]
    fn check(text: &str, expected: &[Line]) {
        let lines = [("a", Some(2)), ("b", None), ("c", Some(0))];
        let rows = Rows::new(lines.map(|(name, row)| (name.into(), row)).into());
        let mut place = 0;
        let found = text.bytes().map(|name| rows.find(&mut place, &[name]));
        assert_eq!(found.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn lines_are_found_by_name_wherever_they_are() {
        use Line::{LeftOut, Row, Unknown};
        check("abc", &[Row(2), LeftOut, Row(0)]);
        check("ac", &[Row(2), Row(0)]);
        check("cxab", &[Row(0), Unknown, Row(2), LeftOut]);
        check("aa", &[Row(2), Row(2)]);
        check("x", &[Unknown]);
    }
}
