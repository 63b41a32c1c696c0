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
    pub(crate) fn place(&self, text: &str) -> Place {
        place(text, self.span.start)
    }
}

/// The place of a byte.
pub(crate) fn place(text: &str, at: usize) -> Place {
    let before = text.get(..at).unwrap_or(text);
    let line = before.rsplit('\n').next().unwrap_or_default();
    Place {
        line: before.matches('\n').count().saturating_add(1),
        column: line.chars().count().saturating_add(1),
    }
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
