//! Devices that come, go, and are made anew.

use super::*;

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
    // Discovery finds the drive by its serial number under another name.
    tree.write("block/sdc/device/serial", "B");
    tree.write(
        "diskstats",
        &(line("sda", 100) + &line("sdb", 7) + &line("sdc", 3000)),
    );
    assert_eq!(counted(&read(&mut counters)), Raw::Fault(Fault::Gone));
    let again = metric(&counters.discover().unwrap(), "disk/B/read");
    assert_eq!(&*again.object.title, "sdc");
    // It was plugged in again, and its counters have begun anew.
    assert_ne!(again.formula, sdb.formula);
    assert!(!counters.changed());
    let columns = read(&mut counters);
    assert_eq!(columns[again.formula.width() - 1], Raw::Counter(3000));
}

/// LVM has removed a volume and made it anew under the same name.
#[test]
fn a_volume_that_is_made_anew_has_no_baseline() {
    let (tree, mut counters) = machine(&(line("sda", 100) + &line("dm-0", 100)));
    tree.write("block/dm-0/dm/name", "vg-home\n");
    tree.write("block/dm-0/slaves/sda", "");
    let read_id = "disk/dm-name-vg-home/read";
    let known = metric(&counters.discover().unwrap(), read_id);
    let before = Snapshot {
        stamp: Stamp::now(),
        columns: read(&mut counters),
    };
    let block = tree.roots().sys.join("block");
    std::fs::rename(block.join("dm-0"), block.join("old")).unwrap();
    tree.write("block/dm-0/dm/name", "vg-home\n");
    // Some of its counters are greater already.
    tree.write("diskstats", &(line("sda", 100) + &line("dm-0", 5000)));
    let again = metric(&counters.discover().unwrap(), read_id);
    let now = Snapshot {
        stamp: Stamp::now(),
        columns: read(&mut counters),
    };
    let reading = |metric: &Metric| metric.formula.evaluate(&now, Some(&before));
    assert_eq!(reading(&known), Err(Fault::Gone));
    assert_eq!(reading(&again), Err(Fault::First));
}

/// The names of two drives are exchanged, as after a boot with another order of detection.
#[test]
fn an_id_follows_its_device() {
    let before = line("sda", 100) + &line("sdb", 1000);
    let (tree, mut counters) = machine(&before);
    counters.discover().unwrap();
    read(&mut counters);
    let block = tree.roots().sys.join("block");
    let rename = |from: &str, to: &str| std::fs::rename(block.join(from), block.join(to)).unwrap();
    rename("sda", "old");
    rename("sdb", "sda");
    rename("old", "sdb");
    tree.write("diskstats", &(line("sda", 1010) + &line("sdb", 120)));
    let metrics = counters.discover().unwrap();
    let columns = read(&mut counters);
    for (id, count) in [("disk/A/read", 120), ("disk/B/read", 1010)] {
        let Formula::OfRow { ref formula, .. } = metric(&metrics, id).formula else {
            panic!("{id} is of no row");
        };
        let Formula::Rate { counter, .. } = **formula else {
            panic!("{id} is no rate");
        };
        assert_eq!(columns[counter], Raw::Counter(count), "{id}");
    }
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

/// Its counters show that a device was made anew, where no event of the kernel does.
#[test]
fn a_counter_that_goes_backwards_makes_discovery_repeat() {
    let (tree, mut counters) = machine(&line("sda", 100));
    counters.discover().unwrap();
    read(&mut counters);
    tree.write("diskstats", &line("sda", 200));
    read(&mut counters);
    assert!(!counters.changed());
    tree.write("diskstats", &line("sda", 7));
    read(&mut counters);
    assert!(counters.changed());
    counters.discover().unwrap();
    read(&mut counters);
    assert!(!counters.changed());
}
