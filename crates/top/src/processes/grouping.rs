//! Sums over the processes of an application, a unit or a user.

use std::{collections::BTreeMap, sync::Arc};

use sampled_client::{Fault, Reading, Value};

use super::{Key, Row, columns::Column};

/// The grouping of processes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Grouping {
    #[default]
    Application,
    Unit,
    User,
}

impl Grouping {
    pub(crate) const ALL: [Self; 3] = [Self::Application, Self::Unit, Self::User];

    /// The field, which is also the name in the layout file.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Application => "application",
            Self::Unit => "unit",
            Self::User => "user",
        }
    }

    /// The grouping with this name.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|group| group.name() == name)
    }

    /// The next one.
    pub(crate) fn next(self) -> Self {
        match self {
            Self::Application => Self::Unit,
            Self::Unit => Self::User,
            Self::User => Self::Application,
        }
    }
}

/// The rows of the groups. The first of the fields is the name of the group; processes without one are left out.
pub(super) fn groups<'a>(
    fields: &[&'static str],
    rows: impl Iterator<Item = &'a Vec<Reading>>,
) -> Vec<Row> {
    let mut groups: BTreeMap<Arc<str>, (f64, Vec<Sum>)> = BTreeMap::new();
    for row in rows {
        let Some(Ok(Value::Text(name))) = row.first().filter(|name| !is_empty(name)) else {
            continue;
        };
        let empty = || (0.0, vec![Sum::default(); fields.len()]);
        let (processes, sums) = groups.entry(name.clone()).or_insert_with(empty);
        *processes += 1.0;
        for (sum, reading) in sums.iter_mut().zip(row) {
            sum.add(reading);
        }
    }
    let groups = groups.into_iter();
    groups
        .map(|(name, (processes, sums))| Row {
            key: Key::Group(name.clone()),
            // In the order of the fields, then the number of processes.
            cells: std::iter::once(Ok(Value::Text(name)))
                .chain(sums.iter().skip(1).map(Sum::reading))
                .chain([Ok(Value::Number(processes))])
                .collect(),
            branch: String::new(),
        })
        .collect()
}

/// The place of the field of a column in the row of a group.
pub(super) fn place(fields: &[&'static str], column: Column) -> Option<usize> {
    match column {
        Column::Name => Some(0),
        Column::Processes => Some(fields.len()),
        column => fields.iter().position(|field| *field == column.field()),
    }
}

fn is_empty(name: &Reading) -> bool {
    matches!(name, Ok(Value::Text(name)) if name.is_empty())
}

/// The sum of a field over the processes that tell it.
#[derive(Clone, Debug, Default)]
struct Sum {
    sum: Option<f64>,
    fault: Option<Fault>,
}

impl Sum {
    fn add(&mut self, reading: &Reading) {
        match reading {
            Ok(Value::Number(number)) => self.sum = Some(self.sum.unwrap_or(0.0) + number),
            Ok(Value::Text(_)) => {}
            Err(fault) => self.fault = Some(*fault),
        }
    }

    fn reading(&self) -> Reading {
        match (self.sum, self.fault) {
            (Some(sum), _) => Ok(Value::Number(sum)),
            (None, fault) => Err(fault.unwrap_or(Fault::Stale)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_a_group_are_summed() {
        let row = |name: &str, cpu: Reading| vec![Ok(Value::Text(name.into())), cpu];
        let number = |number| Ok(Value::Number(number));
        let rows = [
            row("b", number(1.0)),
            row("", number(9.0)),
            row("a", Err(Fault::Denied)),
            row("b", number(2.0)),
            row("b", Err(Fault::First)),
        ];
        let fields = ["application", "cpu"];
        let groups = groups(&fields, rows.iter());
        let cells: Vec<_> = groups.iter().map(|row| row.cells.clone()).collect();
        let text = |text: &str| Ok(Value::Text(text.into()));
        assert_eq!(
            cells,
            [
                vec![text("a"), Err(Fault::Denied), number(1.0)],
                vec![text("b"), number(3.0), number(3.0)],
            ]
        );
        assert_eq!(place(&fields, Column::Cpu), Some(1));
        assert_eq!(place(&fields, Column::Processes), Some(2));
    }
}
