//! The tree of processes: each below its parent.

use sampled::{
    client::tree,
    process::Field,
    reading::{Reading, Value},
};

/// The width of the lines of one level.
const COLUMNS: usize = 3;

/// The deepest level: rows below it are drawn at it.
const LEVELS: usize = 32;

/// The fields that the tree is built from.
pub(super) const FIELDS: [Field; 2] = [Field::Pid, Field::Parent];

/// A row of the tree: its index, and the lines drawn before its name.
#[derive(Debug, PartialEq)]
pub(super) struct Branch {
    pub(super) row: usize,
    pub(super) drawn: String,
}

/// The rows without a tree.
pub(super) fn flat(rows: usize) -> Vec<Branch> {
    let branch = |row| Branch {
        row,
        drawn: String::new(),
    };
    (0..rows).map(branch).collect()
}

/// Each row below its parent, if that is among the rows. Children keep their order.
pub(super) fn arrange(fields: &[Field], rows: &[Vec<Reading>]) -> Vec<Branch> {
    let place = |field| fields.iter().position(|other| *other == field);
    let (Some(pid), Some(parent)) = (place(Field::Pid), place(Field::Parent)) else {
        return flat(rows.len());
    };
    let number = |row: &[Reading], place: usize| match row[place] {
        Ok(Value::Number(number)) => number as u32,
        _ => 0,
    };
    let processes: Vec<_> = rows
        .iter()
        .map(|row| (number(row, pid), number(row, parent)))
        .collect();
    let branches = tree::branches(&processes);
    let lines = tree::lines(&branches, COLUMNS, LEVELS);
    let branches = branches.into_iter().zip(lines);
    branches
        .map(|(branch, drawn)| Branch {
            row: branch.row,
            drawn,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(pairs: impl Iterator<Item = (u32, u32)>) -> Vec<Vec<Reading>> {
        let number = |number: u32| Ok(Value::Number(number.into()));
        let rows = pairs.map(|(pid, parent)| vec![number(parent), number(pid)]);
        rows.collect()
    }

    #[test]
    fn children_are_below_their_parents() {
        let rows = rows([(9, 7), (7, 1), (1, 0), (8, 1)].into_iter());
        let check = |fields: &[Field], expected: &[(usize, &str)]| {
            let branches = arrange(fields, &rows);
            let branches = branches
                .iter()
                .map(|branch| (branch.row, branch.drawn.as_str()));
            assert_eq!(branches.collect::<Vec<_>>(), expected);
        };
        let tree = [(2, ""), (1, "├─ "), (0, "│  └─ "), (3, "└─ ")];
        check(&[Field::Parent, Field::Pid], &tree);
        check(&[Field::Parent], &[(0, ""), (1, ""), (2, ""), (3, "")]);
    }

    #[test]
    fn a_long_chain_is_no_problem() {
        let rows = rows((1..3000).map(|pid| (pid, pid - 1)));
        let branches = arrange(&[Field::Parent, Field::Pid], &rows);
        assert_eq!(branches.len(), rows.len());
        let widths = branches.iter().map(|branch| branch.drawn.chars().count());
        assert_eq!(widths.max(), Some(COLUMNS * LEVELS));
    }
}
