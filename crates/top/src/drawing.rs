//! The drawing of a screen: texts at places, row by row.

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
pub(crate) struct Part {
    /// The columns that it takes.
    pub(crate) columns: Range<u16>,
    /// The bytes of its text. Without a text, it changes the style of its columns.
    length: usize,
    pub(crate) style: Style,
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
    /// The columns from the first to the last text in which it differs from another row; empty if it differs in none.
    pub(crate) fn columns_unlike(&self, other: &Self) -> Range<u16> {
        let mut unlike: Option<Range<u16>> = None;
        let (mut ours, mut theirs) = (self.texts(), other.texts());
        loop {
            let (our, their) = (ours.next(), theirs.next());
            if our.is_none() && their.is_none() {
                return unlike.unwrap_or_default();
            }
            if our != their {
                for (part, _) in our.into_iter().chain(their) {
                    let Range { start, end } = part.columns;
                    unlike = Some(match unlike {
                        Some(unlike) => unlike.start.min(start)..unlike.end.max(end),
                        None => start..end,
                    });
                }
            }
        }
    }

    /// The cells of its texts in this area, which is one row high.
    pub(crate) fn cells(&self, area: Rect) -> Buffer {
        let mut cells = Buffer::empty(area);
        for (part, text) in self.texts() {
            let Range { start, end } = part.columns;
            let room = end.min(area.right()).saturating_sub(start);
            match text.is_empty() {
                true => cells.set_style(Rect::new(start, area.y, room, 1), part.style),
                false => {
                    cells.set_stringn(start, area.y, text, room.into(), part.style);
                }
            }
        }
        cells
    }

    /// The parts and their texts.
    pub(crate) fn texts(&self) -> impl Iterator<Item = (&Part, &str)> {
        let mut rest = self.text.as_str();
        self.parts.iter().map(move |part| {
            let (text, after) = rest.split_at_checked(part.length).unwrap_or((rest, ""));
            rest = after;
            (part, text)
        })
    }
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
    fn rows_are_alike_beside_other_texts() {
        let check = |one: &[_], other: &[_], expected: Range<u16>| {
            let (one, other) = (row(one), row(other));
            assert_eq!(one.columns_unlike(&other), expected);
            assert_eq!(other.columns_unlike(&one), expected);
        };
        assert!(
            row(&[(0, 8, "abc")])
                .columns_unlike(&row(&[(0, 8, "abc")]))
                .is_empty()
        );
        check(&[], &[(1, 8, "abc")], 1..4);
        let equal = (0, 8, "a");
        check(&[equal, (2, 8, "b")], &[equal, (2, 8, "cde")], 2..5);
        let right = (6, 8, "a");
        check(
            &[equal, (2, 1, "b"), right],
            &[(0, 1, "b"), (2, 1, "c"), right],
            0..3,
        );
        check(&[(0, 8, "日本語")], &[(0, 8, "日本語"), (3, 1, "x")], 3..4);
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
