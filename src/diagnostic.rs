//! Diagnostics of files that a person writes (the configuration, the definitions of custom metrics):
//! a message and its position in the text.

use std::{borrow::Cow, ops::Range};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

/// An error in a text.
#[derive(Debug)]
pub(crate) struct Diagnostic {
    /// The range of bytes that the message is about.
    pub(crate) span: Range<usize>,
    /// Begins with the key.
    pub(crate) message: String,
}

/// A line and a column in characters, both counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

pub(crate) type Key<'a> = Spanned<Cow<'a, str>>;
pub(crate) type Value<'a> = Spanned<DeValue<'a>>;

impl Diagnostic {
    pub(crate) fn new(span: Range<usize>, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { span, message }
    }

    /// An unknown key. It is an error because a misspelt key must not pass as a default.
    pub(crate) fn unknown(table: &str, key: &Key<'_>, known: &str) -> Self {
        let message = format!("{table}{}: unknown key (known: {known})", key.get_ref());
        Self::new(key.span(), message)
    }

    /// A value of the wrong type.
    pub(crate) fn mistyped(key: &str, expected: &str, value: &Value<'_>) -> Self {
        let found = value.get_ref().type_str();
        let message = format!("{key}: {expected} is expected, and {found} is given");
        Self::new(value.span(), message)
    }

    /// The position of the span's first byte.
    #[cfg(any(feature = "service", test))]
    pub(crate) fn position(&self, text: &str) -> Position {
        let start = Position { line: 1, column: 1 };
        let positions = positions(text, [self.span.start]);
        positions.first().copied().unwrap_or(start)
    }
}

/// The positions of byte offsets, in the order in which the offsets are given. One pass over the text serves
/// all offsets.
pub(crate) fn positions(text: &str, offsets: impl IntoIterator<Item = usize>) -> Vec<Position> {
    let offsets: Vec<_> = offsets.into_iter().collect();
    let mut order: Vec<_> = (0..offsets.len()).collect();
    order.sort_unstable_by_key(|&number| offsets[number]);
    let mut position = Position { line: 1, column: 1 };
    let mut positions = vec![position; offsets.len()];
    let mut rest = text;
    for number in order {
        let passed = text.len().saturating_sub(rest.len());
        let at = offsets[number].saturating_sub(passed);
        let (between, after) = rest.split_at_checked(at).unwrap_or((rest, ""));
        rest = after;
        let mut lines = between.rsplit('\n');
        let last = lines.next().unwrap_or_default();
        let breaks = lines.count();
        if breaks > 0 {
            position.line = position.line.saturating_add(breaks);
            position.column = 1;
        }
        position.column = position.column.saturating_add(last.chars().count());
        positions[number] = position;
    }
    positions
}

/// Parses a whole file.
pub(crate) fn document(text: &str) -> Result<Spanned<DeTable<'_>>, Diagnostic> {
    DeTable::parse(text).map_err(|error| {
        // The first line is the error; further lines are the alternatives.
        let message = error.message().lines().collect::<Vec<_>>().join("; ");
        Diagnostic::new(error.span().unwrap_or(0..0), message)
    })
}

pub(crate) fn table<'a, 'b>(
    key: &str,
    value: &'b Value<'a>,
) -> Result<&'b DeTable<'a>, Diagnostic> {
    let table = value.get_ref().as_table();
    table.ok_or_else(|| Diagnostic::mistyped(key, "a table", value))
}

pub(crate) fn flag(key: &str, value: &Value<'_>) -> Result<bool, Diagnostic> {
    let flag = value.get_ref().as_bool();
    flag.ok_or_else(|| Diagnostic::mistyped(key, "true or false", value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_of_many_offsets() {
        let text = "a\nbü c\n\nd";
        let offsets = [0, 1, 2, 3, 5, 6, 7, 8, 9, 10, 100, 6, 0];
        let found = positions(text, offsets);
        let found: Vec<_> = found.iter().map(|at| (at.line, at.column)).collect();
        let expected = [
            (1, 1),
            (1, 2),
            (2, 1),
            (2, 2),
            (2, 3),
            (2, 4),
            (2, 5),
            (3, 1),
            (4, 1),
            (4, 2),
            (4, 2),
            (2, 4),
            (1, 1),
        ];
        assert_eq!(found, expected);
        for (offset, expected) in offsets.into_iter().zip(expected) {
            let at = Diagnostic::new(offset..offset, "").position(text);
            assert_eq!((at.line, at.column), expected);
        }
        assert_eq!(positions(text, []), []);
    }
}
