//! A part of the screen to draw in: texts are cut at its edges.

use ratatui::{layout::Rect, style::Style};

use crate::{drawing::Drawing, text};

/// A rectangle of the screen.
pub(super) struct Canvas<'a> {
    pub(super) drawing: &'a mut Drawing,
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
            drawing: self.drawing,
            area,
        }
    }

    /// Writes an escaped text; returns the column after it.
    pub(super) fn text(&mut self, x: usize, y: usize, text: &str, style: Style) -> usize {
        let at = part(self.area, x, y, usize::MAX, 1);
        let width = text::width(text);
        self.drawing.text(at, text, width, style);
        x.saturating_add(width)
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

    /// Changes the style of what is there.
    pub(super) fn style(&mut self, style: Style) {
        self.drawing.style(self.area, style);
    }

    /// Covers what is there with blanks.
    pub(super) fn clear(&mut self) {
        let blanks = " ".repeat(self.width());
        for y in 0..self.height() {
            self.text(0, y, &blanks, Style::reset());
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
