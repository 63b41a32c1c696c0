mod identity;

use std::{collections::BTreeSet, time::Duration};

use super::*;
use crate::{
    reading::{Reading, Snapshot, Stamp, Value},
    source::{
        Roots,
        tests::{Tree, level, read, roots},
    },
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
    let mut counters = InterfaceCounters::new(&Interfaces::new(&roots));
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
    let counters = InterfaceCounters::new(&Interfaces::new(&tree.roots()));
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

#[track_caller]
fn check(rest: &str, expected: &str) {
    let fields = InterfaceRecord::parse(rest.as_bytes()).map(|record| {
        record
            .fields()
            .map(|field| field.map_or("-".to_owned(), |number| number.to_string()))
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
    let mut server = InterfaceCounters::new(&Interfaces::new(&roots("server")));
    let metrics = server.discover().unwrap();
    assert_eq!(metrics.len(), 10 * 12 + 6);
    let columns = read(&mut server);
    let total = |id| level(&metrics, &columns, id);
    // The two ports of the bond, and no interface on top of them.
    let ports = total("network/eno1/totalDownload") + total("network/eno2/totalDownload");
    assert_eq!(total("network/all/totalDownload"), ports);
    assert!(total("network/br0/totalDownload") > 0.0);
}
