use std::time::Duration;

use super::*;
use crate::{
    reading::{Reading, Snapshot, Stamp, Value},
    source::tests::{Tree, level, read, roots},
};

fn line(name: &str, down: u64) -> String {
    format!("{name}: {down} 1 2 3 0 0 0 0 {} 5 6 7 0 0 0 0\n", 2 * down)
}

fn machine(lines: &str) -> (Tree, Counters) {
    let tree = Tree::new();
    tree.write("class/net/eth0/device/uevent", "");
    tree.write("class/net/eth1/device/uevent", "");
    tree.write("net/dev", lines);
    let counters = Counters::new(&tree.roots());
    (tree, counters)
}

/// What `id` is a second after the file has become `after`.
fn reading(tree: &Tree, counters: &mut Counters, after: &str, id: &str) -> Reading {
    let metrics = counters.discover().unwrap();
    let metric = metrics.iter().find(|metric| &*metric.id == id).unwrap();
    let mut stamp = Stamp::now();
    let mut snapshot = |counters: &mut Counters| {
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
fn all_counts_hardware_and_loses_what_vanishes() {
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
fn a_sum_that_does_not_fit_is_none() {
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
    assert!(again.iter().all(|metric| metrics.contains(metric)));
    assert_eq!(again.len(), metrics.len());
}

#[track_caller]
fn check(rest: &str, expected: Option<[u64; 8]>) {
    assert_eq!(fields(rest.as_bytes()), expected);
}

#[test]
fn lines() {
    let all = "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16";
    check(all, Some([1, 2, 3, 4, 9, 10, 11, 12]));
    check("1 2 3 4 5 6 7 8 9 10 11", None);
    check("1 2 3 -4 5 6 7 8 9 10 11 12", None);
    check("", None);
    // The name stuck to the number, as older kernels write it.
    let (tree, mut counters) = machine(" eth0:100 1 2 3 0 0 0 0 200 5 6 7 0 0 0 0\n");
    counters.discover().unwrap();
    assert_eq!(read(&mut counters)[TOTALS], Raw::Counter(100));
    tree.write("net/dev", " eth0:100 1 2 3 0 0 0 0 200 5 6 7");
    let malformed = Raw::Fault(Fault::Malformed);
    assert_eq!(read(&mut counters)[TOTALS], malformed);
}

#[test]
fn fixtures() {
    let mut server = Counters::new(&roots("server"));
    let metrics = server.discover().unwrap();
    assert_eq!(metrics.len(), 10 * 12 + 6);
    let columns = read(&mut server);
    let total = |id| level(&metrics, &columns, id);
    // The two ports of the bond, and nothing that stands on them.
    let ports = total("network/eno1/totalDownload") + total("network/eno2/totalDownload");
    assert_eq!(total("network/all/totalDownload"), ports);
    assert!(total("network/br0/totalDownload") > 0.0);
}
