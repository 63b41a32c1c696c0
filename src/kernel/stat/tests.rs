use super::*;
use crate::{
    reading::{Reading, Snapshot, Stamp, Value},
    source::tests::{Tree, fixture, number_of, read},
};

fn names(count: usize) -> Vec<Vec<u8>> {
    let numbered = (0..count).map(|number| format!("cpu{number}").into_bytes());
    std::iter::once(b"cpu".to_vec()).chain(numbered).collect()
}

/// The columns of the lines `cpu` and `cpu0`, in a text with other lines after them.
fn columns(lines: &str) -> Vec<Raw> {
    let mut columns = Vec::new();
    read_columns(
        format!("{lines}\nintr 1\n").as_bytes(),
        &names(1),
        &mut Vec::new(),
        &mut columns,
    )
    .unwrap();
    columns
}

/// The counters of a line, without its owner.
const COUNTERS: usize = WIDTH - 1;

#[track_caller]
fn check(line: &str, expected: Result<[u64; COUNTERS], Fault>) {
    let expected = match expected {
        Ok(counts) => counts.map(Raw::Counter),
        Err(fault) => [fault; COUNTERS].map(Raw::Fault),
    };
    let columns = columns(&format!("cpu  1 1 1 1 1 1 1 1 1 1\n{line}"));
    assert_eq!(columns[WIDTH + USED..], expected);
    // A fault of one line does not affect another.
    assert_eq!(columns[..WIDTH], [0, 6, 2, 3, 1, 8].map(Raw::Counter));
}

#[test]
fn one_line() {
    check(
        "cpu0 100 20 30 1000 5 1 2 3 40 4",
        Ok([156, 120, 33, 5, 1161]),
    );
    check("cpu0 100 20 30 1000 5 1 2 3", Ok([156, 120, 33, 5, 1161]));
    check(
        "cpu0 9007199254740993 0 0 1 0 0 0 0 0 0",
        Ok([(1 << 53) + 1, (1 << 53) + 1, 0, 0, (1 << 53) + 2]),
    );
    check("cpu1 1 1 1 1 1 1 1 1 1 1", Err(Fault::Gone));
    check("cpu0 100 20 30", Err(Fault::Malformed));
    check("cpu0 ", Err(Fault::Malformed));
    check("cpu0 100 20 30 1000 five 1 2 3 0 0", Err(Fault::Malformed));
    check("cpu0 100 -20 30 1000 5 1 2 3 0 0", Err(Fault::Malformed));
    check(
        "cpu0 18446744073709551616 0 0 0 0 0 0 0 0 0",
        Err(Fault::Malformed),
    );
    // A time of -1.
    check(
        "cpu0 100 20 30 1000 5 1 2 18446744073709551615 40 4",
        Ok([152, 120, 33, 5, 1157]),
    );
}

#[test]
fn kernels_that_count_fewer_times() {
    let columns = |line: &str| {
        let columns = columns(&format!("cpu  1 1 1 1 1 1 1 1 1 1\n{line}"));
        columns[WIDTH + USED..].to_vec()
    };
    check("cpu0 100 20 30 1000 5 1 2", Ok([153, 120, 33, 5, 1158]));
    check("cpu0 100 20 30 1000 5", Ok([150, 120, 30, 5, 1155]));
    let without_iowait = columns("cpu0 100 20 30 1000");
    assert_eq!(without_iowait[WAIT - 1], Raw::Fault(Fault::Gone));
    assert_eq!(without_iowait[USED - 1], Raw::Counter(150));
    assert_eq!(without_iowait[TOTAL - 1], Raw::Counter(1150));
    check("cpu0 100 20 30 1000 5 x", Err(Fault::Malformed));
}

#[test]
fn a_kernel_that_counts_no_times_has_no_shares() {
    // gVisor.
    let tree = Tree::new();
    let line = "0 0 0 0 0 0 0 0 0 0";
    let text = format!(
        "cpu  {line}\ncpu0 {line}\nintr 0\nctxt 0\nbtime 1\nprocesses 0\nprocs_running 0\nprocs_blocked 0\nsoftirq 0 0\n"
    );
    tree.write("stat", &text);
    assert_eq!(CpuCounters::new(&tree.roots()).discover().unwrap(), []);
    // OpenVZ does not count interrupts.
    let text = text.replace(line, "5 0 0 9 0 0 0 0 0 0");
    let text = text
        .replace("ctxt 0", "ctxt 7")
        .replace("running 0", "running 1");
    tree.write("stat", &text);
    let metrics = CpuCounters::new(&tree.roots()).discover().unwrap();
    assert_eq!(metrics.len(), 2 * PROPERTIES.len() + 3);
}

#[test]
fn a_cut_text_is_malformed_and_not_an_absent_cpu() {
    let whole = "cpu  1 1 1 1 1 1 1 1 1 1\ncpu0 1 1 1 1 1 1 1 1 1 1\n";
    for length in [25, 27, 30, 40, whole.len() - 1] {
        let mut columns = Vec::new();
        let text = &whole.as_bytes()[..length];
        read_columns(text, &names(1), &mut Vec::new(), &mut columns).unwrap();
        assert_eq!(columns[USED], Raw::Counter(6));
        assert_eq!(
            columns[WIDTH + USED],
            Raw::Fault(Fault::Malformed),
            "cut at {length}"
        );
    }
    for text in ["", "\n", "intr 0\n", "cpu"] {
        assert_eq!(
            read_columns(text.as_bytes(), &names(1), &mut Vec::new(), &mut Vec::new()),
            Err(NO_LINE)
        );
    }
}

/// The reading of `id` between two texts of `/proc/stat`.
fn between(before: &str, after: &str, id: &str) -> Reading {
    let tree = Tree::new();
    let mut cpu = CpuCounters::new(&tree.roots());
    tree.write("stat", before);
    let metrics = cpu.discover().unwrap();
    let mut snapshots = [before, after].map(|text| {
        tree.write("stat", text);
        Snapshot {
            stamp: Stamp::now(),
            columns: read(&mut cpu),
        }
    });
    snapshots[1].stamp.monotonic = snapshots[0].stamp.monotonic + std::time::Duration::from_secs(1);
    snapshots[1].stamp.boottime = snapshots[0].stamp.boottime + std::time::Duration::from_secs(1);
    let metric = metrics.iter().find(|metric| &*metric.id == id).unwrap();
    metric.formula.evaluate(&snapshots[1], Some(&snapshots[0]))
}

#[test]
fn shares_of_the_time_between_two_readings() {
    let (before, after) = (fixture!("stat/before"), fixture!("stat/after"));
    let share = |id| between(before, after, id);
    assert_eq!(share("cpu/all/usage"), Ok(Value::Number(30.0)));
    assert_eq!(share("cpu/all/user"), Ok(Value::Number(20.0)));
    assert_eq!(share("cpu/all/system"), Ok(Value::Number(9.0)));
    assert_eq!(share("cpu/all/wait"), Ok(Value::Number(10.0)));
    assert_eq!(share("cpu/cpu1/usage"), Ok(Value::Number(0.0)));
}

#[test]
fn iowait_that_goes_backwards_affects_only_itself() {
    let (before, after) = (fixture!("stat/before"), fixture!("stat/iowait-backwards"));
    assert_eq!(between(before, after, "cpu/all/wait"), Err(Fault::Reset));
    assert_eq!(
        between(before, after, "cpu/all/usage"),
        Ok(Value::Number(30.0))
    );
    let after = fixture!("stat/idle-backwards");
    assert_eq!(
        between(before, after, "cpu/all/wait"),
        Ok(Value::Number(80.0))
    );
    assert_eq!(
        between(before, after, "cpu/all/usage"),
        Ok(Value::Number(30.0))
    );
}

#[test]
fn a_cpu_goes_offline_and_comes_back() {
    let (before, after) = (fixture!("stat/before"), fixture!("stat/cpu1-offline"));
    assert_eq!(between(before, after, "cpu/cpu1/usage"), Err(Fault::Gone));
    assert!(between(before, after, "cpu/cpu2/usage").is_ok());
    // The CPU was offline at discovery, so it has no column until the next discovery.
    let tree = Tree::new();
    let mut cpu = CpuCounters::new(&tree.roots());
    tree.write("stat", after);
    assert_eq!(cpu.discover().unwrap().len(), 3 * 4 + activity::WIDTH);
    tree.write("stat", before);
    assert_eq!(read(&mut cpu).len(), activity::WIDTH + 3 * WIDTH);
    let metrics = cpu.discover().unwrap();
    let last = &metrics[15];
    assert_eq!(&*last.id, "cpu/cpu1/wait");
    assert_eq!(last.formula.width(), activity::WIDTH + 4 * WIDTH);
    assert!(
        !read(&mut cpu)
            .iter()
            .any(|column| matches!(column, Raw::Fault(_)))
    );
}

/// A CPU that comes back counts some of its times from 0, and the others go on.
#[test]
fn all_shares_of_a_cpu_begin_anew_together() {
    let text = |cpu1: &str| format!("cpu  9 9 9 9 9 9 9 9 0 0\ncpu1 {cpu1} 0 0\nintr 1\n");
    let before = text("100 0 50 1000 10 0 0 0");
    let after = text("5 0 60 2000 20 0 0 0");
    for share in ["usage", "user", "system", "wait"] {
        let reading = between(&before, &after, &format!("cpu/cpu1/{share}"));
        assert_eq!(reading, Err(Fault::Reset), "{share}");
    }
    let after = text("100 0 60 1090 10 0 0 0");
    let reading = between(&before, &after, "cpu/cpu1/system");
    assert_eq!(reading, Ok(Value::Number(10.0)));
}

#[test]
fn fixtures() {
    let mut laptop = CpuCounters::new(&crate::source::tests::roots("laptop"));
    assert_eq!(laptop.discover().unwrap().len(), 5 * 4 + activity::WIDTH);
    let mut server = CpuCounters::new(&crate::source::tests::roots("server"));
    assert_eq!(server.discover().unwrap().len(), 129 * 4 + activity::WIDTH);
    let columns = read(&mut server);
    assert_eq!(columns.len(), activity::WIDTH + 129 * WIDTH);
    assert!(number_of(&columns[activity::WIDTH + USED]) > (1_u64 << 53) as f64);
}
