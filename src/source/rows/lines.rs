//! The lines of a table: the row of each, and its last text.

use std::{cell::OnceCell, collections::HashMap};

/// The row of each line, by the name on the line.
///
/// The kernel writes the lines in the same order as long as no device comes or goes, so that a line is usually where
/// it was.
#[derive(Default)]
pub(super) struct Lines {
    /// The names of the lines in the order of the text, and their rows; none for a device that discovery leaves out.
    lines: Vec<(Vec<u8>, Option<usize>)>,
    /// The index of each name, made when a line is not where it was.
    indices: OnceCell<HashMap<Vec<u8>, usize>>,
}

/// The meaning of a line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Line {
    /// It belongs to this row.
    Row(usize),
    /// Discovery has left its device out.
    LeftOut,
    /// It did not exist at the last discovery.
    Unknown,
}

impl Lines {
    pub(super) fn new(lines: Vec<(Vec<u8>, Option<usize>)>) -> Self {
        Self {
            lines,
            indices: OnceCell::new(),
        }
    }

    /// The meaning of the line of this name. `next` is the index at which it is expected, and becomes that of the
    /// line after it.
    pub(super) fn find(&self, next: &mut usize, name: &[u8]) -> Line {
        let is_it = |line: &(Vec<u8>, Option<usize>)| line.0 == name;
        if !self.lines.get(*next).is_some_and(is_it) {
            match self.indices().get(name) {
                Some(&found) => *next = found,
                None => return Line::Unknown,
            }
        }
        let row = self.lines[*next].1;
        *next = next.saturating_add(1);
        row.map_or(Line::LeftOut, Line::Row)
    }

    fn indices(&self) -> &HashMap<Vec<u8>, usize> {
        self.indices.get_or_init(|| {
            // Of two lines with the same name, the first counts.
            let lines = self.lines.iter().enumerate().rev();
            lines
                .map(|(index, (name, _))| (name.clone(), index))
                .collect()
        })
    }
}

/// The last line of each row and the result of parsing it. Most devices are idle, and comparing a line costs a tenth
/// of parsing it.
#[derive(Default)]
pub(super) struct Memo<T> {
    rows: Vec<(Vec<u8>, T)>,
}

impl<T> Memo<T> {
    /// The last result of a row.
    pub(super) fn last(&self, row: usize) -> Option<&T> {
        self.rows.get(row).map(|(_, meaning)| meaning)
    }

    /// Forgets all but the first rows.
    pub(super) fn truncate(&mut self, rows: usize) {
        self.rows.truncate(rows);
        self.rows.shrink_to(rows.saturating_mul(2));
    }
}

impl<T: Default> Memo<T> {
    /// The result of `parse` for the line of a row; it also gets the result for the line before. For an empty line after
    /// none, `parse` must return the default.
    pub(super) fn of(&mut self, row: usize, line: &[u8], parse: impl FnOnce(&[u8], &T) -> T) -> &T {
        if self.rows.len() <= row {
            self.rows
                .resize_with(row.saturating_add(1), Default::default);
        }
        let (known, meaning) = &mut self.rows[row];
        if known != line {
            known.clear();
            known.extend_from_slice(line);
            *meaning = parse(line, meaning);
        }
        meaning
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_parsed_only_when_it_has_changed() {
        let mut memo = Memo::default();
        let mut parsed = 0;
        for (row, line) in [(1, "a"), (1, "a"), (0, "a"), (1, "b"), (1, "a"), (2, "")] {
            let meaning = *memo.of(row, line.as_bytes(), |line, _| {
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
        let mut next = 0;
        let found = text.bytes().map(|name| known.find(&mut next, &[name]));
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
