//! Texts of others (names of devices, command lines, messages of errors), written so that a terminal shows them
//! and obeys nothing in them.

use std::{
    borrow::Cow,
    io::{self, Write},
};

use unicode_width::UnicodeWidthChar;

/// A text in which control characters, and those that turn the direction of what follows, are shown as Rust
/// escapes them: `\n`, `\u{1b}`, `\u{202e}`.
pub(crate) fn plain(text: &str) -> Cow<'_, str> {
    escaped(text, is_obeyed)
}

/// The same of several lines, which stay apart.
pub(crate) fn plain_lines(text: &str) -> Cow<'_, str> {
    escaped(text, |c| c != '\n' && is_obeyed(c))
}

/// How many columns of a terminal a plain text takes, character by character as wcwidth(3) counts them.
pub(crate) fn width(text: &str) -> usize {
    let widths = text.chars().map(columns);
    widths.fold(0, usize::saturating_add)
}

/// How many columns of a terminal a character takes.
pub(crate) fn columns(c: char) -> usize {
    c.width().unwrap_or(0)
}

/// A plain text, filled up with spaces to this width.
pub(crate) fn padded(text: &str, to: usize) -> String {
    format!("{text}{}", " ".repeat(to.saturating_sub(width(text))))
}

/// As much of a plain text as has room in so many columns.
pub(crate) fn cut(text: &str, room: usize) -> &str {
    let mut left = room;
    let end = text.char_indices().find(|(_, c)| {
        let rest = left.checked_sub(columns(*c));
        left = rest.unwrap_or(0);
        rest.is_none()
    });
    end.and_then(|(end, _)| text.get(..end)).unwrap_or(text)
}

/// Whether a terminal does something else with a character than to show it.
pub(crate) fn is_obeyed(c: char) -> bool {
    let turns = matches!(
        c,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    );
    turns || c.is_control()
}

fn escaped(text: &str, is_obeyed: impl Fn(char) -> bool + Copy) -> Cow<'_, str> {
    if !text.contains(is_obeyed) {
        return text.into();
    }
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            c if is_obeyed(c) => plain.extend(c.escape_default()),
            c => plain.push(c),
        }
    }
    plain.into()
}

/// Writes plain lines, whatever is written to it.
pub(crate) struct Plain<W>(pub(crate) W);

impl<W: Write> Write for Plain<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        self.0.write_all(plain_lines(&text).as_bytes())?;
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
    fn what_a_terminal_obeys_is_escaped() {
        let check = |text, expected| assert_eq!(plain(text), expected);
        check("CPU 0 °C 日本 é", "CPU 0 °C 日本 é");
        check("\x1b]0;x\x07", r"\u{1b}]0;x\u{7}");
        check("a\r\n\tb\x7f", r"a\r\n\tb\u{7f}");
        check("\u{9b}31m", r"\u{9b}31m");
        check("\u{202e}\u{2066}\u{61c}", r"\u{202e}\u{2066}\u{61c}");
        assert_eq!(plain_lines("a\x1b\nb\r\n"), "a\\u{1b}\nb\\r\n");
    }

    #[test]
    fn widths_are_those_of_the_terminal() {
        let check = |text, columns, expected| assert_eq!(cut(text, columns), expected);
        check("abc", 2, "ab");
        check("abc", 5, "abc");
        check("日本", 3, "日");
        check("", 0, "");
        assert_eq!(padded("日本", 6), "日本  ");
        assert_eq!(padded("日本", 2), "日本");
    }
}
