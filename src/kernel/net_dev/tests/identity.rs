//! Interfaces that come, go, and are made anew.

use super::*;

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

/// A tunnel is made anew under its name between two readings, and has received less and sent more.
#[test]
fn an_interface_that_is_made_anew_begins_with_first_in_all_columns() {
    let text =
        |down, up| line("eth0", 100) + &format!("tun0: {down} 1 0 0 0 0 0 0 {up} 1 0 0 0 0 0 0\n");
    let (tree, mut counters) = machine(&text(5000, 20));
    tree.write("class/net/tun0/device/uevent", "");
    let mut stamp = Stamp::now();
    let mut snapshot = |counters: &mut InterfaceCounters| {
        stamp.monotonic += Duration::from_secs(1);
        stamp.boottime += Duration::from_secs(1);
        let columns = read(counters);
        Snapshot { stamp, columns }
    };
    let old = counters.discover().unwrap();
    let before = snapshot(&mut counters);
    let class = tree.roots().sys.join("class/net");
    std::fs::rename(class.join("tun0"), tree.roots().sys.join("old")).unwrap();
    tree.write("class/net/tun0/device/uevent", "");
    tree.write("net/dev", &text(6000, 10_000_020));
    let new = counters.discover().unwrap();
    let now = snapshot(&mut counters);
    let read = |metrics: &[Metric], id: &str| {
        let metric = metrics.iter().find(|metric| &*metric.id == id).unwrap();
        metric.formula.evaluate(&now, Some(&before))
    };
    for metric in new.iter().filter(|metric| metric.id.contains("/tun0/")) {
        if metric.formula.needs_baseline() {
            assert_eq!(read(&new, &metric.id), Err(Fault::First), "{}", metric.id);
        }
        assert_eq!(read(&old, &metric.id), Err(Fault::Gone), "{}", metric.id);
    }
    let total = "network/tun0/totalUpload";
    assert_eq!(read(&new, total), Ok(Value::Number(10_000_020.0)));
    assert_eq!(read(&new, "network/all/upload"), Ok(Value::Number(0.0)));
}

/// The line of an interface that had gone is that of another one now, and discovery has not seen it.
#[test]
fn a_name_that_another_interface_has_is_not_read_for_the_former() {
    let (tree, mut counters) = machine(&line("eth0", 100));
    counters.discover().unwrap();
    let down = |columns: &[Raw]| columns[TOTALS + DOWN].clone();
    assert_eq!(down(&read(&mut counters)), Raw::Counter(100));
    tree.write("net/dev", "");
    assert_eq!(down(&read(&mut counters)), Raw::Fault(Fault::Gone));
    tree.write("net/dev", &line("eth0", 100));
    assert_eq!(down(&read(&mut counters)), Raw::Counter(100));
    tree.write("net/dev", "");
    assert_eq!(down(&read(&mut counters)), Raw::Fault(Fault::Gone));
    let class = tree.roots().sys.join("class/net");
    std::fs::rename(class.join("eth0"), tree.roots().sys.join("old")).unwrap();
    tree.write("class/net/eth0/device/uevent", "");
    tree.write("net/dev", &line("eth0", 200));
    assert_eq!(down(&read(&mut counters)), Raw::Fault(Fault::Gone));
    assert!(counters.changed());
    counters.discover().unwrap();
    assert_eq!(down(&read(&mut counters)), Raw::Counter(200));
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
