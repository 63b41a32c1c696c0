//! The cells in which a row differs from what the terminal shows.

use std::{iter, ops::Range};

use ratatui::{
    buffer::Cell,
    layout::Rect,
    style::{Color, Modifier, Style},
};

use crate::drawing::Row;

/// The most equal cells within a run. A move of the cursor over them takes more bytes.
const LONGEST_GAP: usize = 4;

/// Cells to write, in the order of the screen.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    cells: Vec<(u16, u16, Cell)>,
    shown: Vec<Glyph>,
    new: Vec<Glyph>,
    text: String,
}

/// A character in one column. ratatui's cell has a string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Glyph {
    c: char,
    look: Look,
}

/// The colours and the emphasis of a character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Look {
    foreground: Color,
    background: Color,
    modifier: Modifier,
}

impl Changes {
    /// Removes all cells.
    pub(crate) fn clear(&mut self) {
        self.cells.clear();
    }

    /// Whether there is nothing to write.
    pub(crate) fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// The cells with their places. The symbol of one may be the text of several columns.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u16, u16, &Cell)> {
        self.cells.iter().map(|(x, y, cell)| (*x, *y, cell))
    }

    /// Adds the cells that make a terminal show a row in this area, which is one row high, where it shows another one.
    pub(crate) fn add(&mut self, shown: &Row, new: &Row, area: Rect) {
        let columns = new.columns_unlike(shown);
        let is_plain = fill(&mut self.shown, shown, &columns) && fill(&mut self.new, new, &columns);
        if !is_plain {
            let (shown, new) = (shown.cells(area), new.cells(area));
            let changes = shown.diff_iter(&new);
            self.cells
                .extend(changes.map(|(x, y, cell)| (x, y, cell.clone())));
            return;
        }
        let mut glyphs = columns.zip(iter::zip(&self.shown, &self.new)).peekable();
        while let Some((x, (shown, first))) = glyphs.next() {
            if shown == first {
                continue;
            }
            let text = &mut self.text;
            text.clear();
            text.push(first.c);
            // The bytes up to the last glyph that differs.
            let mut length = text.len();
            let mut gap = 0_usize;
            while let Some((_, (shown, new))) = glyphs.next_if(|(_, (shown, new))| {
                new.look == first.look && (shown != new || gap < LONGEST_GAP)
            }) {
                text.push(new.c);
                if shown == new {
                    gap = gap.saturating_add(1);
                } else {
                    (gap, length) = (0, text.len());
                }
            }
            text.truncate(length);
            self.cells.push((x, area.y, first.look.cell(text)));
        }
    }
}

impl Glyph {
    const BLANK: Self = Self {
        c: ' ',
        look: Look {
            foreground: Color::Reset,
            background: Color::Reset,
            modifier: Modifier::empty(),
        },
    };
}

impl Look {
    /// Takes over what a style says.
    fn patch(&mut self, style: Style) {
        self.foreground = style.fg.unwrap_or(self.foreground);
        self.background = style.bg.unwrap_or(self.background);
        self.modifier.insert(style.add_modifier);
        self.modifier.remove(style.sub_modifier);
    }

    /// A cell that looks like this.
    fn cell(self, text: &str) -> Cell {
        let mut cell = Cell::default();
        cell.set_symbol(text);
        cell.fg = self.foreground;
        cell.bg = self.background;
        cell.modifier = self.modifier;
        cell
    }
}

/// Fills in the glyphs of some columns of a row; returns whether each of their characters has a column of its own.
fn fill(glyphs: &mut Vec<Glyph>, row: &Row, columns: &Range<u16>) -> bool {
    glyphs.clear();
    glyphs.resize(columns.len(), Glyph::BLANK);
    for (part, text) in row.texts() {
        let start = part.columns.start.max(columns.start);
        let end = part.columns.end.min(columns.end);
        if start >= end {
            continue;
        }
        let place = |column: u16| usize::from(column.saturating_sub(columns.start));
        let glyphs = glyphs.get_mut(place(start)..place(end)).unwrap_or_default();
        if text.is_empty() {
            for glyph in glyphs {
                glyph.look.patch(part.style);
            }
            continue;
        }
        if !text.chars().all(is_one_column) {
            return false;
        }
        let before = start.saturating_sub(part.columns.start);
        for (glyph, c) in iter::zip(glyphs, text.chars().skip(before.into())) {
            glyph.c = c;
            glyph.look.patch(part.style);
        }
    }
    true
}

/// Whether a character is a grapheme in one column whatever follows it, if only such characters do: most of what is drawn
/// needs no search for graphemes.
fn is_one_column(c: char) -> bool {
    // Latin-1 without the soft hyphen, marks of texts, arrows, box drawing and block elements, small triangles.
    matches!(
        c,
        ' '..='~' | '\u{a1}'..='\u{ac}' | '\u{ae}'..='\u{ff}' | '‹' | '›' | '…' | '\u{2190}'..='\u{2193}'
            | '\u{2500}'..='\u{259f}' | '▴' | '▾'
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{drawing::Drawing, text};

    /// The places and texts of the cells that change one row into another one.
    fn changes(shown: &[(u16, &str, Style)], new: &[(u16, &str, Style)]) -> Vec<(u16, String)> {
        let area = Rect::new(0, 0, 24, 1);
        let row = |texts: &[(u16, &str, Style)]| {
            let mut drawing = Drawing::default();
            drawing.begin(area);
            for &(x, text, style) in texts {
                let at = Rect::new(x, 0, 24 - x, 1);
                drawing.text(at, text, text::width(text), style);
            }
            std::mem::take(drawing.rows().next().unwrap())
        };
        let mut changes = Changes::default();
        changes.add(&row(shown), &row(new), area);
        let cells = changes.iter();
        cells
            .map(|(x, _, cell)| (x, cell.symbol().to_owned()))
            .collect()
    }

    #[test]
    fn neighbours_are_written_together() {
        let plain = Style::new();
        let check = |shown, new, expected: &[(u16, &str)]| {
            let changes = changes(&[(2, shown, plain)], &[(2, new, plain)]);
            let changes: Vec<_> = changes.iter().map(|(x, text)| (*x, &**text)).collect();
            assert_eq!(changes, expected, "{shown} {new}");
        };
        check("3.1 %", "3.1 %", &[]);
        check("3.1 %", "3.2 %", &[(4, "2")]);
        check("13.1 °C", "24.1 °C", &[(2, "24")]);
        check("▂▃▄▅▆", "▃▄▅▆▇", &[(2, "▃▄▅▆▇")]);
        // Few equal cells are between the others, or many.
        check("1aaaa1", "2aaaa2", &[(2, "2aaaa2")]);
        check("1aaaaa1", "2aaaaa2", &[(2, "2"), (8, "2")]);
        check("abc", "a", &[(3, "  ")]);
        // Graphemes of several characters or columns are written one by one.
        check("ab", "日本", &[(2, "日"), (4, "本")]);
        check("e", "e\u{301}", &[(2, "e\u{301}")]);
    }

    #[test]
    fn another_look_is_a_change() {
        let (plain, red) = (Style::new(), Style::new().fg(Color::Red));
        let bold = Style::new().add_modifier(Modifier::BOLD);
        let changed = changes(&[(0, "ab", plain)], &[(0, "ab", red)]);
        assert_eq!(changed, [(0, "ab".to_owned())]);
        let changed = changes(&[(0, "abc", plain)], &[(0, "xyz", plain), (1, "y", bold)]);
        let expected = [(0, "x"), (1, "y"), (2, "z")];
        assert_eq!(changed, expected.map(|(x, text)| (x, text.to_owned())));
    }
}
