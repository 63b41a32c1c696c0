use std::time::Duration;

use super::*;
use crate::{
    reading::{Reading, Snapshot, Stamp, Value},
    source::tests::{Tree, level, read, roots},
};

/// A machine with these lines of diskstats and the drives A and B.
fn machine(lines: &str) -> (Tree, DiskCounters) {
    let tree = Tree::new();
    for (kernel, serial) in [("sda", "A"), ("sdb", "B")] {
        tree.write(&format!("block/{kernel}/size"), "1000\n");
        tree.write(&format!("block/{kernel}/device/serial"), serial);
    }
    tree.write("block/sda/sda1/partition", "1\n");
    tree.write("self/mountinfo", "");
    tree.write("diskstats", lines);
    let counters = DiskCounters::new(&tree.roots());
    (tree, counters)
}

fn line(kernel: &str, read: u64) -> String {
    format!("8 0 {kernel} 1 0 {read} 3 4 0 6 7 8 9 10\n")
}

/// The reading between two snapshots that are a second apart. The file changes to `after` in between.
fn between(tree: &Tree, counters: &mut DiskCounters, after: &str, metric: &Metric) -> Reading {
    let mut stamp = Stamp::now();
    let mut snapshot = |counters: &mut DiskCounters| {
        stamp.monotonic += Duration::from_secs(1);
        stamp.boottime += Duration::from_secs(1);
        let columns = read(counters);
        Snapshot { stamp, columns }
    };
    let before = snapshot(counters);
    tree.write("diskstats", after);
    metric.formula.evaluate(&snapshot(counters), Some(&before))
}

fn metric(metrics: &[Metric], id: &str) -> Metric {
    let found = metrics.iter().find(|metric| &*metric.id == id);
    found.unwrap_or_else(|| panic!("no {id}")).clone()
}

#[test]
fn all_counts_each_byte_once() {
    let before = line("sda", 100) + &line("sda1", 90) + &line("sdb", 1000);
    let (tree, mut counters) = machine(&before);
    let metrics = counters.discover().unwrap();
    let (all, sdb) = (
        metric(&metrics, "disk/all/read"),
        metric(&metrics, "disk/B/read"),
    );
    let mut check = |metric: &Metric, after: &str, expected: Result<f64, Fault>| {
        tree.write("diskstats", &before);
        let reading = between(&tree, &mut counters, after, metric);
        assert_eq!(reading, expected.map(Value::Number));
    };
    let both = line("sda", 110) + &line("sda1", 100) + &line("sdb", 1005);
    check(&all, &both, Ok(15.0 * 512.0));
    check(&sdb, &both, Ok(5.0 * 512.0));
    // The share of a device that vanishes vanishes with it, and the sum does not go backwards.
    let one = line("sda", 110) + &line("sda1", 100);
    check(&all, &one, Ok(10.0 * 512.0));
    check(&sdb, &one, Err(Fault::Gone));
    let reset = line("sda", 110) + &line("sdb", 5);
    check(&all, &reset, Err(Fault::Reset));
}

#[test]
fn a_disk_goes_and_comes_back_under_another_name() {
    let (tree, mut counters) = machine(&(line("sda", 100) + &line("sdb", 1000)));
    let sdb = metric(&counters.discover().unwrap(), "disk/B/read");
    let column = sdb.formula.width() - 1;
    let counted = |columns: &[Raw]| columns[column].clone();
    assert_eq!(counted(&read(&mut counters)), Raw::Counter(1000));
    tree.write("diskstats", &line("sda", 100));
    assert_eq!(counted(&read(&mut counters)), Raw::Fault(Fault::Gone));
    // The same drive under the same name is read again.
    tree.write("diskstats", &(line("sda", 100) + &line("sdb", 2000)));
    assert_eq!(counted(&read(&mut counters)), Raw::Counter(2000));
    // Another drive under that name is not.
    tree.write("diskstats", &line("sda", 100));
    read(&mut counters);
    tree.write("block/sdb/device/serial", "C");
    tree.write("diskstats", &(line("sda", 100) + &line("sdb", 7)));
    assert_eq!(counted(&read(&mut counters)), Raw::Fault(Fault::Gone));
    assert!(counters.changed());
    // Discovery finds the drive by its serial number under another name, and gives it its columns back.
    tree.write("block/sdc/device/serial", "B");
    tree.write(
        "diskstats",
        &(line("sda", 100) + &line("sdb", 7) + &line("sdc", 3000)),
    );
    assert_eq!(counted(&read(&mut counters)), Raw::Fault(Fault::Gone));
    let again = metric(&counters.discover().unwrap(), "disk/B/read");
    assert_eq!((&*again.object.title, again.formula), ("sdc", sdb.formula));
    assert!(!counters.changed());
    assert_eq!(counted(&read(&mut counters)), Raw::Counter(3000));
}

/// USB sticks that are plugged in one after the other.
#[test]
fn devices_that_come_and_go_leave_nothing_behind() {
    let (tree, mut counters) = machine(&line("sda", 100));
    let mut before: Option<(Metric, Snapshot)> = None;
    for stick in 0..100 {
        tree.write("block/sdb/device/serial", &format!("stick{stick}"));
        tree.write("diskstats", &(line("sda", 100) + &line("sdb", stick)));
        let metrics = counters.discover().unwrap();
        let now = Snapshot {
            stamp: Stamp::now(),
            columns: read(&mut counters),
        };
        assert_eq!(now.columns.len(), 2 * WIDTH);
        let its = metric(&metrics, &format!("disk/stick{stick}/read"));
        if let Some((other, before)) = before.replace((its.clone(), now.clone())) {
            let reading = other.formula.evaluate(&now, Some(&before));
            assert_eq!(reading, Err(Fault::Gone));
            let reading = its.formula.evaluate(&now, Some(&before));
            assert_eq!(reading, Err(Fault::First));
        }
        tree.write("diskstats", &line("sda", 100));
        counters.discover().unwrap();
    }
    assert_eq!(read(&mut counters).len(), WIDTH);
}

#[test]
fn a_change_of_devices_is_noticed_and_an_empty_slot_is_not() {
    let (tree, mut counters) = machine(&(line("sda", 100) + &line("loop0", 0)));
    tree.write("block/loop0/size", "0\n");
    counters.discover().unwrap();
    read(&mut counters);
    assert!(!counters.changed());
    tree.write("diskstats", &(line("sda", 100) + &line("sdb", 0)));
    read(&mut counters);
    assert!(counters.changed());
    counters.discover().unwrap();
    tree.write("diskstats", &line("sda", 100));
    read(&mut counters);
    assert!(counters.changed());
    counters.discover().unwrap();
    read(&mut counters);
    assert!(!counters.changed());
}

#[track_caller]
fn check(rest: &str, expected: Option<[u64; 9]>) {
    let expected = expected.map(|columns| {
        let mut columns = columns.map(Raw::Counter);
        let in_flight = &mut columns[IN_FLIGHT - READS];
        if let Raw::Counter(count) = *in_flight {
            *in_flight = Raw::Number(count as f64);
        }
        columns
    });
    assert_eq!(fields(rest.as_bytes()), expected);
}

#[test]
fn lines_of_all_kernel_versions() {
    let expected = Some([1, 3, 4, 5, 7, 8, 9, 10, 11]);
    check(" 1 2 3 4 5 6 7 8 9 10 11", expected);
    check(" 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15", expected);
    check(" 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17", expected);
    // Partitions before Linux 2.6.25.
    check(" 1 2 3 4", None);
    check(" 1 2 3 4 5 6 7 -8 9 10 11", None);
    check("", None);
    let negative = fields(b" 1 2 3 4 5 6 7 8 4294967295 10 11").unwrap();
    assert_eq!(negative[IN_FLIGHT - READS], Raw::Fault(Fault::Malformed));
    assert_eq!(negative[BUSY_TIME - READS], Raw::Counter(10));
}

#[test]
fn a_cut_line_affects_only_itself() {
    let text = line("sda", 100) + &line("sdb", 1000);
    let (tree, mut counters) = machine(&text);
    counters.discover().unwrap();
    tree.write("diskstats", &text[..text.len() - 2]);
    let columns = read(&mut counters);
    assert_eq!(columns[READ], Raw::Counter(100));
    assert_eq!(columns[WIDTH + READ], Raw::Fault(Fault::Malformed));
}

#[test]
fn fixtures() {
    let mut server = DiskCounters::new(&roots("server"));
    let metrics = server.discover().unwrap();
    // 56 devices, 2 for all, and 2 for each of the file systems.
    assert_eq!(metrics.len(), 56 * 9 + 2 + 5 * 2);
    let columns = read(&mut server);
    let in_flight = "disk/dm-name-vg0-root/inFlight";
    assert_eq!(level(&metrics, &columns, in_flight), 1.0);
    let uuid = metric(&metrics, "disk/c2a5c9f0-2d4e-4a3f-8b11-9f8e7d6c5b4a/read");
    let drive = metric(&metrics, "disk/naa.5000c500d1a21007/read");
    assert_eq!(uuid.formula, drive.formula);
    assert_eq!(
        (&*uuid.object.title, &*drive.object.title),
        ("My Data", "sdb")
    );
    metric(&metrics, "disk/eui.00253845019080a0-part1/busy");
    metric(&metrics, "disk/%2Fsrv/read");
    let members = columns
        .chunks(WIDTH)
        .filter(|row| row[ALL_READ] == row[READ]);
    assert_eq!(members.count(), 38);
}
