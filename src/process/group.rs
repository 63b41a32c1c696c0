//! Sums over groups of processes.

use std::{str::FromStr, sync::Arc};

use crate::{
    process::{Field, Pass, Query, QueryError},
    reading::{Fault, Reading, Value},
};

/// The field by which processes are grouped.
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
    /// All variants.
    pub const ALL: [Self; 3] = [Self::Application, Self::Unit, Self::User];

    /// The field that the processes of a group have in common.
    pub fn field(self) -> Field {
        match self {
            Self::Application => Field::Application,
            Self::Unit => Field::Unit,
            Self::User => Field::User,
        }
    }

    /// Checks that all fields of the query can be summed, and that its order is by a sum or by the field of the group.
    ///
    /// # Errors
    /// When a field cannot be summed; the error names it.
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

/// The sums over groups of processes.
#[derive(Clone, Debug)]
pub struct Sums {
    /// The pass that they were read in.
    pub pass: Arc<Pass>,
    /// The number of processes in the pass.
    pub total: usize,
    /// The number of processes that match the filter.
    pub matched: usize,
    /// A sum for each group.
    pub groups: Vec<Sum>,
}

/// The sums over the processes of a group.
#[derive(Clone, Debug, PartialEq)]
pub struct Sum {
    /// The value of the field that they have in common. It is empty for processes without a unit or an application, and
    /// a fault for processes whose field could not be read.
    pub name: Result<Arc<str>, Fault>,
    /// The number of processes in the group.
    pub processes: usize,
    /// The sums, in the order of the fields.
    pub values: Vec<Total>,
}

/// The sum of one field.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Total {
    /// The sum of the values that could be read; none if none could.
    pub number: Option<f64>,
    /// The fault of a value that could not be read; none if all could.
    pub fault: Option<Fault>,
}

impl Total {
    /// Adds the value of one more process.
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
