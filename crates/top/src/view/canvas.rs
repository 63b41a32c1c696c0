//! A part of the screen to draw in: texts are cut at its edges.

use ratatui::{buffer::Buffer, layout::Rect, style::Style};

use crate::text;

/// A rectangle of the screen.
pub(super) struct Canvas<'a> {
    pub(super) buffer: &'a mut Buffer,
    pub(super) area: Rect,
}

impl Canvas<'_> {
    /// The width in columns.
    pub(super) fn width(&self) -> usize {
        self.area.width.into()
    }

    /// The height in rows.
    pub(super) fn height(&self) -> usize {
        self.area.height.into()
    }

    /// A part of it, cut at its edges.
    pub(super) fn part(&mut self, x: usize, y: usize, width: usize, height: usize) -> Canvas<'_> {
        let area = part(self.area, x, y, width, height);
        Canvas {
            buffer: self.buffer,
            area,
        }
    }

    /// Writes an escaped text; returns the column after it.
    pub(super) fn text(&mut self, x: usize, y: usize, text: &str, style: Style) -> usize {
        let at = part(self.area, x, y, usize::MAX, 1);
        if at.width > 0 && at.height > 0 {
            match text.is_ascii() {
                true => self.ascii(at, text, style),
                false => {
                    self.buffer
                        .set_stringn(at.x, at.y, text, at.width.into(), style);
                }
            }
        }
        x.saturating_add(text::width(text))
    }

    /// Writes a text in which each byte is a column: most are, and need no search for graphemes.
    fn ascii(&mut self, at: Rect, text: &str, style: Style) {
        let start = self.buffer.index_of(at.x, at.y);
        let cells = self.buffer.content.iter_mut().skip(start);
        for (cell, byte) in cells.take(at.width.into()).zip(text.bytes()) {
            cell.set_char(byte.into()).set_style(style);
        }
    }

    /// Writes an escaped text into at most so many columns.
    pub(super) fn cell(&mut self, x: usize, y: usize, room: usize, text: &str, style: Style) {
        let room = room.min(self.width().saturating_sub(x));
        self.text(x, y, &text::cut(text, room), style);
    }

    /// Writes an escaped text at the end of so many columns.
    pub(super) fn number(&mut self, x: usize, y: usize, room: usize, text: &str, style: Style) {
        let room = room.min(self.width().saturating_sub(x));
        let text = text::cut(text, room);
        let before = room.saturating_sub(text::width(&text));
        self.text(x.saturating_add(before), y, &text, style);
    }

    /// Clears it.
    pub(super) fn clear(&mut self) {
        for position in self.area.positions() {
            if let Some(cell) = self.buffer.cell_mut(position) {
                cell.reset();
            }
        }
    }
}

/// A part of a rectangle, cut at its edges.
pub(super) fn part(area: Rect, x: usize, y: usize, width: usize, height: usize) -> Rect {
    let short = |number: usize| u16::try_from(number).unwrap_or(u16::MAX);
    let (x, y) = (short(x).min(area.width), short(y).min(area.height));
    Rect {
        x: area.x.saturating_add(x),
        y: area.y.saturating_add(y),
        width: short(width).min(area.width.saturating_sub(x)),
        height: short(height).min(area.height.saturating_sub(y)),
    }
}
