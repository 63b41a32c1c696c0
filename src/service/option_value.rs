//! The value of an option, if it has a type that some option takes. Other values are skipped while they are parsed: as
//! a `zbus::Variant`, a value would take many times the size that it has in the message.

use std::{cell::Cell, fmt};

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// The value of an option.
#[derive(Debug, PartialEq)]
pub(crate) enum OptionValue {
    /// `b`
    Bool(bool),
    /// `u`
    U32(u32),
    /// `t`
    U64(u64),
    /// `d`
    F64(f64),
    /// `s`
    Text(String),
    /// `as`
    TextList(Vec<String>),
    /// `a{ss}`
    Texts(Vec<(String, String)>),
    /// A value of another type, by its signature.
    Other(String),
}

impl OptionValue {
    /// The signature of its type.
    pub(crate) fn signature(&self) -> &str {
        match self {
            Self::Bool(_) => "b",
            Self::U32(_) => "u",
            Self::U64(_) => "t",
            Self::F64(_) => "d",
            Self::Text(_) => "s",
            Self::TextList(_) => "as",
            Self::Texts(_) => "a{ss}",
            Self::Other(signature) => signature,
        }
    }
}

/// The number of values that may still be read. Values inside other values count, too. Nothing more is read once the
/// budget is used up.
#[derive(Debug)]
pub(crate) struct Budget(Cell<usize>);

impl Budget {
    pub(crate) fn new(values: usize) -> Self {
        Self(Cell::new(values))
    }

    pub(crate) fn is_used_up(&self) -> bool {
        self.0.get() == 0
    }

    /// Takes one value. Returns `false` if the budget is used up.
    pub(crate) fn take(&self) -> bool {
        self.0.set(self.0.get().saturating_sub(1));
        !self.is_used_up()
    }
}

/// Reads a variant as an [`OptionValue`].
pub(crate) struct Value<'a>(pub(crate) &'a Budget);

/// Skips any value.
#[derive(Clone, Copy)]
pub(crate) struct Skip<'a>(pub(crate) &'a Budget);

/// Reads an `a{ss}`.
struct Texts<'a>(&'a Budget);

/// Reads an `as`.
struct TextList<'a>(&'a Budget);

impl<'de> DeserializeSeed<'de> for Value<'_> {
    type Value = OptionValue;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<OptionValue, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Value<'_> {
    type Value = OptionValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a variant")
    }

    /// A variant consists of a signature and a value.
    fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<OptionValue, A::Error> {
        let signature: &str = required(parts.next_element()?)?;
        Ok(match signature {
            "b" => OptionValue::Bool(required(parts.next_element()?)?),
            "u" => OptionValue::U32(required(parts.next_element()?)?),
            "t" => OptionValue::U64(required(parts.next_element()?)?),
            "d" => OptionValue::F64(required(parts.next_element()?)?),
            "s" => OptionValue::Text(required(parts.next_element()?)?),
            "as" => OptionValue::TextList(required(parts.next_element_seed(TextList(self.0))?)?),
            "a{ss}" => OptionValue::Texts(required(parts.next_element_seed(Texts(self.0))?)?),
            _ => {
                required(parts.next_element_seed(Skip(self.0))?)?;
                OptionValue::Other(signature.to_owned())
            }
        })
    }
}

impl<'de> DeserializeSeed<'de> for Texts<'_> {
    type Value = Vec<(String, String)>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Texts<'_> {
    type Value = Vec<(String, String)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("texts by key")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let mut texts = Vec::new();
        while self.0.take()
            && let Some((key, text)) = entries.next_entry::<&str, &str>()?
        {
            texts.push((key.to_owned(), text.to_owned()));
        }
        Ok(texts)
    }
}

impl<'de> DeserializeSeed<'de> for TextList<'_> {
    type Value = Vec<String>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for TextList<'_> {
    type Value = Vec<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("texts")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut given: A) -> Result<Self::Value, A::Error> {
        let mut texts = Vec::new();
        while self.0.take()
            && let Some(text) = given.next_element::<&str>()?
        {
            texts.push(text.to_owned());
        }
        Ok(texts)
    }
}

impl<'de> DeserializeSeed<'de> for Skip<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

/// The visits of values that hold no other values.
macro_rules! skip {
    ($($visit:ident($type:ty),)*) => {
        $(fn $visit<E: Error>(self, _: $type) -> Result<(), E> {
            self.0.take();
            Ok(())
        })*
    };
}

impl<'de> Visitor<'de> for Skip<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    skip! {
        visit_bool(bool),
        visit_i8(i8),
        visit_i16(i16),
        visit_i32(i32),
        visit_i64(i64),
        visit_u8(u8),
        visit_u16(u16),
        visit_u32(u32),
        visit_u64(u64),
        visit_f32(f32),
        visit_f64(f64),
        visit_str(&str),
        visit_bytes(&[u8]),
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.0.take();
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<(), A::Error> {
        while self.0.take() && values.next_element_seed(self)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        while self.0.take() && entries.next_entry_seed(self, self)?.is_some() {}
        Ok(())
    }
}

fn required<T, E: Error>(part: Option<T>) -> Result<T, E> {
    part.ok_or_else(|| E::custom("a variant has a signature and a value"))
}

#[cfg(test)]
mod tests;
