//! Foreign text (device names, command lines, error messages) for a terminal: a writer that escapes it, and widths in columns.

use std::io::{self, Write};

pub(crate) use sampled::client::terminal::{escape, escape_lines, is_control};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The width of an escaped text in columns. Several characters may form one emoji.
pub(crate) fn width(text: &str) -> usize {
    text.width()
}

/// The most columns that a character adds to a text: a variation selector makes the character before it wide.
pub(crate) fn columns(c: char) -> usize {
    match c {
        '\u{fe00}'..='\u{fe0f}' => 1,
        c => c.width().unwrap_or(0),
    }
}

/// An escaped text, padded with spaces to this width.
pub(crate) fn padded(text: &str, to: usize) -> String {
    format!("{text}{}", " ".repeat(to.saturating_sub(width(text))))
}

/// An escaped text, cut to so many columns. A text with an emoji of several characters may be cut shorter: not every
/// terminal shows it as one.
pub(crate) fn cut(text: &str, room: usize) -> &str {
    let mut left = room;
    let end = text.char_indices().find(|(_, c)| {
        let rest = left.checked_sub(columns(*c));
        left = rest.unwrap_or(0);
        rest.is_none()
    });
    end.and_then(|(end, _)| text.get(..end)).unwrap_or(text)
}

/// A writer that escapes control characters, but keeps line feeds.
pub(crate) struct EscapingWriter<W>(pub(crate) W);

impl<W: Write> Write for EscapingWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        self.0.write_all(escape_lines(&text).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_are_counted_in_columns() {
        let check = |text, columns, expected| assert_eq!(cut(text, columns), expected);
        check("abc", 2, "ab");
        check("abc", 5, "abc");
        check("日本", 3, "日");
        check("", 0, "");
        check("⚠\u{fe0f}x", 1, "⚠");
        check("⚠\u{fe0f}x", 3, "⚠\u{fe0f}x");
        check("👩\u{200d}💻x", 3, "👩\u{200d}");
        let check = |text, to, expected| assert_eq!(padded(text, to), expected);
        check("日本", 6, "日本  ");
        check("日本", 2, "日本");
        check("🎉", 4, "🎉  ");
        check("⚠\u{fe0f}", 4, "⚠\u{fe0f}  ");
        check("👩\u{200d}💻", 4, "👩\u{200d}💻  ");
        check("🇩🇪", 4, "🇩🇪  ");
        check("e\u{301}", 2, "e\u{301} ");
    }
}
