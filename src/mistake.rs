//! Mistakes in the files that a person writes, and where they are: what the configuration and the
//! definitions of sources have in common.

use std::{borrow::Cow, ops::Range};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

/// What is wrong, and where: a range of bytes.
#[derive(Debug)]
pub(crate) struct Mistake {
    pub(crate) span: Range<usize>,
    /// In words that begin with the key.
    pub(crate) what: String,
}

/// A line and a character of that line; the first of each is 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

pub(crate) type Key<'a> = Spanned<Cow<'a, str>>;
pub(crate) type Value<'a> = Spanned<DeValue<'a>>;

impl Mistake {
    pub(crate) fn new(span: Range<usize>, what: impl Into<String>) -> Self {
        let what = what.into();
        Self { span, what }
    }

    /// A key that means nothing, among those that do: a typing mistake must not pass as a default.
    pub(crate) fn unknown(table: &str, key: &Key<'_>, known: &str) -> Self {
        let what = format!("{table}{}: unknown key (known: {known})", key.get_ref());
        Self::new(key.span(), what)
    }

    /// A value of the wrong type.
    pub(crate) fn mistyped(key: &str, expected: &str, value: &Value<'_>) -> Self {
        let found = value.get_ref().type_str();
        let what = format!("{key}: {expected} is expected, and {found} is given");
        Self::new(value.span(), what)
    }

    /// Where it is in the text.
    #[cfg(any(feature = "service", test))]
    pub(crate) fn place(&self, text: &str) -> Place {
        let start = Place { line: 1, column: 1 };
        let places = places(text, [self.span.start]);
        places.first().copied().unwrap_or(start)
    }
}

/// The places of bytes, in the order in which they are given. The text is walked over once, however many
/// they are.
pub(crate) fn places(text: &str, bytes: impl IntoIterator<Item = usize>) -> Vec<Place> {
    let bytes: Vec<_> = bytes.into_iter().collect();
    let mut order: Vec<_> = (0..bytes.len()).collect();
    order.sort_unstable_by_key(|&number| bytes[number]);
    let mut place = Place { line: 1, column: 1 };
    let mut places = vec![place; bytes.len()];
    let mut rest = text;
    for number in order {
        let passed = text.len().saturating_sub(rest.len());
        let at = bytes[number].saturating_sub(passed);
        let (between, after) = rest.split_at_checked(at).unwrap_or((rest, ""));
        rest = after;
        let mut lines = between.rsplit('\n');
        let last = lines.next().unwrap_or_default();
        let breaks = lines.count();
        if breaks > 0 {
            place.line = place.line.saturating_add(breaks);
            place.column = 1;
        }
        place.column = place.column.saturating_add(last.chars().count());
        places[number] = place;
    }
    places
}

/// The table that a whole text is.
pub(crate) fn document(text: &str) -> Result<Spanned<DeTable<'_>>, Mistake> {
    DeTable::parse(text).map_err(|error| {
        // It may be more than one line: the first says what it is, the others what it could be.
        let what = error.message().lines().collect::<Vec<_>>().join("; ");
        Mistake::new(error.span().unwrap_or(0..0), what)
    })
}

pub(crate) fn table<'a, 'b>(key: &str, value: &'b Value<'a>) -> Result<&'b DeTable<'a>, Mistake> {
    let table = value.get_ref().as_table();
    table.ok_or_else(|| Mistake::mistyped(key, "a table", value))
}

pub(crate) fn flag(key: &str, value: &Value<'_>) -> Result<bool, Mistake> {
    let flag = value.get_ref().as_bool();
    flag.ok_or_else(|| Mistake::mistyped(key, "true or false", value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_of_many() {
        let text = "a\nbü c\n\nd";
        let bytes = [0, 1, 2, 3, 5, 6, 7, 8, 9, 10, 100, 6, 0];
        let found = places(text, bytes);
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
        for (byte, expected) in bytes.into_iter().zip(expected) {
            let at = Mistake::new(byte..byte, "").place(text);
            assert_eq!((at.line, at.column), expected);
        }
        assert_eq!(places(text, []), []);
    }
}
