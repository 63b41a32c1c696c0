//! Foreign text (device names, command lines, error messages) for a terminal: control characters are escaped, widths
//! are counted in columns.

use std::{
    borrow::Cow,
    io::{self, Write},
};

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Escapes control characters and those that change the direction of text, as Rust does: `\n`, `\u{1b}`, `\u{202e}`.
pub(crate) fn escape(text: &str) -> Cow<'_, str> {
    escape_where(text, is_control)
}

/// The same, but keeps line feeds.
pub(crate) fn escape_lines(text: &str) -> Cow<'_, str> {
    escape_where(text, |c| c != '\n' && is_control(c))
}

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

/// Whether a character controls the terminal or the direction of text.
pub(crate) fn is_control(c: char) -> bool {
    let changes_direction = matches!(
        c,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    );
    changes_direction || c.is_control()
}

fn escape_where(text: &str, is_control: impl Fn(char) -> bool + Copy) -> Cow<'_, str> {
    if !text.contains(is_control) {
        return text.into();
    }
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            c if is_control(c) => escaped.extend(c.escape_default()),
            c => escaped.push(c),
        }
    }
    escaped.into()
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
    fn control_characters_are_escaped() {
        let check = |text, expected| assert_eq!(escape(text), expected);
        check("CPU 0 °C 日本 é", "CPU 0 °C 日本 é");
        check("\x1b]0;x\x07", r"\u{1b}]0;x\u{7}");
        check("a\r\n\tb\x7f", r"a\r\n\tb\u{7f}");
        check("\u{9b}31m", r"\u{9b}31m");
        check("\u{202e}\u{2066}\u{61c}", r"\u{202e}\u{2066}\u{61c}");
        assert_eq!(escape_lines("a\x1b\nb\r\n"), "a\\u{1b}\nb\\r\n");
    }

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
