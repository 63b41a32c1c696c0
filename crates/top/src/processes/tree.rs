//! The tree of processes: each below its parent.

use sampled_client::{Reading, Value, tree};

use super::Row;

/// The width of the lines of one level.
const COLUMNS: usize = 2;

/// The deepest level: rows below it are drawn at it.
const LEVELS: usize = 12;

/// Puts each row below its parent, if that is among the rows, and gives it its lines. Children keep their order.
pub(super) fn arrange(rows: Vec<Row>, parent: usize) -> Vec<Row> {
    let processes: Vec<_> = rows
        .iter()
        .map(|row| {
            let parent = row.cells.get(parent).and_then(pid);
            (row.pid().unwrap_or(0), parent.unwrap_or(0))
        })
        .collect();
    let branches = tree::branches(&processes);
    let lines = tree::lines(&branches, COLUMNS, LEVELS);
    let mut rows: Vec<Option<Row>> = rows.into_iter().map(Some).collect();
    let branches = branches.into_iter().zip(lines);
    branches
        .filter_map(|(branch, lines)| {
            let mut row = rows.get_mut(branch.row)?.take()?;
            row.branch = lines;
            Some(row)
        })
        .collect()
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
        assert_eq!(widest, Some(COLUMNS * LEVELS));
    }
}
