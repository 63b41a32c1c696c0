//! The line that is completed: its words, and how bash replaces the last one.

/// A command line up to the cursor.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct CommandLine {
    /// The words without their quotes. The last one is completed; it may be empty.
    pub(super) words: Vec<String>,
    /// How many bytes of the last word bash keeps: it replaces what follows the last of its break characters.
    kept: usize,
    /// The quote that is open at the end.
    quote: Option<char>,
}

impl CommandLine {
    /// A line whose words a shell has separated.
    pub(super) fn of_words(words: Vec<String>) -> Self {
        Self {
            words,
            ..Self::default()
        }
    }

    /// Whether the last word follows this one.
    pub(super) fn begins_after(&self, word: &str) -> bool {
        matches!(&self.words[..], [.., before, _] if before == word)
    }

    /// Separates the words as a shell does, without expansions. `breaks` are the characters of COMP_WORDBREAKS.
    pub(super) fn parse(line: &str, breaks: &str) -> Self {
        let mut parsed = Self::default();
        let mut word: Option<String> = None;
        let mut characters = line.chars();
        while let Some(c) = characters.next() {
            let text = word.get_or_insert_default();
            match (parsed.quote, c) {
                (None, ' ' | '\t' | '\n') => {
                    parsed
                        .words
                        .extend(word.take().filter(|word| !word.is_empty()));
                    parsed.kept = 0;
                }
                (None, '\'' | '"') => {
                    parsed.quote = Some(c);
                    parsed.kept = text.len();
                }
                (Some(quote), c) if c == quote => parsed.quote = None,
                (None | Some('"'), '\\') => text.extend(characters.next()),
                (quote, c) => {
                    text.push(c);
                    if quote.is_none() && breaks.contains(c) {
                        parsed.kept = text.len();
                    }
                }
            }
        }
        parsed.words.push(word.unwrap_or_default());
        parsed
    }

    /// A candidate as bash puts it into the line: without the part that bash keeps, and with special characters escaped as
    /// the open quote needs it.
    pub(super) fn replacement(&self, candidate: &str) -> String {
        let special: fn(char) -> bool = match self.quote {
            Some('\'') => |_| false,
            Some(_) => |c| matches!(c, '"' | '\\' | '$' | '`'),
            None => {
                |c: char| c.is_ascii() && !c.is_ascii_alphanumeric() && !"-_./:@%+,=".contains(c)
            }
        };
        let mut text = String::new();
        for c in candidate.get(self.kept..).unwrap_or(candidate).chars() {
            if special(c) {
                text.push('\\');
            }
            text.push(c);
        }
        text
    }
}

/// A word without its quotes, the last of which may be open.
pub(super) fn unquote(word: &str) -> String {
    let parsed = CommandLine::parse(word, "");
    parsed.words.into_iter().next_back().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The characters of bash.
    const BREAKS: &str = " \t\n\"'@><=;|&(:";

    #[test]
    fn a_line_has_words() {
        let check = |line: &str, expected: &[&str]| {
            assert_eq!(CommandLine::parse(line, BREAKS).words, expected, "{line}");
        };
        check("sampled ", &["sampled", ""]);
        check("sampled  list cpu/a", &["sampled", "list", "cpu/a"]);
        check("sampled 'a b' \"c d\"\\ e", &["sampled", "a b", "c d e"]);
        check("sampled 'cpu/a", &["sampled", "cpu/a"]);
        check("sampled \"a\\\"b", &["sampled", "a\"b"]);
        check("", &[""]);
        assert_eq!(unquote("\"cpu/a"), "cpu/a");
        assert_eq!(unquote("a\\ b"), "a b");
    }

    #[test]
    fn bash_replaces_the_end_of_a_word() {
        let check = |line: &str, candidate: &str, expected: &str| {
            let line = CommandLine::parse(line, BREAKS);
            assert_eq!(line.replacement(candidate), expected, "{line:?}");
        };
        check("sampled list cpu/a", "cpu/all/", "cpu/all/");
        check("sampled list iio/iio:de", "iio/iio:device0/", "device0/");
        check("sampled list a@b:c", "a@b:cd", "cd");
        check(
            "sampled list iio/iio\\:de",
            "iio/iio:device0/",
            "iio/iio:device0/",
        );
        check(
            "sampled list 'iio/iio:de",
            "iio/iio:device0/",
            "iio/iio:device0/",
        );
        check("sampled ps --fields=pi", "--fields=pid", "pid");
        check("sampled list cpu/*/us", "cpu/*/usage", "cpu/\\*/usage");
        check("sampled list 'cpu/*/us", "cpu/*/usage", "cpu/*/usage");
        check("sampled list x", "x y\\z", "x\\ y\\\\z");
        check("sampled list \"x", "x y\\z", "x y\\\\z");
        check("sampled list disk/a%20", "disk/a%20b/", "disk/a%20b/");
    }
}
