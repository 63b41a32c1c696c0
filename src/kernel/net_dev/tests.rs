use std::{collections::BTreeSet, time::Duration};

use super::*;
use crate::{
    reading::{Reading, Snapshot, Stamp, Value},
    source::tests::{Tree, level, read, roots},
};

fn line(name: &str, down: u64) -> String {
    format!("{name}: {down} 1 2 3 0 0 0 0 {} 5 6 7 0 0 0 0\n", 2 * down)
}

#[test]
fn the_table_may_be_that_of_the_process_alone() {
    let tree = Tree::new();
    tree.write("proc/self/net/dev", &line("a|b", 7));
    let roots = Roots {
        proc: tree.root.join("proc"),
        ..tree.roots()
    };
    let mut counters = InterfaceCounters::new(&roots);
    let metrics = counters.discover().unwrap();
    let columns = read(&mut counters);
    assert_eq!(
        level(&metrics, &columns, "network/a%7Cb/totalDownload"),
        7.0
    );
    assert_eq!(level(&metrics, &columns, "network/all/totalDownload"), 7.0);
}

fn machine(lines: &str) -> (Tree, InterfaceCounters) {
    let tree = Tree::new();
    tree.write("class/net/eth0/device/uevent", "");
    tree.write("class/net/eth1/device/uevent", "");
    tree.write("net/dev", lines);
    let counters = InterfaceCounters::new(&tree.roots());
    (tree, counters)
}

/// The reading of `id` a second after the file has changed to `after`.
fn reading(tree: &Tree, counters: &mut InterfaceCounters, after: &str, id: &str) -> Reading {
    let metrics = counters.discover().unwrap();
    let metric = metrics.iter().find(|metric| &*metric.id == id).unwrap();
    let mut stamp = Stamp::now();
    let mut snapshot = |counters: &mut InterfaceCounters| {
        stamp.monotonic += Duration::from_secs(1);
        stamp.boottime += Duration::from_secs(1);
        let columns = read(counters);
        Snapshot { stamp, columns }
    };
    let before = snapshot(counters);
    tree.write("net/dev", after);
    metric.formula.evaluate(&snapshot(counters), Some(&before))
}

#[test]
fn all_counts_hardware_and_drops_interfaces_that_vanish() {
    let before = line("lo", 7) + &line("eth0", 100) + &line("eth1", 1000) + &line("br0", 1100);
    let check = |after: &str, id: &str, expected: Result<f64, Fault>| {
        let (tree, mut counters) = machine(&before);
        let reading = reading(&tree, &mut counters, after, id);
        assert_eq!(reading, expected.map(Value::Number), "{id}");
    };
    let after = line("lo", 99) + &line("eth0", 110) + &line("eth1", 1005) + &line("br0", 1115);
    check(&after, "network/all/download", Ok(15.0));
    check(&after, "network/all/uploadBits", Ok(240.0));
    check(&after, "network/all/totalDownload", Ok(1115.0));
    check(&after, "network/br0/download", Ok(15.0));
    check(&after, "network/lo/upload", Ok(184.0));
    check(&after, "network/eth0/downloadDrops", Ok(0.0));
    let without = line("lo", 99) + &line("eth0", 110);
    check(&without, "network/all/download", Ok(10.0));
    check(&without, "network/all/totalUpload", Ok(220.0));
    check(&without, "network/eth1/download", Err(Fault::Gone));
    check(&line("lo", 99), "network/all/download", Err(Fault::Gone));
    let reset = line("eth0", 110) + &line("eth1", 5);
    check(&reset, "network/all/download", Err(Fault::Reset));
    check(&reset, "network/eth1/download", Err(Fault::Reset));
    check(&reset, "network/all/totalDownload", Ok(115.0));
}

#[test]
fn all_counters_of_an_interface_begin_anew_together() {
    let before = "eth0: 100 10 0 0 0 0 0 0 500 50 0 0 0 0 0 0\n";
    let check = |after: &str, id: &str, expected: Result<f64, Fault>| {
        let (tree, mut counters) = machine(before);
        let reading = reading(&tree, &mut counters, after, id);
        assert_eq!(reading, expected.map(Value::Number), "{id}");
    };
    // A tunnel that was made anew has received less, and sent more.
    let anew = "eth0: 7 1 0 0 0 0 0 0 9500 95 0 0 0 0 0 0\n";
    for id in [
        "eth0/download",
        "eth0/upload",
        "eth0/uploadPackets",
        "eth0/uploadErrors",
    ] {
        check(anew, &format!("network/{id}"), Err(Fault::Reset));
    }
    check(anew, "network/all/upload", Err(Fault::Reset));
    check(anew, "network/eth0/totalUpload", Ok(9500.0));
    let later = "eth0: 107 11 0 0 0 0 0 0 9500 95 0 0 0 0 0 0\n";
    check(later, "network/eth0/upload", Ok(9000.0));
}

#[test]
fn a_field_that_is_malformed_costs_itself_and_the_sums_with_it() {
    let before = line("eth0", 100) + &line("eth1", 1000);
    let check = |before: &str, after: &str, id: &str, expected: Result<f64, Fault>| {
        let (tree, mut counters) = machine(before);
        let reading = reading(&tree, &mut counters, after, id);
        assert_eq!(reading, expected.map(Value::Number), "{id}");
    };
    let strange = "eth0: 99999999999999999999 1 2 3 0 0 0 0 300 5 6 7 0 0 0 0\n";
    let after = strange.to_owned() + &line("eth1", 1100);
    check(
        &before,
        &after,
        "network/eth0/download",
        Err(Fault::Malformed),
    );
    check(&before, &after, "network/eth0/upload", Ok(100.0));
    check(&before, &after, "network/eth0/downloadPackets", Ok(0.0));
    check(
        &before,
        &after,
        "network/all/download",
        Err(Fault::Malformed),
    );
    check(
        &before,
        &after,
        "network/all/totalDownload",
        Err(Fault::Malformed),
    );
    check(&before, &after, "network/all/upload", Ok(300.0));
    // The share of eth0 is not known: there was no counter before.
    let later = line("eth0", 500) + &line("eth1", 1200);
    check(&after, &later, "network/all/download", Err(Fault::First));
    check(&after, &later, "network/all/upload", Ok(900.0));
}

#[test]
fn a_sum_that_overflows_is_malformed() {
    let most = format!("eth0: {} 1 2 3 0 0 0 0 7 5 6 7 0 0 0 0\n", u64::MAX);
    let (_tree, mut counters) = machine(&(most + &line("eth1", 1)));
    counters.discover().unwrap();
    let columns = read(&mut counters);
    assert_eq!(
        columns[..TOTALS],
        [Raw::Fault(Fault::Malformed), Raw::Counter(9)]
    );
    assert_eq!(columns[TOTALS + DOWN], Raw::Counter(u64::MAX));
}

#[test]
fn an_interface_goes_and_comes_back() {
    let (tree, mut counters) = machine(&(line("eth0", 100) + &line("eth1", 1000)));
    let metrics = counters.discover().unwrap();
    let down = |columns: &[Raw]| columns[TOTALS + WIDTH + DOWN].clone();
    assert_eq!(down(&read(&mut counters)), Raw::Counter(1000));
    assert!(!counters.changed());
    tree.write("net/dev", &line("eth0", 100));
    assert_eq!(down(&read(&mut counters)), Raw::Fault(Fault::Gone));
    assert!(counters.changed());
    assert_eq!(counters.discover().unwrap().len(), 12 + 6);
    assert!(!counters.changed());
    tree.write("net/dev", &(line("eth1", 5) + &line("eth0", 100)));
    read(&mut counters);
    assert!(counters.changed());
    let again = counters.discover().unwrap();
    assert_eq!(down(&read(&mut counters)), Raw::Counter(5));
    let ids = |metrics: &[Metric]| -> BTreeSet<_> {
        metrics.iter().map(|metric| metric.id.clone()).collect()
    };
    assert_eq!(ids(&again), ids(&metrics));
}

/// Three thousand interfaces, a hundred at a time, as containers start and stop.
#[test]
fn devices_that_come_and_go_leave_nothing_behind() {
    let (tree, mut counters) = machine("");
    for batch in 0..30 {
        let names = (0..100).map(|number| line(&format!("veth{batch}x{number}"), number));
        tree.write("net/dev", &(line("eth0", 7) + &names.collect::<String>()));
        read(&mut counters);
        let metrics = counters.discover().unwrap();
        let columns = read(&mut counters);
        assert_eq!(columns.len(), TOTALS + 101 * WIDTH);
        let last = format!("network/veth{batch}x99/totalUpload");
        assert_eq!(level(&metrics, &columns, &last), 198.0);
    }
    tree.write("net/dev", &line("eth0", 7));
    counters.discover().unwrap();
    assert_eq!(read(&mut counters).len(), TOTALS + WIDTH);
}

#[test]
fn a_reused_row_is_not_taken_for_its_former_device() {
    let (tree, mut counters) = machine(&(line("eth0", 100) + &line("veth1", 1000)));
    tree.write("class/net/veth1/device/uevent", "");
    tree.write("class/net/veth2/device/uevent", "");
    let mut stamp = Stamp::now();
    let mut snapshot = |counters: &mut InterfaceCounters, text: &str| {
        tree.write("net/dev", text);
        stamp.monotonic += Duration::from_secs(1);
        stamp.boottime += Duration::from_secs(1);
        let columns = read(counters);
        Snapshot { stamp, columns }
    };
    let both = |other: &str, down| line("eth0", 110) + &line(other, down);
    let old = counters.discover().unwrap();
    let before = snapshot(&mut counters, &both("veth1", 1000));
    let between = snapshot(&mut counters, &both("veth2", 5000));
    let new = counters.discover().unwrap();
    let now = snapshot(&mut counters, &both("veth2", 5010));
    let later = snapshot(&mut counters, &both("veth2", 5030));
    assert_eq!(now.columns.len(), before.columns.len());
    let check = |metrics: &[Metric], id: &str, now, before, expected: Result<f64, Fault>| {
        let metric = metrics.iter().find(|metric| &*metric.id == id).unwrap();
        let reading = metric.formula.evaluate(now, Some(before));
        assert_eq!(reading, expected.map(Value::Number), "{id}");
    };
    for id in ["network/veth1/download", "network/veth1/totalDownload"] {
        check(&old, id, &between, &before, Err(Fault::Gone));
        check(&old, id, &now, &before, Err(Fault::Gone));
        check(&old, id, &later, &now, Err(Fault::Gone));
    }
    let download = "network/veth2/download";
    check(&new, download, &now, &before, Err(Fault::First));
    check(&new, download, &now, &between, Err(Fault::First));
    check(&new, download, &later, &now, Ok(20.0));
    check(
        &new,
        "network/veth2/totalDownload",
        &now,
        &before,
        Ok(5010.0),
    );
    let all = "network/all/download";
    check(&new, all, &now, &before, Ok(0.0));
    check(&new, all, &later, &now, Ok(20.0));
    // An interface that comes back is a new one: earlier snapshots are no baseline for it.
    let last = snapshot(&mut counters, &(both("veth2", 5050) + &line("veth1", 3)));
    let again = counters.discover().unwrap();
    let back = snapshot(&mut counters, &(both("veth2", 5050) + &line("veth1", 4)));
    check(
        &again,
        "network/veth1/download",
        &back,
        &before,
        Err(Fault::First),
    );
    check(
        &again,
        "network/veth1/download",
        &back,
        &last,
        Err(Fault::First),
    );
    check(&again, "network/veth1/totalDownload", &back, &last, Ok(4.0));
    check(
        &old,
        "network/veth1/totalDownload",
        &back,
        &last,
        Err(Fault::Gone),
    );
}

#[track_caller]
fn check(rest: &str, expected: &str) {
    let fields = fields(rest.as_bytes()).map(|fields| {
        fields.map(|field| field.map_or("-".to_owned(), |number| number.to_string()))
    });
    assert_eq!(
        fields.map(|fields| fields.join(" ")).as_deref(),
        Some(expected).filter(|text| !text.is_empty())
    );
}

#[test]
fn lines() {
    check(
        "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16",
        "1 2 3 4 9 10 11 12",
    );
    // A field that is malformed or missing costs itself.
    check("1 2 3 4 5 6 7 8 9 10 11", "1 2 3 4 9 10 11 -");
    check("1 2 3 -4 5 6 7 8 9 10 11 12", "1 2 3 - 9 10 11 12");
    check(
        "1 99999999999999999999 3 4 5 6 7 8 9 10 11 12",
        "1 - 3 4 9 10 11 12",
    );
    check(
        "1 2 3 4 5 x 99999999999999999999 8 9 10 11 12",
        "1 2 3 4 9 10 11 12",
    );
    check("x y", "");
    check("", "");
    // Older kernels write no blank after the colon.
    let (tree, mut counters) = machine(" eth0:100 1 2 3 0 0 0 0 200 5 6 7 0 0 0 0\n");
    counters.discover().unwrap();
    assert_eq!(read(&mut counters)[TOTALS + DOWN], Raw::Counter(100));
    tree.write("net/dev", " eth0:100 1 2 3 0 0 0 0 200 5 6 7");
    let malformed = Raw::Fault(Fault::Malformed);
    assert_eq!(read(&mut counters)[TOTALS + DOWN], malformed);
}

#[test]
fn fixtures() {
    let mut server = InterfaceCounters::new(&roots("server"));
    let metrics = server.discover().unwrap();
    assert_eq!(metrics.len(), 10 * 12 + 6);
    let columns = read(&mut server);
    let total = |id| level(&metrics, &columns, id);
    // The two ports of the bond, and no interface on top of them.
    let ports = total("network/eno1/totalDownload") + total("network/eno2/totalDownload");
    assert_eq!(total("network/all/totalDownload"), ports);
    assert!(total("network/br0/totalDownload") > 0.0);
}
