//! The lines of a table: which row each stands for, and what it said the last time.

use std::{cell::OnceCell, collections::HashMap};

/// Which row of columns each line stands for, by the name on it.
///
/// The kernel writes the lines in the same order as long as no device comes or goes, so that each
/// is mostly where it was.
#[derive(Default)]
pub(super) struct Lines {
    /// The names of the lines, in the order of the text, and their rows; none for a device that
    /// is left out.
    lines: Vec<(Vec<u8>, Option<usize>)>,
    /// The place of each name, once a line was not where it was expected.
    places: OnceCell<HashMap<Vec<u8>, usize>>,
}

/// What is known of a line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Line {
    /// It stands for this row.
    Row(usize),
    /// It was seen by discovery and left out.
    LeftOut,
    /// It was not there when discovery looked.
    Unknown,
}

impl Lines {
    pub(super) fn new(lines: Vec<(Vec<u8>, Option<usize>)>) -> Self {
        Self {
            lines,
            places: OnceCell::new(),
        }
    }

    /// What the line of this name stands for; `place` is that of the line before, and becomes its.
    pub(super) fn find(&self, place: &mut usize, name: &[u8]) -> Line {
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
pub(super) struct Memo<T> {
    rows: Vec<(Vec<u8>, T)>,
}

impl<T> Memo<T> {
    /// Forgets what is behind so many rows.
    pub(super) fn truncate(&mut self, rows: usize) {
        self.rows.truncate(rows);
        self.rows.shrink_to(rows.saturating_mul(2));
    }
}

impl<T: Default> Memo<T> {
    /// What `parse` makes of the line of a row. Of an empty line it makes the default.
    pub(super) fn of(&mut self, row: usize, line: &[u8], parse: impl FnOnce(&[u8]) -> T) -> &T {
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

    #[track_caller]
    fn check(text: &str, expected: &[Line]) {
        let lines = [("a", Some(2)), ("b", None), ("c", Some(0))];
        let known = Lines::new(lines.map(|(name, row)| (name.into(), row)).into());
        let mut place = 0;
        let found = text.bytes().map(|name| known.find(&mut place, &[name]));
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
