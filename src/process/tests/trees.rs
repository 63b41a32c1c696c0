//! Tests with fixture trees.

use std::{os::unix::fs::symlink, time::Instant};

use nix::{sys::stat::Mode, unistd::mkfifo};

use super::*;

#[test]
fn fields_of_one_process() {
    let tree = Tree::new();
    tree.process(7, "a) R (b", 12345, 250);
    tree.write("7/cmdline", "sh\0-c\0true\0");
    tree.write(
        "7/cgroup",
        "0::/user.slice/user@1.service/app.slice/app-a\\x2db@1.service\n",
    );
    tree.write(
        "7/smaps_rollup",
        "0-1 ---p 0 00:00 0 [rollup]\nRss: 8 kB\nPss:        3 kB\n",
    );
    tree.write("7/status", "Name:\tx\nVmSwap:\t      12 kB\n");
    symlink("/bin/sh", tree.path("7/exe")).unwrap();
    let mut table = tree.table();
    let found = rows(&mut table, &query(&Field::ALL));
    assert_eq!((found.total, found.matched), (1, 1));
    let row = &found.rows[0];
    assert_eq!((row.pid, row.start_time), (7, 123_450_000));
    let page = 4096.0;
    let uid = f64::from(nix::unistd::geteuid().as_raw());
    let check = |field: Field, expected: Reading| {
        let place = Field::ALL.iter().position(|other| *other == field);
        assert_eq!(row.values[place.unwrap()], expected, "{field}");
    };
    check(Field::Pid, number(7.0));
    check(Field::Parent, number(1.0));
    check(Field::StartTime, number(123_450_000.0));
    check(Field::Uid, number(uid));
    check(Field::Name, text("a) R (b"));
    check(Field::CommandLine, text("sh -c true"));
    check(Field::Executable, text("/bin/sh"));
    check(Field::State, text("S"));
    check(Field::Unit, text("app-a\\x2db@1.service"));
    check(Field::Application, text("a-b"));
    check(Field::Threads, number(3.0));
    check(Field::Cpu, Err(Fault::First));
    check(Field::CpuOfAll, Err(Fault::First));
    check(Field::CpuTime, number(2.5));
    check(Field::Rss, number(25.0 * page));
    check(Field::Pss, number(3072.0));
    check(Field::Swap, number(12288.0));
    check(Field::Read, Err(Fault::First));
    check(Field::Nice, number(5.0));
}

/// A kernel with a bug, or another kernel: one field is no number, or a number of 20 digits.
#[test]
fn a_strange_field_of_stat_is_one_fault() {
    let tree = Tree::new();
    let check = |ppid: &str, utime: &str, threads: &str, start: &str, rss: &str, bad: &[Field]| {
        tree.write(
            "7/stat",
            format!("7 (a) S {ppid} 7 7 0 -1 4194304 1 2 3 4 {utime} 0 7 8 20 5 {threads} 0 {start} 99 {rss} 0 0\n"),
        );
        let fields = [
            Field::Pid,
            Field::Parent,
            Field::StartTime,
            Field::Name,
            Field::State,
            Field::Threads,
            Field::CpuTime,
            Field::Rss,
            Field::Nice,
        ];
        let found = rows(&mut tree.table(), &query(&fields));
        assert_eq!(pids(&found), [7]);
        for (field, value) in fields.iter().zip(&found.rows[0].values) {
            let is_bad = *value == Err(Fault::Malformed);
            assert_eq!(is_bad, bad.contains(field), "{field}: {value:?}");
        }
    };
    let (large, larger) = ("18446744073709551615", "99999999999999999999");
    check("1", "250", "3", "12", "25", &[]);
    for odd in [large, larger, "-1", "x"] {
        check(odd, "250", "3", "12", "25", &[Field::Parent]);
        check("1", odd, "3", "12", "25", &[Field::CpuTime]);
        check("1", "250", odd, "12", "25", &[Field::Threads]);
        check("1", "250", "3", odd, "25", &[Field::StartTime]);
        check("1", "250", "3", "12", odd, &[Field::Rss]);
    }
}

#[test]
fn a_strange_line_of_io_is_one_fault() {
    let tree = Tree::new();
    tree.process(7, "x", 5, 0);
    tree.write("7/io", "read_bytes: -1\nwrite_bytes: 5\n");
    let mut table = tree.table();
    let query = query(&[Field::Read, Field::Write]);
    let first = rows(&mut table, &query);
    let second = table.rows(&query, now(), Some(&first.pass)).unwrap();
    assert_eq!(second.rows[0].values, [Err(Fault::Malformed), number(0.0)]);
}

#[test]
fn a_share_of_all_cpus_is_one_of_those_that_are_online() {
    let tree = Tree::new();
    let mut roots = tree.roots();
    roots.sys = tree.path("sys");
    tree.write("sys/devices/system/cpu/online", "0-31\n");
    let line = "1 1 1 1 1 1 1 1 1 1";
    // lxcfs provides /proc/stat, and not the list of sysfs.
    tree.write(
        "stat",
        format!("cpu  {line}\ncpu0 {line}\ncpu1 {line}\nintr 1\n"),
    );
    tree.process(7, "x", 5, 0);
    let mut table = Table::new(&roots);
    let query = query(&[Field::Cpu, Field::CpuOfAll]);
    let before = rows(&mut table, &query).pass;
    tree.process(7, "x", 5, 1);
    while now() - before.stamp.monotonic < Duration::from_millis(20) {}
    let found = table.rows(&query, now(), Some(&before)).unwrap();
    let elapsed = (found.pass.stamp.monotonic - before.stamp.monotonic).as_secs_f64();
    let cpu = 100.0 * 0.01 / elapsed;
    assert_eq!(found.rows[0].values, [number(cpu), number(cpu / 2.0)]);
    // A process uses no more than all CPUs.
    tree.process(7, "x", 5, 100_000);
    let found = table.rows(&query, now(), Some(&before)).unwrap();
    assert_eq!(found.rows[0].values, [number(200.0), number(100.0)]);
    let sums = table.sums(Group::User, &query, Duration::ZERO, Some(&before));
    let sums = sums.unwrap().groups;
    assert_eq!(sums[0].values[1].number, Some(100.0));
}

#[test]
fn a_process_that_seems_to_start_in_the_future_has_no_baseline() {
    let tree = Tree::new();
    tree.process(1, "x", 5, 0);
    let mut table = tree.table();
    let query = query(&[Field::Cpu]);
    let before = rows(&mut table, &query).pass;
    // It started before its time namespace, and appears now.
    tree.process(9, "x", 1_844_674_407_370, 100);
    let found = table.rows(&query, now(), Some(&before)).unwrap();
    assert_eq!(found.rows[1].values, [Err(Fault::First)]);
}

#[test]
fn files_of_a_process_without_memory_are_not_read() {
    let tree = Tree::new();
    tree.write(
        "2/stat",
        "2 (kthreadd) S 0 0 0 0 -1 2129984 0 0 0 0 0 4 0 0 20 0 1 0 1 0 0 0\n",
    );
    tree.write(
        "9/stat",
        "9 (late) Z 1 0 0 0 -1 4194304 0 0 0 0 0 4 0 0 20 0 1 0 1 0 0 0\n",
    );
    let mut table = tree.table();
    let fields = [
        Field::CommandLine,
        Field::Executable,
        Field::Pss,
        Field::Swap,
    ];
    let found = rows(&mut table, &query(&fields));
    let none = || vec![text(""), text(""), number(0.0), number(0.0)];
    assert_eq!(found.rows[0].values, none());
    let gone = || Err(Fault::Gone);
    assert_eq!(
        found.rows[1].values,
        [gone(), gone(), number(0.0), number(0.0)]
    );
}

#[test]
fn names_become_valid_utf8() {
    let tree = Tree::new();
    let stat = b"7 (a\xff\nb) S 1 7 7 0 -1 4194304 1 2 3 4 0 0 7 8 20 5 3 0 1 99 25 0 0\n";
    tree.write("7/stat", stat);
    tree.write("7/cmdline", b"a\xff\0b\nc\0\0\0");
    let mut table = tree.table();
    let found = rows(&mut table, &query(&[Field::Name, Field::CommandLine]));
    assert_eq!(
        found.rows[0].values,
        [text("a\u{fffd}\nb"), text("a\u{fffd} b\nc")]
    );
}

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
