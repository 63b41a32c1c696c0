//! Which processes are asked for, and what of them.

use std::{fmt, str::FromStr};

use crate::{
    process::{Field, UnknownField},
    reading::{Reading, Value},
};

/// Which processes are asked for, and what of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Query {
    /// What a row consists of, in this order.
    pub fields: Vec<Field>,
    /// What a process must be like, all of it.
    pub filter: Vec<Condition>,
    /// What comes first; by pid if there is none.
    pub order: Option<Order>,
    /// How many rows at most.
    pub limit: Option<usize>,
}

impl Query {
    /// Every field that it is about, whether it is shown or not.
    pub fn all_fields(&self) -> impl Iterator<Item = Field> {
        let filter = self.filter.iter().map(Condition::field);
        let order = self.order.map(|order| order.field);
        self.fields.iter().copied().chain(filter).chain(order)
    }

    /// Whether a rate is among what it is about, so that two passes are needed.
    pub fn needs_baseline(&self) -> bool {
        self.all_fields().any(Field::needs_baseline)
    }
}

/// What a process must be like to be asked for. Written `field=pattern`: `name=fire*`, `rss=>=1000000`.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    field: Field,
    pattern: Pattern,
}

#[derive(Clone, Debug, PartialEq)]
enum Pattern {
    /// What stands between the asterisks.
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
    /// The condition that a field matches a pattern: for a text, the text with `*` for anything; for a
    /// number, a number, perhaps behind `>=`, `<=`, `>` or `<`.
    ///
    /// # Errors
    /// When the pattern of a number is none.
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

    /// What the condition is about.
    pub fn field(&self) -> Field {
        self.field
    }

    /// The pattern that the field is to match, as [`Condition::new`] takes it.
    pub fn pattern(&self) -> String {
        match &self.pattern {
            Pattern::Text(parts) => parts.join("*"),
            Pattern::Number(comparison, number) => format!("{}{number}", comparison.sign()),
        }
    }

    /// Whether a reading of the field fulfils it. One that is none does not.
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
    /// Those whose signs begin with another's come before it.
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

/// Whether a text consists of these parts, with anything in between.
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

/// What comes first. Written as a field, or with `-` before it if the largest is to be first, as for
/// `--sort` of ps(1). What cannot be read comes last, and what is equal is in the order of the pids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// By what.
    pub field: Field,
    /// Whether the largest comes first.
    pub is_descending: bool,
}

impl FromStr for Order {
    type Err = QueryError;

    fn from_str(text: &str) -> Result<Self, QueryError> {
        let (name, is_descending) = match text.strip_prefix('-') {
            Some(name) => (name, true),
            None => (text.strip_prefix('+').unwrap_or(text), false),
        };
        Ok(Self {
            field: name.parse()?,
            is_descending,
        })
    }
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.is_descending { "-" } else { "" };
        write!(f, "{sign}{}", self.field)
    }
}

/// Why a query makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// There is no such field.
    #[error(transparent)]
    UnknownField(#[from] UnknownField),
    /// A condition without a pattern.
    #[error("{0}: a filter is field=pattern")]
    NoPattern(String),
    /// The field is a number, and the pattern is none.
    #[error("{field}={pattern}: the pattern of a number is like 42, >=42 or <42")]
    InvalidPattern {
        /// The field.
        field: Field,
        /// What was to be its pattern.
        pattern: String,
    },
    /// The sum of this field over several processes means nothing.
    #[error("{0}: this field cannot be summed up")]
    NotSummable(Field),
    /// Processes are not grouped by this.
    #[error("{0}: processes are summed up by application, unit or user")]
    UnknownGroup(String),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reading::Fault;

    #[track_caller]
    fn check(condition: &str, value: impl Into<Value>, expected: bool) {
        let condition: Condition = condition.parse().unwrap();
        assert_eq!(condition.matches(&Ok(value.into())), expected);
        let again = Condition::new(condition.field(), &condition.pattern());
        assert_eq!(again, Ok(condition.clone()));
        assert!(!condition.matches(&Err(Fault::Denied)));
    }

    impl From<f64> for Value {
        fn from(number: f64) -> Self {
            Self::Number(number)
        }
    }

    impl From<&str> for Value {
        fn from(text: &str) -> Self {
            Self::Text(text.into())
        }
    }

    #[test]
    fn texts() {
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
    fn numbers() {
        check("pid=42", 42.0, true);
        check("pid=42", 43.0, false);
        check("rss=>=10", 10.0, true);
        check("rss=>10", 10.0, false);
        check("rss=<=10", 10.0, true);
        check("rss=<10", 10.0, false);
        check("nice=< 0", -5.0, true);
        check("cpu=>0.5", 0.75, true);
    }

    #[test]
    fn orders() {
        let order = "-cpu".parse::<Order>().unwrap();
        assert_eq!((order.field, order.is_descending), (Field::Cpu, true));
        assert_eq!(order.to_string(), "-cpu");
        let order = "rss".parse::<Order>().unwrap();
        assert_eq!((order.field, order.is_descending), (Field::Rss, false));
        assert_eq!("+rss".parse(), Ok(order));
    }

    #[test]
    fn errors_name_the_culprit() {
        #[track_caller]
        fn check<T: FromStr<Err = QueryError> + fmt::Debug>(text: &str, expected: &str) {
            let error = text.parse::<T>().unwrap_err().to_string();
            assert!(error.starts_with(expected), "{error}");
        }
        check::<Order>("-rsss", "rsss: there is no such field");
        check::<Order>("--rss", "-rss: there is no such field");
        check::<Condition>("name", "name: a filter is field=pattern");
        check::<Condition>("nam=x", "nam: there is no such field");
        check::<Condition>("pid=x", "pid=x: the pattern of a number is like");
        check::<Condition>("pid=", "pid=: the pattern of a number is like");
        check::<Condition>("pid=>=", "pid=>=: the pattern of a number is like");
        check::<Condition>("pid=nan", "pid=nan: the pattern of a number is like");
    }
}
