//! Queries: the processes and the fields that a client wants.

use std::{fmt, str::FromStr};

use crate::process::{Condition, Field, QueryError};

/// A query for processes and their fields.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Query {
    /// The fields of a row, in this order.
    pub fields: Vec<Field>,
    /// The conditions that a process must match, all of them.
    pub filter: Vec<Condition>,
    /// The order of the rows; by pid if there is none.
    pub order: Option<Order>,
    /// The largest number of rows.
    pub limit: Option<usize>,
}

impl Query {
    /// Every field that it needs: of the rows, the filter and the order.
    pub fn all_fields(&self) -> impl Iterator<Item = Field> {
        let filter = self.filter.iter().map(Condition::field);
        let order = self.order.map(|order| order.field);
        self.fields.iter().copied().chain(filter).chain(order)
    }

    /// Whether one of these is a rate, so that the query needs two passes.
    pub fn needs_baseline(&self) -> bool {
        self.all_fields().any(Field::needs_baseline)
    }
}

/// The order of rows. Written as a field, or with `-` before it for the largest first, as for `--sort` of ps(1). Faults
/// come last, and equal values are in the order of the pids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// The field to sort by.
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

#[cfg(test)]
mod tests {
    use super::*;

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
