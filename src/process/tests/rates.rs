//! Tests of rates, and of the passes that they are made of, with fixture trees.

use std::sync::Arc;

use super::*;

#[test]
fn rates_need_two_passes() {
    let tree = Tree::new();
    let io = |bytes: u64| format!("rchar: 9\nread_bytes: {bytes}\nwrite_bytes: 0\n");
    for pid in [1, 2, 3] {
        tree.process(pid, "x", 5, 1000);
        tree.write(&format!("{pid}/io"), io(4096));
    }
    let mut table = tree.table();
    let query = query(&[Field::Cpu, Field::Read, Field::Write]);
    let first = rows(&mut table, &query);
    assert_eq!(first.rows[0].values, vec![Err(Fault::First); 3]);
    let before = first.pass;
    tree.process(1, "x", 5, 1000);
    tree.write("1/io", io(4096 + 8192));
    tree.process(2, "x", 5, 999);
    tree.write("2/io", io(0));
    tree.process(3, "x", 5, 1002);
    tree.write("3/io", "nonsense");
    let boot = before.stamp.boottime.as_millis() as u64 / 10;
    // One process has just started; another started long ago and is new in this pass.
    tree.process(4, "x", boot + 1, 3);
    tree.write("4/io", io(1 << 20));
    tree.process(5, "x", 7, 3);
    tree.write("5/io", io(5));
    while now() - before.stamp.monotonic < Duration::from_millis(20) {}
    let found = table.rows(&query, now(), Some(&before)).unwrap();
    let values = |at: usize| &found.rows[at].values[..];
    let elapsed = (found.pass.stamp.monotonic - before.stamp.monotonic).as_secs_f64();
    let of = |at: usize, field: usize| match values(at)[field] {
        Ok(Value::Number(number)) => number,
        ref other => panic!("{other:?}"),
    };
    assert_eq!(values(0)[0], number(0.0));
    let io = |pass: &Pass| pass.io_of(1).unwrap().unwrap();
    let between = io(&found.pass).monotonic - io(&before).monotonic;
    assert_eq!(of(0, 1), 8192.0 / between.as_secs_f64());
    assert_eq!(values(0)[2], number(0.0));
    assert_eq!(
        values(1),
        [Err(Fault::Reset), Err(Fault::Reset), number(0.0)]
    );
    assert_eq!(of(2, 0), 100.0 * 0.02 / elapsed);
    assert_eq!(values(2)[1], Err(Fault::Malformed));
    assert!(of(3, 0) > 0.0 && of(3, 1) > 0.0);
    assert_eq!(values(4), vec![Err(Fault::First); 3]);
    // A pass is no baseline of itself.
    let same = table
        .rows(&query, Duration::ZERO, Some(&found.pass))
        .unwrap();
    assert_eq!(same.rows[0].values[0], Err(Fault::First));
    // The machine was suspended in between.
    let mut stamp = before.stamp;
    stamp.boottime -= Duration::from_secs(5);
    let slept = pass::Pass::new(stamp, before.processes.clone(), before.unread);
    let found = table.rows(&query, now(), Some(&slept)).unwrap();
    assert_eq!(found.rows[2].values[0], Err(Fault::Gap));
}

#[test]
fn rows_selected_by_a_rate_have_rates_the_second_time() {
    let tree = Tree::new();
    for pid in 1..=20 {
        tree.process(pid, "x", 5, 0);
        tree.write(&format!("{pid}/io"), "read_bytes: 0\nwrite_bytes: 0\n");
    }
    let mut table = tree.table();
    let query = Query {
        fields: vec![Field::Read],
        order: Some("-cpu".parse().unwrap()),
        limit: Some(1),
        ..Query::default()
    };
    let first = rows(&mut table, &query);
    tree.process(15, "x", 5, 100);
    let second = table.rows(&query, now(), Some(&first.pass)).unwrap();
    assert_eq!(pids(&second), [15]);
    assert_eq!(second.rows[0].values, [number(0.0)]);
}

#[test]
fn queries_share_one_pass() {
    let tree = Tree::new();
    tree.process(1, "a", 5, 0);
    let mut table = tree.table();
    let before = now();
    let first = table.rows(&query(&[Field::Name]), before, None).unwrap();
    tree.process(1, "b", 5, 0);
    let again = table.rows(&query(&[Field::Name]), before, None).unwrap();
    assert!(Arc::ptr_eq(&first.pass, &again.pass));
    assert_eq!(again.rows[0].values, [text("a")]);
    let sums = table.sums(Group::User, &query(&[Field::Rss]), before, None);
    assert!(Arc::ptr_eq(&first.pass, &sums.unwrap().pass));
    let later = rows(&mut table, &query(&[Field::Name]));
    assert_eq!(later.rows[0].values, [text("b")]);
}

#[test]
fn earlier_passes_are_kept_for_a_while() {
    let tree = Tree::new();
    tree.process(1, "a", 5, 0);
    let mut table = tree.table();
    let window = Duration::from_millis(200);
    assert!(table.past(&query(&[]), now(), window).is_none());
    let pass = rows(&mut table, &query(&[])).pass;
    let moment = pass.stamp.monotonic;
    assert!(table.past(&query(&[]), moment, Duration::ZERO).is_none());
    assert!(
        table
            .past(&query(&[]), moment + window / 2, window)
            .is_none()
    );
    let past = table.past(&query(&[]), moment + window, window).unwrap();
    assert!(Arc::ptr_eq(&past, &pass));
    assert!(
        table
            .past(&query(&[]), moment + 11 * window, window)
            .is_none()
    );
    // It has no counters of reading and writing.
    let read = query(&[Field::Read]);
    assert!(table.past(&read, moment + window, window).is_none());
    tree.write("1/io", "read_bytes: 0\nwrite_bytes: 0\n");
    table.baseline(&read, Duration::ZERO).unwrap();
    assert!(table.past(&read, moment + window, window).is_some());
    for _ in 0..100 {
        rows(&mut table, &query(&[]));
    }
    assert!(table.history.kept() <= 4);
}

#[test]
fn passes_with_io_are_kept_beside_those_of_a_quick_query() {
    let tree = Tree::new();
    tree.process(1, "a", 5, 0);
    tree.write("1/io", "read_bytes: 0\nwrite_bytes: 0\n");
    let mut table = tree.table();
    let read = query(&[Field::Read]);
    // Right after a pass without the counters, so close that only one of the two would be kept.
    rows(&mut table, &query(&[Field::Name]));
    let pass = rows(&mut table, &read).pass;
    let moment = pass.stamp.monotonic;
    let window = Duration::from_secs(1);
    let is_found = |table: &Table| {
        let past = table.past(&read, moment + window, window);
        past.is_some_and(|past| Arc::ptr_eq(&past, &pass))
    };
    assert!(is_found(&table));
    // The passes of a session with an interval of 100 ms.
    for number in 1..10 {
        let mut stamp = pass.stamp;
        stamp.monotonic += number * Duration::from_millis(100);
        table
            .history
            .add(pass::Pass::new(stamp, Vec::new(), pass.unread));
    }
    assert!(is_found(&table));
}
