//! Tests of the rows.

use sampled_client::Value;

use super::*;

fn key(pid: u32) -> Key {
    Key::Process { pid, start_time: 1 }
}

fn reading(pid: u32, parent: u32, value: f64) -> Reading {
    Reading {
        key: key(pid),
        parent,
        fields: vec![Ok(Value::Number(value)).into()],
    }
}

fn pids(list: &gio::ListStore) -> Vec<u32> {
    let mut pids: Vec<u32> = list
        .iter::<Item>()
        .flatten()
        .map(|item| item.pid())
        .collect();
    pids.sort_unstable();
    pids
}

fn children(rows: &Rows, pid: u32) -> Vec<u32> {
    pids(rows.by_pid[&pid].children())
}

/// 1 has 2 and 3, and 2 has 4.
fn rows() -> Rows {
    let mut rows = Rows::new();
    let readings = vec![
        reading(4, 2, 0.0),
        reading(3, 1, 0.0),
        reading(2, 1, 0.0),
        reading(1, 0, 0.0),
    ];
    rows.change(&[], readings);
    rows
}

#[test]
fn processes_are_below_their_parents() {
    let rows = rows();
    assert_eq!(pids(&rows.list()), [1, 2, 3, 4]);
    assert_eq!(pids(&rows.roots()), [1]);
    assert_eq!(
        (children(&rows, 1), children(&rows, 2)),
        (vec![2, 3], vec![4])
    );
}

#[test]
fn orphans_go_to_their_new_parent_in_either_order() {
    let mut before = rows();
    before.change(&[], vec![reading(4, 1, 0.0)]);
    before.change(&[key(2)], Vec::new());
    let mut after = rows();
    after.change(&[key(2)], Vec::new());
    assert_eq!(pids(&after.roots()), [1, 4]);
    after.change(&[], vec![reading(4, 1, 0.0)]);
    let mut both = rows();
    both.change(&[key(2)], vec![reading(4, 1, 0.0)]);
    for rows in [before, after, both] {
        assert_eq!(pids(&rows.list()), [1, 3, 4]);
        assert_eq!(pids(&rows.roots()), [1]);
        assert_eq!(children(&rows, 1), [3, 4]);
    }
}

#[test]
fn a_change_keeps_the_object_and_counts() {
    let mut rows = rows();
    let item = rows.by_pid[&3].clone();
    rows.change(&[], vec![reading(3, 1, 0.0)]);
    assert_eq!(item.revision(), 0);
    rows.change(&[], vec![reading(3, 1, 7.0)]);
    assert_eq!(
        (item.revision(), item.with_field(0, Field::clone)),
        (1, Some(Ok(Value::Number(7.0)).into()))
    );
    assert_eq!(rows.by_pid.get(&3), Some(&item));
}

#[test]
fn a_pid_that_is_used_again_is_another_row() {
    let mut rows = rows();
    let former = rows.by_pid[&3].clone();
    let again = Key::Process {
        pid: 3,
        start_time: 9,
    };
    let next = Reading {
        key: again.clone(),
        ..reading(3, 2, 0.0)
    };
    rows.change(&[key(3)], vec![next]);
    assert_ne!(rows.by_pid.get(&3), Some(&former));
    assert!(rows.item(&key(3)).is_none() && rows.item(&again).is_some());
    assert_eq!(children(&rows, 2), [3, 4]);
}

#[test]
fn a_process_is_not_below_itself() {
    let mut rows = Rows::new();
    rows.change(&[], vec![reading(1, 1, 0.0)]);
    assert_eq!(pids(&rows.roots()), [1]);
    rows.change(&[key(1)], Vec::new());
    assert!(pids(&rows.roots()).is_empty());
}

#[test]
fn ten_thousand_rows_change_with_few_signals() {
    let mut rows = Rows::new();
    rows.change(
        &[],
        (1..=10_000).map(|pid| reading(pid, pid / 2, 0.0)).collect(),
    );
    let signals = std::rc::Rc::new(std::cell::Cell::new(0));
    rows.list().connect_items_changed({
        let signals = signals.clone();
        move |_, _, _, _| signals.set(signals.get() + 1)
    });
    rows.change(
        &[key(5_000), key(7_000), key(9_999)],
        (10_001..10_010).map(|pid| reading(pid, 1, 0.0)).collect(),
    );
    rows.change(
        &[],
        (1..=1000).map(|pid| reading(pid, pid / 2, 1.0)).collect(),
    );
    assert_eq!(signals.get(), 1, "one for all that went and came");
    let live = (1..10_010).filter(|pid| ![5_000, 7_000, 9_999].contains(pid));
    assert_eq!(pids(&rows.list()), live.collect::<Vec<_>>());
}

#[test]
fn rows_that_are_not_kept_go() {
    let mut rows = rows();
    rows.retain(&HashSet::from([key(1), key(4)]));
    assert_eq!(pids(&rows.list()), [1, 4]);
    assert_eq!(pids(&rows.roots()), [1, 4]);
}
