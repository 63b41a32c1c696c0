//! Conditions of a filter.

use std::str::FromStr;

use crate::{
    process::{Field, QueryError},
    reading::{Reading, Value},
};

/// A condition on a field of a process. Written `field=pattern`: `name=fire*`, `rss=>=1000000`.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    field: Field,
    pattern: Pattern,
}

#[derive(Clone, Debug, PartialEq)]
enum Pattern {
    /// The parts between the asterisks.
    Text(Vec<Box<str>>),
    Number(Comparison, f64),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Comparison {
    Equal,
    AtLeast,
    AtMost,
    More,
    Less,
}

impl Condition {
    /// The condition that a field matches a pattern. The pattern of a text is a text with `*` for anything. The pattern
    /// of a number is a number with an optional `>=`, `<=`, `>` or `<` before it.
    ///
    /// # Errors
    /// When the pattern of a number is not a number.
    pub fn new(field: Field, pattern: &str) -> Result<Self, QueryError> {
        let pattern = if field.is_text() {
            Pattern::Text(pattern.split('*').map(Into::into).collect())
        } else {
            Pattern::number(pattern).ok_or_else(|| QueryError::InvalidPattern {
                field,
                pattern: pattern.to_owned(),
            })?
        };
        Ok(Self { field, pattern })
    }

    /// The field of the condition.
    pub fn field(&self) -> Field {
        self.field
    }

    /// The pattern, in the form that [`Condition::new`] takes.
    pub fn pattern(&self) -> String {
        match &self.pattern {
            Pattern::Text(parts) => parts.join("*"),
            Pattern::Number(comparison, number) => format!("{}{number}", comparison.sign()),
        }
    }

    /// Whether a reading of the field matches. A fault does not.
    pub(super) fn matches(&self, reading: &Reading) -> bool {
        match (&self.pattern, reading) {
            (Pattern::Text(parts), Ok(Value::Text(text))) => matches(parts, text),
            (Pattern::Number(comparison, limit), Ok(Value::Number(number))) => match comparison {
                Comparison::Equal => number == limit,
                Comparison::AtLeast => number >= limit,
                Comparison::AtMost => number <= limit,
                Comparison::More => number > limit,
                Comparison::Less => number < limit,
            },
            _ => false,
        }
    }
}

impl Pattern {
    fn number(pattern: &str) -> Option<Self> {
        let mut all = Comparison::ALL.into_iter();
        let (comparison, number) = all.find_map(|comparison| {
            let number = pattern.strip_prefix(comparison.sign())?;
            Some((comparison, number.trim()))
        })?;
        let number: f64 = number.parse().ok()?;
        number
            .is_finite()
            .then_some(Self::Number(comparison, number))
    }
}

impl Comparison {
    /// A sign that begins with another sign comes before it.
    const ALL: [Self; 5] = [
        Self::AtLeast,
        Self::AtMost,
        Self::More,
        Self::Less,
        Self::Equal,
    ];

    fn sign(self) -> &'static str {
        match self {
            Self::AtLeast => ">=",
            Self::AtMost => "<=",
            Self::More => ">",
            Self::Less => "<",
            Self::Equal => "",
        }
    }
}

/// Whether a text consists of these parts, with any text in between.
fn matches(parts: &[Box<str>], text: &str) -> bool {
    let [first, middle @ .., last] = parts else {
        return parts.iter().all(|part| **part == *text);
    };
    let Some(mut rest) = text.strip_prefix(&**first) else {
        return false;
    };
    for part in middle {
        match rest.split_once(&**part) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(&**last)
}

impl FromStr for Condition {
    type Err = QueryError;

    fn from_str(text: &str) -> Result<Self, QueryError> {
        let (field, pattern) = text
            .split_once('=')
            .ok_or_else(|| QueryError::NoPattern(text.to_owned()))?;
        Self::new(field.parse()?, pattern)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reading::Fault;

    #[track_caller]
    fn check(condition: &str, value: impl IntoValue, expected: bool) {
        let condition: Condition = condition.parse().unwrap();
        assert_eq!(condition.matches(&Ok(value.into_value())), expected);
        let again = Condition::new(condition.field(), &condition.pattern());
        assert_eq!(again, Ok(condition.clone()));
        assert!(!condition.matches(&Err(Fault::Denied)));
    }

    trait IntoValue {
        fn into_value(self) -> Value;
    }

    impl IntoValue for f64 {
        fn into_value(self) -> Value {
            Value::Number(self)
        }
    }

    impl IntoValue for &str {
        fn into_value(self) -> Value {
            Value::Text(self.into())
        }
    }

    #[test]
    fn text_patterns() {
        check("name=bash", "bash", true);
        check("name=bash", "bash2", false);
        check("name=", "", true);
        check("name=", "a", false);
        check("name=*", "", true);
        check("name=*", "anything", true);
        check("name=fire*", "firefox", true);
        check("name=*fox", "firefox", true);
        check("name=*ref*", "firefox", true);
        check("name=f*r*x", "firefox", true);
        check("name=f*x*r", "firefox", false);
        check("name=ab*ba", "aba", false);
        check("name=**", "a", true);
        check("name=a=b", "a=b", true);
        check("name=A", "a", false);
    }

    #[test]
    fn number_patterns() {
        check("pid=42", 42.0, true);
        check("pid=42", 43.0, false);
        check("rss=>=10", 10.0, true);
        check("rss=>10", 10.0, false);
        check("rss=<=10", 10.0, true);
        check("rss=<10", 10.0, false);
        check("nice=< 0", -5.0, true);
        check("cpu=>0.5", 0.75, true);
    }
}
