//! Texts from elsewhere, as messages quote them.

/// The most characters of an excerpt: those of its start, the mark and those of its end.
const LONGEST: usize = START + 1 + END;
const START: usize = 199;
/// What GLib says of a line of a key file is behind the line.
const END: usize = 100;

/// A text as a message quotes it: on one line, and of a readable length. What is too long loses its middle.
pub(crate) fn excerpt(text: &str) -> String {
    // A terminal would obey a control character.
    let shown = |letter: char| match letter.is_control() {
        true => ' ',
        false => letter,
    };
    let count = text.chars().count();
    if count <= LONGEST {
        return text.chars().map(shown).collect();
    }
    let start = text.chars().take(START);
    let end = text.chars().skip(count.saturating_sub(END));
    start.chain(['…']).chain(end).map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::excerpt;

    #[test]
    fn a_long_text_loses_its_middle() {
        let whole = "ä".repeat(300);
        assert_eq!(excerpt(&whole), whole);
        let cut = excerpt(&format!("line “{}” is wrong", "ä".repeat(65_000)));
        assert_eq!(cut.chars().count(), 300);
        assert!(cut.starts_with("line “ä"), "{cut}");
        assert!(cut.contains("ä…ä"), "{cut}");
        assert!(cut.ends_with("ä” is wrong"), "{cut}");
    }

    #[test]
    fn control_characters_are_blanks() {
        assert_eq!(excerpt("a\x1b[2J\nb\u{9b}"), "a [2J b ");
    }
}
