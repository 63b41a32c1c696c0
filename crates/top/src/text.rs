//! Foreign text (names of devices, command lines, messages) for a terminal: control characters are escaped, widths are
//! counted in columns.

use std::borrow::Cow;

use sampled_client::units;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Escapes control characters and those that change the direction of text, as Rust does: `\n`, `\u{1b}`, `\u{202e}`.
pub(crate) fn escape(text: &str) -> Cow<'_, str> {
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

/// The width of an escaped text in columns.
pub(crate) fn width(text: &str) -> usize {
    text.width()
}

/// An escaped text in exactly so many columns, with `…` at the end if it is longer.
pub(crate) fn fit(text: &str, room: usize) -> String {
    let own = width(text);
    if own <= room {
        let padding = room.saturating_sub(own);
        return format!("{text}{}", " ".repeat(padding));
    }
    let Some(most) = room.checked_sub(1) else {
        return String::new();
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
    let rest = room.saturating_sub(width(&fitted));
    fitted.extend(std::iter::repeat_n(' ', rest));
    fitted
}

/// An escaped text at the right end of so many columns.
pub(crate) fn fit_right(text: &str, room: usize) -> String {
    match room.checked_sub(width(text)) {
        Some(padding) => format!("{}{text}", " ".repeat(padding)),
        None => fit(text, room),
    }
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
    fn a_text_fills_its_columns() {
        let check = |text, room, expected: &str| {
            let fitted = fit(text, room);
            assert_eq!(fitted, expected);
            assert_eq!(width(&fitted), room);
        };
        check("abc", 3, "abc");
        check("abc", 5, "abc  ");
        check("abcd", 3, "ab…");
        check("abcd", 1, "…");
        check("abcd", 0, "");
        check("日本語", 6, "日本語");
        check("日本語", 5, "日本…");
        check("日本語", 4, "日… ");
        assert_eq!(fit_right("ab", 4), "  ab");
        assert_eq!(fit_right("abcdef", 4), "abc…");
    }
}
