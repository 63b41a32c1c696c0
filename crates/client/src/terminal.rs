//! Foreign text for a terminal: names of devices, command lines and messages, with the characters that would control it escaped.
//!
//! A process chooses its name and its command line, and may put sequences into them that move the cursor or change the title of
//! the window.
//!
//! ```
//! use sampled_client::terminal::escape;
//!
//! assert_eq!(escape("\x1b[2J"), r"\u{1b}[2J");
//! assert_eq!(escape("12 °C"), "12 °C");
//! ```

use std::borrow::Cow;

/// Escapes the characters of which [`is_control`] is true, as Rust does: `\n`, `\u{1b}`, `\u{202e}`.
pub fn escape(text: &str) -> Cow<'_, str> {
    escape_where(text, is_control)
}

/// The same, but keeps line feeds.
pub fn escape_lines(text: &str) -> Cow<'_, str> {
    escape_where(text, |c| c != '\n' && is_control(c))
}

/// Whether a character controls a terminal, or the direction of the text around it.
pub fn is_control(c: char) -> bool {
    let changes_direction = matches!(
        c,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    );
    changes_direction || c.is_control()
}

fn escape_where(text: &str, is_control: impl Fn(char) -> bool + Copy) -> Cow<'_, str> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_escaped() {
        let check = |text, expected| assert_eq!(escape(text), expected);
        check("CPU 0 °C 日本 é שלום", "CPU 0 °C 日本 é שלום");
        check("\x1b]0;x\x07", r"\u{1b}]0;x\u{7}");
        check("a\r\n\tb\x7f", r"a\r\n\tb\u{7f}");
        check("\u{9b}31m", r"\u{9b}31m");
        check("\u{202e}\u{2066}\u{61c}", r"\u{202e}\u{2066}\u{61c}");
        assert_eq!(escape_lines("a\x1b\nb\r\n"), "a\\u{1b}\nb\\r\n");
    }
}
