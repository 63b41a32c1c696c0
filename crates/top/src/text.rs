//! Foreign text (names of devices, command lines, messages) for a terminal: control characters are escaped, widths are
//! counted in columns.

use std::borrow::Cow;

use sampled_client::units;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Escapes control characters and those that change the direction of text, as Rust does: `\n`, `\u{1b}`, `\u{202e}`.
pub(crate) fn escape(text: &str) -> Cow<'_, str> {
    let is_plain = |byte: u8| matches!(byte, b' '..=b'~');
    if text.bytes().all(is_plain) || !text.contains(is_control) {
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

/// The width of an escaped text in columns.
pub(crate) fn width(text: &str) -> usize {
    match text.is_ascii() {
        true => text.len(),
        false => text.width(),
    }
}

/// An escaped text in at most so many columns, with `…` at the end if it is longer.
pub(crate) fn cut(text: &str, room: usize) -> Cow<'_, str> {
    if width(text) <= room {
        return text.into();
    }
    let Some(most) = room.checked_sub(1) else {
        return "".into();
    };
    let mut fitted = String::with_capacity(text.len().min(room));
    let mut used = 0_usize;
    for c in text.chars() {
        // A variation selector makes the character before it wide.
        let columns = match c {
            '\u{fe00}'..='\u{fe0f}' => 1,
            c => c.width().unwrap_or(0),
        };
        let with = used.saturating_add(columns);
        if with > most {
            break;
        }
        used = with;
        fitted.push(c);
    }
    fitted.push('…');
    fitted.into()
}

/// An escaped text at the right end of so many columns.
pub(crate) fn at_end(text: &str, room: usize) -> String {
    let text = cut(text, room);
    let padding = room.saturating_sub(width(&text));
    format!("{}{text}", " ".repeat(padding))
}

fn is_control(c: char) -> bool {
    let changes_direction = matches!(
        c,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    );
    changes_direction || c.is_control()
}

/// A value with its unit. A person may copy it from the terminal: the space is an ordinary one.
pub(crate) fn value(value: f64, unit: &str) -> String {
    units::format(value, unit).replace('\u{a0}', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_escaped() {
        let check = |text, expected| assert_eq!(escape(text), expected);
        check("CPU 0 °C 日本 שלום", "CPU 0 °C 日本 שלום");
        check("\x1b]0;x\x07", r"\u{1b}]0;x\u{7}");
        check("a\r\n\tb\u{9b}", r"a\r\n\tb\u{9b}");
        check("\u{202e}\u{2066}", r"\u{202e}\u{2066}");
    }

    #[test]
    fn a_text_is_cut_to_its_columns() {
        let check = |text, room, expected: &str| {
            let cut = cut(text, room);
            assert_eq!(cut, expected);
            assert!(width(&cut) <= room, "{cut}");
        };
        check("abc", 3, "abc");
        check("abc", 5, "abc");
        check("abcd", 3, "ab…");
        check("abcd", 1, "…");
        check("abcd", 0, "");
        check("日本語", 6, "日本語");
        check("日本語", 5, "日本…");
        check("日本語", 4, "日…");
        assert_eq!(at_end("ab", 4), "  ab");
        assert_eq!(at_end("abcdef", 4), "abc…");
        assert_eq!(at_end("日本語", 4), " 日…");
    }
}
