mod identity;
mod lines;

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

/// A device whose accounting is off has no values until a counter moves.
#[test]
fn a_device_that_may_not_be_counted_has_no_zeros() {
    let (tree, mut counters) = machine(&(line("sda", 100) + &line("sdb", 0)));
    tree.write("block/sda/device/model", "x");
    tree.write("block/sdb/device/model", "x");
    tree.write("block/sdb/queue/iostats", "0\n");
    let check = |counters: &mut DiskCounters, after: &str, expected: [Result<f64, Fault>; 2]| {
        let metrics = counters.discover().unwrap();
        let ids = ["disk/B/read", "disk/all/read"];
        for (id, expected) in ids.into_iter().zip(expected) {
            let found = metric(&metrics, id);
            let reading = between(&tree, counters, after, &found);
            assert_eq!(reading, expected.map(Value::Number), "{id}");
        }
    };
    let idle = line("sda", 100) + &line("sdb", 0);
    // The sum is that of what the kernel counts.
    check(&mut counters, &idle, [Err(Fault::Stale), Ok(0.0)]);
    let columns = read(&mut counters);
    assert_eq!(columns[READ], Raw::Counter(100));
    assert_eq!(columns[WIDTH + READ], Raw::Fault(Fault::Stale));
    assert_eq!(columns[WIDTH + ALL_READ], Raw::Fault(Fault::Stale));
    assert_eq!(columns[WIDTH + IN_FLIGHT], Raw::Fault(Fault::Stale));
    // A driver that counts by itself.
    let moved = line("sda", 100) + &line("sdb", 10);
    check(&mut counters, &moved, [Err(Fault::First), Ok(0.0)]);
    check(&mut counters, &moved, [Ok(0.0), Ok(0.0)]);
}

/// Kernels of 2022 and before count for the paths to an NVMe drive alone.
#[test]
fn a_drive_with_one_path_has_the_counters_of_the_path() {
    let zero = "259 0 nvme0n1 0 0 0 0 0 0 0 0 0 0 0\n".to_owned();
    let part = "259 1 nvme0n1p1 0 0 0 0 0 0 0 0 0 0 0\n";
    let (tree, mut counters) = machine("");
    tree.write("block/nvme0n1/wwid", "eui.01\n");
    tree.write("block/nvme0n1/device/model", "x\n");
    tree.write("block/nvme0n1/nvme0n1p1/partition", "1\n");
    tree.write("block/nvme0n1/queue/iostats", "0\n");
    for path in ["nvme0c0n1", "nvme0c1n1"] {
        tree.write(&format!("block/{path}/hidden"), "1\n");
        tree.write(&format!("block/{path}/device/model"), "x\n");
    }
    let text = |count| zero.clone() + part + &line("nvme0c0n1", count);
    let check = |counters: &mut DiskCounters, id: &str, text: &dyn Fn(u64) -> String, expected| {
        tree.write("diskstats", &text(100));
        let found = metric(&counters.discover().unwrap(), id);
        let reading = between(&tree, counters, &text(110), &found);
        assert_eq!(reading, expected, "{id}");
    };
    let ten = Ok(Value::Number(5120.0));
    check(&mut counters, "disk/eui.01/read", &text, ten.clone());
    check(&mut counters, "disk/all/read", &text, ten.clone());
    let stale = Err(Fault::Stale);
    check(
        &mut counters,
        "disk/eui.01-part1/read",
        &text,
        stale.clone(),
    );
    let metrics = counters.discover().unwrap();
    assert!(!metrics.iter().any(|metric| metric.id.contains("nvme0c0")));
    // With two paths there is no sum for the drive, and each path is counted.
    let two = |count| text(count) + &line("nvme0c1n1", count);
    check(&mut counters, "disk/eui.01/read", &two, stale);
    let twenty = Ok(Value::Number(10240.0));
    check(&mut counters, "disk/all/read", &two, twenty);
}

/// A btrfs of two devices, whose mount names one of them.
#[test]
fn a_file_system_on_several_devices_reads_and_writes_all_of_them() {
    let before = line("sda", 100) + &line("sda1", 50) + &line("sdb", 1000);
    let (tree, mut counters) = machine(&before);
    tree.write(
        "self/mountinfo",
        "1 0 0:33 /@ /data rw - btrfs /dev/disk/by-uuid/e294 rw\n",
    );
    tree.link("dev/disk/by-uuid/e294", "dev/sda1");
    tree.write("fs/btrfs/e294/devices/sda1/size", "1\n");
    tree.write("fs/btrfs/e294/devices/sdb/size", "1\n");
    let metrics = counters.discover().unwrap();
    let read_id = metric(&metrics, "disk/e294/read");
    let after = line("sda", 107) + &line("sda1", 57) + &line("sdb", 1003);
    let reading = between(&tree, &mut counters, &after, &read_id);
    assert_eq!(reading, Ok(Value::Number(10.0 * 512.0)));
    // The source of bcachefs names them all.
    let mounted = "1 0 0:34 / /pool rw - bcachefs /dev/sda1:/dev/sdb rw\n";
    tree.write("self/mountinfo", mounted);
    let read_id = metric(&counters.discover().unwrap(), "disk/e294/read");
    tree.write("diskstats", &before);
    let reading = between(&tree, &mut counters, &after, &read_id);
    assert_eq!(reading, Ok(Value::Number(10.0 * 512.0)));
    tree.write(
        "self/mountinfo",
        "1 0 0:33 /@ /data rw - btrfs /dev/sda1 rw\n",
    );
    // A device that is not counted: there is no sum.
    tree.write("fs/btrfs/e294/devices/sdz/size", "1\n");
    let metrics = counters.discover().unwrap();
    assert!(!metrics.iter().any(|metric| &*metric.id == "disk/e294/read"));
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
