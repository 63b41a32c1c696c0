//! The tree of processes: each below its parent.

use std::collections::HashMap;

use sampled::{
    process::Field,
    reading::{Reading, Value},
};

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
pub(super) fn branches(fields: &[Field], rows: &[Vec<Reading>]) -> Vec<Branch> {
    let place = |field| fields.iter().position(|other| *other == field);
    let (Some(pid), Some(parent)) = (place(Field::Pid), place(Field::Parent)) else {
        return flat(rows.len());
    };
    let number = |row: &[Reading], place: usize| match row[place] {
        Ok(Value::Number(number)) => number as u32,
        _ => 0,
    };
    let by_pid: HashMap<_, _> = rows
        .iter()
        .enumerate()
        .map(|(row, readings)| (number(readings, pid), row))
        .collect();
    let mut children: Vec<Vec<usize>> = vec![Vec::new(); rows.len()];
    let mut roots = Vec::new();
    for (row, readings) in rows.iter().enumerate() {
        match by_pid.get(&number(readings, parent)) {
            Some(&parent) if parent != row => children[parent].push(row),
            _ => roots.push(row),
        }
    }
    let mut branches = Vec::with_capacity(rows.len());
    // No recursion: a chain of children may be as long as the table.
    let mut open: Vec<(usize, String, &str)> = Vec::new();
    open.extend(roots.into_iter().rev().map(|row| (row, String::new(), "")));
    while let Some((row, before, joint)) = open.pop() {
        branches.push(Branch {
            row,
            drawn: format!("{before}{joint}"),
        });
        let before = match joint {
            "" => before,
            "├─ " => before + "│  ",
            _ => before + "   ",
        };
        let last = children[row].len().saturating_sub(1);
        let below = children[row].iter().enumerate().rev();
        open.extend(below.map(|(at, &child)| {
            let joint = if at == last { "└─ " } else { "├─ " };
            (child, before.clone(), joint)
        }));
    }
    // Cycles of parents, which a table read during changes may contain.
    let mut is_shown = vec![false; rows.len()];
    branches
        .iter()
        .for_each(|branch| is_shown[branch.row] = true);
    let rest = flat(rows.len()).into_iter();
    branches.extend(rest.filter(|branch| !is_shown[branch.row]));
    branches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pairs: &[(u32, u32)], expected: &str) {
        let number = |number: u32| Ok(Value::Number(number.into()));
        let rows = pairs
            .iter()
            .map(|&(pid, parent)| vec![number(pid), number(parent)]);
        let rows: Vec<_> = rows.collect();
        let lines = branches(&FIELDS, &rows);
        let lines = lines
            .iter()
            .map(|branch| format!("{}{}\n", branch.drawn, pairs[branch.row].0));
        assert_eq!(lines.collect::<String>(), expected);
    }

    #[test]
    fn children_are_below_their_parents() {
        check(&[], "");
        check(&[(2, 0), (1, 0)], "2\n1\n");
        check(
            &[(9, 7), (1, 0), (7, 1), (8, 1), (5, 7), (6, 99)],
            "1\n├─ 7\n│  ├─ 9\n│  └─ 5\n└─ 8\n6\n",
        );
        check(
            &[(1, 0), (2, 1), (3, 2), (4, 3)],
            "1\n└─ 2\n   └─ 3\n      └─ 4\n",
        );
    }

    #[test]
    fn nothing_is_lost_in_a_cycle() {
        check(&[(1, 1)], "1\n");
        check(&[(1, 0), (2, 3), (3, 2)], "1\n2\n3\n");
    }

    #[test]
    fn a_long_chain_is_no_problem() {
        let pairs: Vec<_> = (1..3000).map(|pid| (pid, pid - 1)).collect();
        let number = |number: u32| Ok(Value::Number(number.into()));
        let rows = pairs
            .iter()
            .map(|&(pid, parent)| vec![number(pid), number(parent)]);
        let rows: Vec<_> = rows.collect();
        assert_eq!(branches(&FIELDS, &rows).len(), rows.len());
    }
}
