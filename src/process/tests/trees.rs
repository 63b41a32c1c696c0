//! Tests with fixture trees.

use std::time::Instant;

use nix::{sys::stat::Mode, unistd::mkfifo};

use super::*;

#[test]
fn the_last_pid_may_be_any() {
    let tree = Tree::new();
    tree.process(3, "a", 1, 30);
    tree.write("self/stat", "x");
    let mut table = tree.table();
    let query = Query {
        fields: vec![Field::Pid],
        ..Query::default()
    };
    for last in ["4294967295", "4294967294", "4294967295", "4294967296", "0"] {
        tree.write("loadavg", format!("0 0 0 1/4 {last}\n"));
        assert_eq!(pids(&rows(&mut table, &query)), [3]);
    }
}

#[test]
fn a_pid_that_is_given_again_during_a_query_has_a_row_in_the_next() {
    let tree = Tree::new();
    for (pid, name) in [(3, "a"), (20, "b"), (100, "c")] {
        tree.process(pid, name, 1, 0);
    }
    let mut table = tree.table();
    let since = now();
    let (names, files) = (query(&[Field::Name]), query(&[Field::CommandLine]));
    table.rows(&names, since, None).unwrap();
    tree.process(20, "new", 50, 0);
    let same_pass = table.rows(&files, since, None).unwrap();
    assert_eq!(pids(&same_pass), [3, 100]);
    let found = rows(&mut table, &names);
    assert_eq!(pids(&found), [3, 20, 100]);
    // The same, and one that cannot be read any more.
    let since = now();
    table.rows(&names, since, None).unwrap();
    tree.process(20, "newer", 90, 0);
    let same_pass = table.rows(&query(&[Field::Cgroup]), since, None);
    assert_eq!(pids(&same_pass.unwrap()), [3, 100]);
    tree.write("3/stat", "x");
    let found = rows(&mut table, &names);
    assert_eq!(pids(&found), [20, 100]);
    let shown: Vec<_> = found.rows.iter().map(|row| &row.values[0]).collect();
    assert_eq!(shown, [&text("newer"), &text("c")]);
}

#[test]
fn filter_order_and_limit() {
    let tree = Tree::new();
    for (pid, name, used) in [(3, "ab", 30), (20, "b", 10), (100, "a", 20), (101, "c", 20)] {
        tree.process(pid, name, 1, used);
    }
    tree.write("self/stat", "x");
    tree.write("loadavg", "0 0 0 1/4 101\n");
    let mut table = tree.table();
    let mut check = |filter: &[&str], order: Option<&str>, limit, expected: &[u32], matched| {
        let query = Query {
            fields: vec![Field::Pid],
            filter: filter.iter().map(|text| text.parse().unwrap()).collect(),
            order: order.map(|order| order.parse().unwrap()),
            limit,
        };
        let found = rows(&mut table, &query);
        assert_eq!(pids(&found), expected);
        assert_eq!((found.total, found.matched), (4, matched));
    };
    check(&[], None, None, &[3, 20, 100, 101], 4);
    check(&[], None, Some(2), &[3, 20], 4);
    check(&[], Some("name"), None, &[100, 3, 20, 101], 4);
    check(&[], Some("-name"), Some(1), &[101], 4);
    check(&[], Some("-cpu_time"), None, &[3, 100, 101, 20], 4);
    check(&[], Some("cpu_time"), Some(2), &[20, 100], 4);
    check(&[], Some("-pid"), None, &[101, 100, 20, 3], 4);
    check(&[], Some("cpu"), None, &[3, 20, 100, 101], 4);
    check(&[], None, Some(0), &[], 4);
    check(&["name=a*"], None, None, &[3, 100], 2);
    check(&["name=a*"], None, Some(1), &[3], 2);
    check(&["name=a*", "cpu_time=>=0.3"], None, None, &[3], 1);
    check(&["cpu=>=0"], None, None, &[], 0);
    check(&["pid=20"], None, None, &[20], 1);
    // The command lines do not exist.
    check(&["command_line=*"], None, None, &[], 0);
}

#[test]
fn processes_come_go_and_are_replaced() {
    let tree = Tree::new();
    tree.process(10, "a", 100, 0);
    tree.process(20, "b", 100, 0);
    tree.write("10/cmdline", "old\0");
    let mut table = tree.table();
    let query = query(&[Field::Name, Field::CommandLine]);
    assert_eq!(pids(&rows(&mut table, &query)), [10, 20]);
    tree.end(10);
    tree.process(15, "c", 200, 0);
    assert_eq!(pids(&rows(&mut table, &query)), [15, 20]);
    tree.process(10, "a", 300, 0);
    tree.write("10/cmdline", "new\0");
    let found = rows(&mut table, &query);
    assert_eq!(pids(&found), [10, 15, 20]);
    assert_eq!(found.rows[0].start_time, 3_000_000);
    assert_eq!(found.rows[0].values, [text("a"), text("new")]);
    // It executes another program, so that its attributes are read again.
    tree.write("10/cmdline", "newer\0");
    assert_eq!(rows(&mut table, &query).rows[0].values[1], text("new"));
    tree.process(10, "b", 300, 0);
    assert_eq!(
        rows(&mut table, &query).rows[0].values,
        [text("b"), text("newer")]
    );
}

#[test]
fn sums_are_over_the_processes_of_a_group() {
    let tree = Tree::new();
    let units = ["a.service", "b.service", "a.service", ""];
    for (pid, unit) in units.into_iter().enumerate() {
        let pid = pid as u32 + 1;
        tree.process(pid, "x", 5, u64::from(pid) * 100);
        tree.write(
            &format!("{pid}/cgroup"),
            format!("0::/system.slice/{unit}\n"),
        );
        tree.write(&format!("{pid}/status"), format!("VmSwap: {pid} kB\n"));
    }
    fs::remove_file(tree.path("3/status")).unwrap();
    tree.process(9, "x", 5, 900);
    let mut table = tree.table();
    let mut check = |order: Option<&str>, limit, expected: &[(&str, usize, f64)]| {
        let query = Query {
            fields: vec![Field::CpuTime, Field::Swap],
            order: order.map(|order| order.parse().unwrap()),
            limit,
            ..Query::default()
        };
        Group::Unit.check(&query).unwrap();
        let sums = table.sums(Group::Unit, &query, now(), None).unwrap();
        assert_eq!((sums.total, sums.matched), (5, 5));
        let found = sums.groups.iter().map(|sum| {
            assert_eq!(sum.values.len(), 2);
            let name = match &sum.name {
                Ok(name) => name,
                Err(fault) => fault.code(),
            };
            (name, sum.processes, sum.values[0].number.unwrap())
        });
        assert_eq!(found.collect::<Vec<_>>(), expected);
        sums
    };
    let (a, b) = (("a.service", 2, 4.0), ("b.service", 1, 2.0));
    let (none, gone) = (("", 1, 4.0), ("gone", 1, 9.0));
    let sums = check(None, None, &[none, a, b, gone]);
    let swap = |at: usize| sums.groups[at].values[1];
    assert_eq!((swap(2).number, swap(2).fault), (Some(2048.0), None));
    assert_eq!(
        (swap(1).number, swap(1).fault),
        (Some(1024.0), Some(Fault::Gone))
    );
    assert_eq!((swap(3).number, swap(3).fault), (None, Some(Fault::Gone)));
    check(Some("-unit"), None, &[b, a, none, gone]);
    check(Some("-cpu_time"), Some(2), &[gone, none]);
    check(Some("threads"), Some(1), &[none]);
    let wrong = query(&[Field::Nice]);
    let error = Group::User.check(&wrong).unwrap_err();
    assert_eq!(error, QueryError::NotSummable(Field::Nice));
}

#[test]
fn a_read_that_blocks_for_ever_times_out_and_delays_no_other() {
    let tree = Tree::new();
    for pid in 1..=5 {
        tree.process(pid, "x", 5, 0);
        tree.write(&format!("{pid}/cmdline"), format!("{pid}"));
    }
    // An open of the FIFO waits for a writer.
    let fifo = tree.path("3/cmdline");
    fs::remove_file(&fifo).unwrap();
    mkfifo(&fifo, Mode::S_IRWXU).unwrap();
    let mut table = Table::new(&tree.roots());
    let query = query(&[Field::CommandLine]);
    let value = |rows: &Rows, at: usize| rows.rows[at].values[0].clone();
    // On a busy machine, others may be late, too.
    let settled = |table: &mut Table| loop {
        let found = rows(table, &query);
        if [0, 1, 3, 4].iter().all(|&at| value(&found, at).is_ok()) {
            return found;
        }
    };
    let found = settled(&mut table);
    assert_eq!(value(&found, 2), Err(Fault::Timeout));
    assert_eq!(value(&found, 4), text("5"));
    // A second query does not wait for it.
    let start = Instant::now();
    for _ in 0..50 {
        assert_eq!(value(&settled(&mut table), 2), Err(Fault::Timeout));
    }
    assert!(
        start.elapsed() < Duration::from_secs(4),
        "{:?}",
        start.elapsed()
    );
    // The open returns once there is a writer.
    fs::write(&fifo, "at last").unwrap();
    fs::remove_file(&fifo).unwrap();
    tree.write("3/cmdline", "at last");
    while value(&rows(&mut table, &query), 2) != text("at last") {}
}

#[test]
fn files_are_closed_with_the_table() {
    let tree = Tree::new();
    for pid in 1..=20 {
        tree.process(pid, "x", 5, 0);
    }
    let below = fs::canonicalize(tree.path(".")).unwrap();
    let mut table = Table::new(&tree.roots());
    assert_eq!(descriptors(&below), 0);
    rows(&mut table, &query(&[Field::Name]));
    assert_eq!(descriptors(&below), 21);
    tree.end(7);
    rows(&mut table, &query(&[Field::Name]));
    assert_eq!(descriptors(&below), 20);
    drop(table);
    assert_eq!(descriptors(&below), 0);
}

#[test]
fn errors_name_the_path() {
    let tree = Tree::new();
    let mut roots = tree.roots();
    roots.proc = tree.path("nowhere");
    let error = Table::new(&roots)
        .rows(&query(&[]), now(), None)
        .unwrap_err();
    let expected = format!("{}: ", roots.proc.display());
    assert!(error.to_string().starts_with(&expected), "{error}");
    // An empty directory has no processes, which is not an error.
    assert_eq!(rows(&mut Table::new(&tree.roots()), &query(&[])).total, 0);
}

#[test]
fn only_the_intended_process_gets_a_signal() {
    let tree = Tree::new();
    let mut child = std::process::Command::new("sleep")
        .arg("1000")
        .spawn()
        .unwrap();
    let pid = child.id();
    tree.process(pid, "sleep", 4242, 0);
    let roots = tree.roots();
    // These pids may belong to another pid namespace.
    let error = end(&roots, pid, 42_420_000, 9).unwrap_err();
    assert!(matches!(error, EndError::OtherNamespace(_)), "{error}");
    tree.write("self/status", format!("NSpid:\t{}\n", std::process::id()));
    let error = end(&roots, pid, 42_410_000, 9).unwrap_err();
    assert!(matches!(error, EndError::AnotherProcess(_)), "{error}");
    assert_eq!(child.try_wait().unwrap(), None);
    end(&roots, pid, 42_420_000, 9).unwrap();
    assert!(!child.wait().unwrap().success());
    let error = end(&roots, pid, 42_420_000, 9).unwrap_err();
    assert!(matches!(error, EndError::NoSuchProcess(_)), "{error}");
}
