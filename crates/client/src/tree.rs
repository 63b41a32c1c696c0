//! Processes as a tree: each below its parent.
//!
//! ```
//! use sampled_client::tree::{branches, lines};
//!
//! // The process id of each row, and that of its parent.
//! let processes = [(812, 1), (1, 0), (907, 812), (640, 1)];
//! let branches = branches(&processes);
//! let lines = lines(&branches, 3, 32);
//! let drawn: Vec<_> = branches
//!     .iter()
//!     .zip(&lines)
//!     .map(|(branch, lines)| format!("{lines}{}", processes[branch.row].0))
//!     .collect();
//! assert_eq!(drawn, ["1", "├─ 812", "│  └─ 907", "└─ 640"]);
//! ```

use std::collections::HashMap;

/// A process in the order of a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Branch {
    /// The index of its row.
    pub row: usize,
    /// The number of its ancestors in the tree; 0 for a root.
    pub depth: usize,
    /// Whether no sibling follows it.
    pub is_last: bool,
}

/// The rows of a table of processes in the order of a tree, from the process id of each row and that of its parent. 0 stands for none.
///
/// A process whose parent is not in the table is a root. Roots, and the children of each process, keep their order. Each row is in
/// the result once, even if the parents form a cycle: processes may end and begin while their table is read.
pub fn branches(processes: &[(u32, u32)]) -> Vec<Branch> {
    let by_pid: HashMap<u32, usize> = processes
        .iter()
        .enumerate()
        .filter(|(_, (pid, _))| *pid != 0)
        .map(|(row, (pid, _))| (*pid, row))
        .collect();
    let mut children: Vec<Vec<usize>> = vec![Vec::new(); processes.len()];
    let mut roots = Vec::new();
    for (row, (_, parent)) in processes.iter().enumerate() {
        let parent = by_pid.get(parent).filter(|&&parent| parent != row);
        match parent.and_then(|&parent| children.get_mut(parent)) {
            Some(siblings) => siblings.push(row),
            None => roots.push(row),
        }
    }
    let mut is_placed = vec![false; processes.len()];
    let mut placed = Vec::with_capacity(processes.len());
    // No recursion: a chain of children may be as long as the table.
    let mut open = Vec::new();
    put_on(&mut open, &roots, 0);
    while let Some(branch) = open.pop() {
        placed.push(branch);
        if let Some(is_placed) = is_placed.get_mut(branch.row) {
            *is_placed = true;
        }
        let below = children.get(branch.row).map_or(&[][..], Vec::as_slice);
        put_on(&mut open, below, branch.depth.saturating_add(1));
    }
    let cycles = is_placed
        .iter()
        .enumerate()
        .filter(|(_, is_placed)| !**is_placed);
    placed.extend(cycles.map(|(row, _)| Branch {
        row,
        depth: 0,
        is_last: false,
    }));
    placed
}

/// Puts rows on a stack, the first one on the top.
fn put_on(stack: &mut Vec<Branch>, rows: &[usize], depth: usize) {
    let branches = rows.iter().rev().enumerate().map(|(at, &row)| Branch {
        row,
        depth,
        is_last: at == 0,
    });
    stack.extend(branches);
}

/// The lines that a terminal shows before each of these branches, so many columns wide for each level (at least 2): `│  └─ `.
///
/// A branch below so many levels is drawn at the deepest one: otherwise the lines of a long chain of processes, which any user can
/// start, would need memory that grows with the square of its length.
pub fn lines(branches: &[Branch], columns: usize, levels: usize) -> Vec<String> {
    let [filled, blank] = ["─", " "].map(|part| part.repeat(columns.saturating_sub(2)));
    // For each ancestor that is no root: whether a sibling follows it.
    let mut continues: Vec<bool> = Vec::new();
    let draw = |branch: &Branch| {
        let mut lines = String::new();
        let above = branch.depth.checked_sub(1);
        continues.truncate(above.unwrap_or(0));
        if above.is_none() {
            return lines;
        }
        for &continues in continues.iter().take(levels.saturating_sub(1)) {
            lines.push_str(if continues { "│" } else { " " });
            lines.push_str(&blank);
            lines.push(' ');
        }
        lines.push_str(if branch.is_last { "└" } else { "├" });
        lines.push_str(&filled);
        lines.push(' ');
        continues.push(!branch.is_last);
        lines
    };
    branches.iter().map(draw).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(processes: &[(u32, u32)], expected: &str) {
        let branches = branches(processes);
        let lines = lines(&branches, 3, 3);
        let drawn = branches
            .iter()
            .zip(lines)
            .map(|(branch, lines)| format!("{lines}{}\n", processes[branch.row].0));
        assert_eq!(drawn.collect::<String>(), expected);
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
    fn a_row_without_a_pid_has_no_children() {
        check(&[(0, 0), (1, 0), (0, 1)], "0\n1\n└─ 0\n");
    }

    #[test]
    fn rows_below_the_deepest_level_are_drawn_at_it() {
        check(
            &[(1, 0), (2, 1), (3, 2), (4, 3), (5, 4), (6, 4), (7, 2)],
            "1\n└─ 2\n   ├─ 3\n   │  └─ 4\n   │  ├─ 5\n   │  └─ 6\n   └─ 7\n",
        );
    }

    #[test]
    fn a_level_has_so_many_columns() {
        let branches = branches(&[(1, 0), (2, 1), (3, 2), (4, 1)]);
        assert_eq!(lines(&branches, 2, 9), ["", "├ ", "│ └ ", "└ "]);
        assert_eq!(lines(&branches, 4, 9), ["", "├── ", "│   └── ", "└── "]);
        assert_eq!(lines(&branches, 0, 0), ["", "├ ", "└ ", "└ "]);
    }

    #[test]
    fn the_lines_of_a_long_chain_have_a_limit() {
        let processes: Vec<_> = (1..10_000).map(|pid| (pid, pid - 1)).collect();
        let branches = branches(&processes);
        assert_eq!(branches.len(), processes.len());
        let lines = lines(&branches, 2, 12);
        let longest = lines.iter().map(|lines| lines.chars().count()).max();
        assert_eq!(longest, Some(24));
    }
}
