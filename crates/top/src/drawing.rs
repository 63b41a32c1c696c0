//! The drawing of a screen: texts at places, row by row. Only texts that differ from those of before become cells.

use std::ops::Range;

use ratatui::{buffer::Buffer, layout::Rect, style::Style};

/// A drawing of the whole screen.
#[derive(Debug, Default)]
pub(crate) struct Drawing {
    width: u16,
    rows: Vec<Row>,
}

/// A row of a drawing. Equal rows look equal.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Row {
    /// The texts of all parts, one after the other.
    text: String,
    parts: Vec<Part>,
}

/// A text in a row. A later one covers an earlier one.
#[derive(Debug, PartialEq, Eq)]
struct Part {
    /// The columns that it takes.
    columns: Range<u16>,
    /// The bytes of its text. Without a text, it changes the style of its columns.
    length: usize,
    style: Style,
}

impl Drawing {
    /// Begins a drawing of a screen of this size.
    pub(crate) fn begin(&mut self, area: Rect) {
        self.width = area.width;
        self.rows.resize_with(area.height.into(), Row::default);
        for row in &mut self.rows {
            row.text.clear();
            row.parts.clear();
        }
    }

    /// The area of the screen.
    pub(crate) fn area(&self) -> Rect {
        let height = u16::try_from(self.rows.len()).unwrap_or(u16::MAX);
        Rect::new(0, 0, self.width, height)
    }

    /// The rows, from the top.
    pub(crate) fn rows(&mut self) -> impl Iterator<Item = &mut Row> {
        self.rows.iter_mut()
    }

    /// Writes an escaped text of so many columns into the first row of an area, and cuts it at its end.
    pub(crate) fn text(&mut self, area: Rect, text: &str, columns: usize, style: Style) {
        let columns = u16::try_from(columns).map_or(area.width, |columns| columns.min(area.width));
        if text.is_empty() || columns == 0 || area.height == 0 {
            return;
        }
        if let Some(row) = self.rows.get_mut(usize::from(area.y)) {
            row.text.push_str(text);
            row.parts.push(Part {
                columns: area.x..area.x.saturating_add(columns),
                length: text.len(),
                style,
            });
        }
    }

    /// Changes the style of an area.
    pub(crate) fn style(&mut self, area: Rect, style: Style) {
        let rows = self.rows.iter_mut().skip(area.y.into());
        for row in rows.take(area.height.into()) {
            row.parts.push(Part {
                columns: area.left()..area.right(),
                length: 0,
                style,
            });
        }
    }
}

impl Row {
    /// The columns in which it may look otherwise than another row, from the left. No text is partly in them.
    pub(crate) fn columns_unlike(&self, other: &Self) -> Vec<Range<u16>> {
        let (mut ours, mut theirs) = (self.texts(), other.texts());
        let mut unlike = Vec::new();
        loop {
            let (our, their) = (ours.next(), theirs.next());
            if our.is_none() && their.is_none() {
                break;
            }
            if our != their {
                let parts = our.into_iter().chain(their);
                unlike.extend(parts.map(|(part, _)| part.columns.clone()));
            }
        }
        loop {
            unlike = merged(unlike);
            let parts = self.parts.iter().chain(&other.parts);
            let columns = parts.map(|part| &part.columns);
            let cut = columns.filter(|columns| unlike.iter().any(|range| is_cut(columns, range)));
            let cut: Vec<_> = cut.cloned().collect();
            if cut.is_empty() {
                return unlike;
            }
            unlike.extend(cut);
        }
    }

    /// The cells of the texts that are wholly in this area, which is one row high.
    pub(crate) fn cells(&self, area: Rect) -> Buffer {
        let mut cells = Buffer::empty(area);
        for (part, text) in self.texts() {
            let (left, right) = (part.columns.start, part.columns.end);
            if left < area.left() || right > area.right() {
                continue;
            }
            let room = right.saturating_sub(left);
            if text.is_empty() {
                cells.set_style(Rect::new(left, area.y, room, 1), part.style);
            } else if text.chars().all(is_one_column) {
                let row = cells.content.iter_mut();
                let row = row.skip(left.saturating_sub(area.x).into());
                for (cell, c) in row.take(room.into()).zip(text.chars()) {
                    cell.set_char(c).set_style(part.style);
                }
            } else {
                cells.set_stringn(left, area.y, text, room.into(), part.style);
            }
        }
        cells
    }

    /// The parts and their texts.
    fn texts(&self) -> impl Iterator<Item = (&Part, &str)> {
        let mut rest = self.text.as_str();
        self.parts.iter().map(move |part| {
            let (text, after) = rest.split_at_checked(part.length).unwrap_or((rest, ""));
            rest = after;
            (part, text)
        })
    }
}

/// The same columns as disjoint ranges in order.
fn merged(mut ranges: Vec<Range<u16>>) -> Vec<Range<u16>> {
    ranges.sort_unstable_by_key(|range| range.start);
    let mut merged: Vec<Range<u16>> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match merged.last_mut().filter(|last| last.end >= range.start) {
            Some(last) => last.end = last.end.max(range.end),
            None => merged.push(range),
        }
    }
    merged
}

/// Whether columns are partly in a range.
fn is_cut(columns: &Range<u16>, range: &Range<u16>) -> bool {
    let overlaps = columns.start < range.end && range.start < columns.end;
    overlaps && (columns.start < range.start || columns.end > range.end)
}

/// Whether a character is a grapheme in one column whatever follows it, if only such characters do: most of what is drawn
/// needs no search for graphemes.
fn is_one_column(c: char) -> bool {
    // Box drawing and block elements.
    matches!(c, ' '..='~' | '\u{2500}'..='\u{259f}')
}

#[cfg(test)]
mod tests {
    use ratatui::style::{Color, Modifier};

    use super::*;
    use crate::text;

    const WIDTH: u16 = 8;

    /// A row with texts, each at a column and cut to so many columns.
    fn row(texts: &[(u16, u16, &str)]) -> Row {
        let mut drawing = Drawing::default();
        drawing.begin(Rect::new(0, 0, WIDTH, 1));
        for (column, room, text) in texts {
            let area = Rect::new(*column, 0, *room, 1);
            drawing.text(area, text, text::width(text), Style::new());
        }
        std::mem::take(drawing.rows().next().unwrap())
    }

    #[test]
    fn texts_are_cut_and_cover_each_other() {
        let area = Rect::new(0, 1, WIDTH, 1);
        let check = |texts: &[_], expected: &str| {
            let mut buffer = Buffer::empty(area);
            buffer.set_string(0, 1, expected, Style::new());
            assert_eq!(row(texts).cells(area), buffer);
        };
        check(&[(0, 8, "Memory")], "Memory");
        check(&[(2, 3, "Memory")], "  Mem");
        check(&[(5, 3, "Memory")], "     Mem");
        check(&[(7, 0, "Memory")], "");
        check(&[(0, 8, "abcdef"), (1, 7, "▂▃"), (2, 1, "x")], "a▂xdef");
        check(&[(0, 3, "日本語"), (4, 4, "e\u{301}é")], "日  e\u{301}é");
        check(&[(0, 8, "日本語"), (0, 8, "x")], "x 本語");
    }

    #[test]
    fn only_other_texts_are_compared() {
        let check = |one: &[_], other: &[_], expected: &[(u16, u16)]| {
            let (one, other) = (row(one), row(other));
            for unlike in [one.columns_unlike(&other), other.columns_unlike(&one)] {
                let unlike: Vec<_> = unlike
                    .iter()
                    .map(|range| (range.start, range.end))
                    .collect();
                assert_eq!(unlike, expected);
            }
        };
        check(&[(0, 8, "abc")], &[(0, 8, "abc")], &[]);
        check(&[], &[(1, 8, "abc")], &[(1, 4)]);
        let equal = (0, 8, "a");
        check(&[equal, (2, 8, "b")], &[equal, (2, 8, "cde")], &[(2, 5)]);
        let right = (6, 8, "a");
        check(
            &[equal, (2, 1, "b"), right],
            &[(0, 1, "b"), (2, 1, "c"), right],
            &[(0, 1), (2, 3)],
        );
        // A text is compared as a whole: one is partly covered.
        check(
            &[(0, 8, "日本語")],
            &[(0, 8, "日本語"), (3, 1, "x")],
            &[(0, 6)],
        );
    }

    #[test]
    fn a_style_covers_what_is_there() {
        let mut drawing = Drawing::default();
        let area = Rect::new(0, 0, 4, 1);
        drawing.begin(area);
        drawing.text(area, "ab", 2, Style::new().fg(Color::Red));
        drawing.style(area, Style::new().add_modifier(Modifier::REVERSED));
        let cells = drawing.rows().next().unwrap().cells(area);
        let reversed = |cell: &ratatui::buffer::Cell| cell.modifier == Modifier::REVERSED;
        assert!(cells.content.iter().all(reversed));
        assert_eq!(
            (cells[(1, 0)].fg, cells[(2, 0)].fg),
            (Color::Red, Color::Reset)
        );
    }

    #[test]
    fn a_drawing_begins_empty() {
        let mut drawing = Drawing::default();
        for _ in 0..2 {
            drawing.begin(Rect::new(0, 0, 4, 3));
            assert!(drawing.rows().all(|row| *row == Row::default()));
            drawing.text(Rect::new(0, 2, 4, 1), "ab", 2, Style::new());
            drawing.text(Rect::new(0, 3, 4, 1), "below", 5, Style::new());
        }
        drawing.begin(Rect::new(0, 0, 2, 1));
        assert_eq!(drawing.area(), Rect::new(0, 0, 2, 1));
    }
}
