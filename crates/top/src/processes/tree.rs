//! The tree of processes: each below its parent.

use std::collections::HashMap;

use sampled_client::{Reading, Value};

use super::Row;

/// The deepest level that is drawn as such: deeper rows are drawn at it.
const DEEPEST: usize = 24;

/// Puts each row below its parent, if that is among the rows, and gives it its lines. Children keep their order.
pub(super) fn arrange(rows: Vec<Row>, parent: usize) -> Vec<Row> {
    let by_pid: HashMap<u32, usize> = rows
        .iter()
        .enumerate()
        .filter_map(|(at, row)| Some((row.pid()?, at)))
        .collect();
    let mut children: Vec<Vec<usize>> = vec![Vec::new(); rows.len()];
    let mut roots = Vec::new();
    for (at, row) in rows.iter().enumerate() {
        let parent = row.cells.get(parent).and_then(pid);
        let parent = parent.and_then(|pid| by_pid.get(&pid));
        match parent.and_then(|&parent| Some((parent, children.get_mut(parent)?))) {
            Some((parent, siblings)) if parent != at => siblings.push(at),
            _ => roots.push(at),
        }
    }
    let mut left: Vec<Option<Row>> = rows.into_iter().map(Some).collect();
    let mut arranged = Vec::with_capacity(left.len());
    // No recursion: a chain of children may be as long as the table.
    let mut open: Vec<(usize, String, &str)> = Vec::new();
    open.extend(roots.into_iter().rev().map(|at| (at, String::new(), "")));
    while let Some((at, before, joint)) = open.pop() {
        if let Some(mut row) = left.get_mut(at).and_then(Option::take) {
            row.branch = format!("{before}{joint}");
            arranged.push(row);
        }
        let before = match joint {
            "" => before,
            _ if before.chars().count() >= DEEPEST => before,
            "├ " => before + "│ ",
            _ => before + "  ",
        };
        let below = children.get(at).map_or(&[][..], Vec::as_slice);
        let last = below.len().saturating_sub(1);
        open.extend(below.iter().enumerate().rev().map(|(place, &child)| {
            let joint = if place == last { "└ " } else { "├ " };
            (child, before.clone(), joint)
        }));
    }
    // Cycles of parents, which a table read during changes may contain.
    arranged.extend(left.into_iter().flatten());
    arranged
}

fn pid(reading: &Reading) -> Option<u32> {
    match reading {
        Ok(Value::Number(number)) => Some(*number as u32),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{super::Key, *};

    fn arranged(pairs: &[(u32, u32)]) -> Vec<Row> {
        let rows = pairs.iter().map(|&(pid, parent)| Row {
            key: Key::Process(pid),
            cells: vec![Ok(Value::Number(parent.into()))],
            branch: String::new(),
        });
        arrange(rows.collect(), 0)
    }

    #[track_caller]
    fn check(pairs: &[(u32, u32)], expected: &str) {
        let rows = arranged(pairs);
        let lines = rows
            .iter()
            .map(|row| format!("{}{}\n", row.branch, row.pid().unwrap()));
        assert_eq!(lines.collect::<String>(), expected);
    }

    #[test]
    fn children_are_below_their_parents() {
        check(&[], "");
        check(&[(2, 0), (1, 0)], "2\n1\n");
        check(
            &[(9, 7), (1, 0), (7, 1), (8, 1), (5, 7), (6, 99)],
            "1\n├ 7\n│ ├ 9\n│ └ 5\n└ 8\n6\n",
        );
    }

    #[test]
    fn nothing_is_lost_in_a_cycle() {
        check(&[(1, 1)], "1\n");
        check(&[(1, 0), (2, 3), (3, 2)], "1\n2\n3\n");
    }

    #[test]
    fn a_long_chain_is_no_problem() {
        let pairs: Vec<_> = (1..10_000).map(|pid| (pid, pid - 1)).collect();
        let rows = arranged(&pairs);
        assert_eq!(rows.len(), pairs.len());
        let widest = rows.iter().map(|row| row.branch.chars().count()).max();
        assert!(widest.unwrap() <= DEEPEST + 2);
    }
}
