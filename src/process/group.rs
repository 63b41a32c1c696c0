//! Sums over the processes that belong together.

use std::{str::FromStr, sync::Arc};

use crate::{
    process::{Field, Pass, Query, QueryError},
    reading::{Fault, Reading, Value},
};

/// By what processes are taken together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// By [`Field::Application`].
    Application,
    /// By [`Field::Unit`].
    Unit,
    /// By [`Field::User`].
    User,
}

impl Group {
    /// Everything by which processes are taken together.
    pub const ALL: [Self; 3] = [Self::Application, Self::Unit, Self::User];

    /// The field that those of a group have in common.
    pub fn field(self) -> Field {
        match self {
            Self::Application => Field::Application,
            Self::Unit => Field::Unit,
            Self::User => Field::User,
        }
    }

    /// Whether the sums of a query make sense: all its fields can be summed up, and what they are
    /// ordered by is a sum, too, or what the processes of a group have in common.
    ///
    /// # Errors
    /// Names the field that cannot be summed up.
    pub fn check(self, query: &Query) -> Result<(), QueryError> {
        let order = query.order.map(|order| order.field);
        let order = order.filter(|field| *field != self.field());
        let mut all = query.fields.iter().copied().chain(order);
        match all.find(|field| !field.is_summable()) {
            Some(field) => Err(QueryError::NotSummable(field)),
            None => Ok(()),
        }
    }
}

impl FromStr for Group {
    type Err = QueryError;

    fn from_str(name: &str) -> Result<Self, QueryError> {
        let mut all = Self::ALL.into_iter();
        all.find(|group| group.field().name() == name)
            .ok_or_else(|| QueryError::UnknownGroup(name.to_owned()))
    }
}

/// Sums over the processes that belong together.
#[derive(Clone, Debug)]
pub struct Sums {
    /// The pass that they are of.
    pub pass: Arc<Pass>,
    /// How many processes there were.
    pub total: usize,
    /// How many of them the filter left.
    pub matched: usize,
    /// A sum for each group.
    pub groups: Vec<Sum>,
}

/// The sum over the processes of a group.
#[derive(Clone, Debug, PartialEq)]
pub struct Sum {
    /// What they have in common; empty for those that belong to no unit or no application. A fault for
    /// those of which that could not be read.
    pub name: Result<Arc<str>, Fault>,
    /// How many they are.
    pub processes: usize,
    /// The sums, in the order of the fields.
    pub values: Vec<Total>,
}

/// The sum of one field.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Total {
    /// The sum of what could be read; none if nothing could.
    pub number: Option<f64>,
    /// Why some of it could not be read; none if all could.
    pub fault: Option<Fault>,
}

impl Total {
    /// Adds what was read of one more process.
    pub(super) fn add(&mut self, reading: &Reading) {
        match reading {
            Ok(Value::Number(number)) => self.number = Some(self.number.unwrap_or(0.0) + number),
            Ok(Value::Text(_)) => {}
            Err(fault) => self.fault = self.fault.or(Some(*fault)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_says_what_is_missing() {
        let mut total = Total::default();
        total.add(&Err(Fault::Denied));
        assert_eq!((total.number, total.fault), (None, Some(Fault::Denied)));
        total.add(&Ok(Value::Number(1.5)));
        total.add(&Err(Fault::Timeout));
        total.add(&Ok(Value::Number(2.0)));
        assert_eq!(
            (total.number, total.fault),
            (Some(3.5), Some(Fault::Denied))
        );
    }

    #[test]
    fn groups_have_the_names_of_their_fields() {
        for group in Group::ALL {
            assert_eq!(group.field().name().parse(), Ok(group));
        }
        let error = "pid".parse::<Group>().unwrap_err().to_string();
        assert!(error.starts_with("pid: "), "{error}");
    }
}
