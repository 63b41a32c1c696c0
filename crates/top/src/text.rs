//! Foreign text (names of devices, command lines, messages) for a terminal, in columns, and values with their units.

use std::borrow::Cow;

pub(crate) use sampled_client::terminal::escape;
use sampled_client::units;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

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

/// A value with its unit. A person may copy it from the terminal: the space is an ordinary one.
pub(crate) fn value(value: f64, unit: &str) -> String {
    units::format(value, unit).replace('\u{a0}', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

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
