//! Fields of processes in trees of files.

use std::os::unix::fs::symlink;

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
