use super::*;
use crate::{
    rate::Formula,
    source::tests::{Tree, fixture, read, roots},
};

fn ids(metrics: &[Metric]) -> Vec<&str> {
    metrics.iter().map(|metric| &*metric.id).collect()
}

#[test]
fn laptop_by_topology() {
    let mut laptop = CpuInfo::new(&roots("laptop"));
    let metrics = laptop.discover().unwrap();
    assert_eq!(
        ids(&metrics)[..4],
        [
            "cpu/all/name",
            "cpu/all/coreCount",
            "cpu/all/cpuCount",
            "cpu/cpu0/name"
        ]
    );
    let name = Raw::Text("Intel(R) Core(TM) i5-7200U CPU @ 2.50GHz".into());
    assert_eq!(
        read(&mut laptop)[..4],
        [name.clone(), Raw::Number(2.0), Raw::Number(4.0), name]
    );
}

#[test]
fn server_by_cpuinfo() {
    let mut server = CpuInfo::new(&roots("server"));
    assert_eq!(server.discover().unwrap().len(), 3 + 128);
    assert_eq!(read(&mut server)[1..3], [64.0, 128.0].map(Raw::Number));
}

#[test]
fn without_sysfs_the_processors_are_counted() {
    let tree = Tree::new();
    tree.write("cpuinfo", fixture!("server/proc/cpuinfo"));
    let mut server = CpuInfo::new(&tree.roots());
    assert_eq!(read(&mut server)[1..3], [64.0, 128.0].map(Raw::Number));
    tree.write("cpuinfo", fixture!("laptop/proc/cpuinfo"));
    assert_eq!(read(&mut server)[1..3], [2.0, 4.0].map(Raw::Number));
    assert_eq!(tree.descriptors(), 0);
}

#[test]
fn a_board_without_names_of_cpus() {
    let tree = Tree::new();
    tree.write("cpuinfo", "processor\t: 0\n\nprocessor\t: 1\n");
    let mut board = CpuInfo::new(&tree.roots());
    assert_eq!(ids(&board.discover().unwrap()), ["cpu/all/cpuCount"]);
    tree.write("device-tree/model", "Some Board\0");
    let metrics = board.discover().unwrap();
    assert_eq!(ids(&metrics), ["cpu/all/name", "cpu/all/cpuCount"]);
    assert_eq!(metrics[1].formula, Formula::Level(COUNT));
    let gone = Raw::Fault(Fault::Gone);
    assert_eq!(
        read(&mut board),
        [Raw::Text("Some Board".into()), gone, Raw::Number(2.0)]
    );
}

#[test]
fn cpuinfo_is_read_again_when_the_cpus_online_change() {
    let tree = Tree::new();
    let block = |number| format!("processor\t: {number}\nmodel name\t: AMD EPYC\n\n");
    tree.write("devices/system/cpu/online", "0-1\n");
    tree.write("cpuinfo", &(block(0) + &block(1)));
    let mut cpus = CpuInfo::new(&tree.roots());
    cpus.discover().unwrap();
    let both = read(&mut cpus);
    assert_eq!(both.len(), FIRST + 2);
    // The list of online CPUs is the same, so cpuinfo is not read.
    tree.write("cpuinfo", &block(0));
    assert_eq!(read(&mut cpus), both);
    tree.write("devices/system/cpu/online", "0\n");
    let one = read(&mut cpus);
    assert_eq!(one[COUNT], Raw::Number(1.0));
    assert_eq!(one[FIRST], both[FIRST]);
    assert_eq!(one[FIRST + 1], Raw::Fault(Fault::Gone));
    tree.write("devices/system/cpu/online", "0-1\n");
    tree.write("cpuinfo", &(block(0) + &block(1)));
    assert_eq!(read(&mut cpus), both);
}

/// A container of lxcfs with two CPUs of a host with eight. Its CPUs are numbered anew.
#[test]
fn the_cpus_of_a_container_are_those_of_proc() {
    let tree = Tree::new();
    tree.write("devices/system/cpu/online", "0-7\n");
    for number in 0..8 {
        // On the host, CPU 0 and 1 are threads of one core.
        let siblings = number / 2 * 2;
        tree.write(
            &format!("devices/system/cpu/cpu{number}/topology/core_cpus_list"),
            &format!("{siblings}-{}\n", siblings + 1),
        );
    }
    let line = "1 1 1 1 1 1 1 1 1 1";
    let block = |number: u32, core: u32| {
        format!("processor\t: {number}\nmodel name\t: A\nphysical id\t: 0\ncore id\t: {core}\n\n")
    };
    let stat = format!("cpu  {line}\ncpu0 {line}\ncpu1 {line}\nintr 1\n");
    tree.write("stat", &stat);
    tree.write("cpuinfo", &(block(0, 2) + &block(1, 3)));
    let mut cpus = CpuInfo::new(&tree.roots());
    let metrics = cpus.discover().unwrap();
    let names = ids(&metrics);
    assert_eq!(names[3..], ["cpu/cpu0/name", "cpu/cpu1/name"]);
    assert_eq!(read(&mut cpus)[1..3], [2.0, 2.0].map(Raw::Number));
    // Its limit is changed, and the list of the host is the same.
    tree.write(
        "stat",
        &format!("{stat}cpu2 {line}\n").replace("intr 1\n", ""),
    );
    tree.write("cpuinfo", &(block(0, 2) + &block(1, 3) + &block(2, 3)));
    assert_eq!(read(&mut cpus)[1..3], [2.0, 3.0].map(Raw::Number));
}

#[test]
fn one_file_of_a_container_suffices() {
    let line = "1 1 1 1 1 1 1 1 1 1";
    let stat = |count: usize| {
        let lines = (0..count).map(|number| format!("cpu{number} {line}\n"));
        format!("cpu  {line}\n{}intr 1\n", lines.collect::<String>())
    };
    let cpuinfo = |count: usize| {
        let blocks = (0..count).map(|number| format!("processor\t: {number}\nmodel name\t: A\n\n"));
        blocks.collect::<String>()
    };
    let check = |list: &str, stat_has: usize, cpuinfo_has: usize, expected: usize| {
        let tree = Tree::new();
        tree.write("devices/system/cpu/online", list);
        tree.write("stat", &stat(stat_has));
        tree.write("cpuinfo", &cpuinfo(cpuinfo_has));
        let mut cpus = CpuInfo::new(&tree.roots());
        let metrics = cpus.discover().unwrap();
        let named = ids(&metrics)
            .iter()
            .filter(|id| id.starts_with("cpu/cpu"))
            .count();
        assert_eq!(named, expected);
        assert_eq!(read(&mut cpus)[COUNT], Raw::Number(expected as f64));
    };
    check("0-3\n", 4, 4, 4);
    check("0-3\n", 4, 2, 2);
    check("0-3\n", 2, 4, 2);
    check("0-1\n", 4, 4, 2);
}

#[test]
fn the_number_of_cpus_needs_no_cpuinfo() {
    let tree = Tree::new();
    tree.write("devices/system/cpu/online", "0-3\n");
    for (number, siblings) in [(0, "0,2"), (1, "1,3"), (2, "0,2"), (3, "1,3")] {
        let path = format!("devices/system/cpu/cpu{number}/topology/thread_siblings_list");
        tree.write(&path, siblings);
    }
    let mut cpus = CpuInfo::new(&tree.roots());
    let metrics = cpus.discover().unwrap();
    assert_eq!(ids(&metrics), ["cpu/all/coreCount", "cpu/all/cpuCount"]);
    assert_eq!(read(&mut cpus)[1..3], [2.0, 4.0].map(Raw::Number));
    // Neither list nor cpuinfo.
    let tree = Tree::new();
    tree.write("stat", "cpu  1 1 1 1\ncpu0 1 1 1 1\ncpu1 1 1 1 1\nintr 1\n");
    let mut cpus = CpuInfo::new(&tree.roots());
    assert_eq!(ids(&cpus.discover().unwrap()), ["cpu/all/cpuCount"]);
    assert_eq!(read(&mut cpus)[2], Raw::Number(2.0));
    let error = CpuInfo::new(&Tree::new().roots()).discover().unwrap_err();
    assert!(error.to_string().contains("cpuinfo: "), "{error}");
}
