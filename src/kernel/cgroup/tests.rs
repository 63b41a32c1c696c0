use super::*;
use crate::source::tests::{Tree, read};

const ROOT: &str = "fs/cgroup";
const MOUNT: &str = "29 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw\n";

fn tree(path: &str, files: &[(&str, &str)]) -> Tree {
    let tree = Tree::new();
    tree.write("self/cgroup", &format!("0::{path}\n"));
    tree.write("self/mountinfo", MOUNT);
    for (file, text) in files {
        tree.write(&format!("{ROOT}/{file}"), text);
    }
    tree
}

/// Checks the columns of the metrics that are listed.
#[track_caller]
fn check(path: &str, files: &[(&str, &str)], memory: Option<[f64; 3]>, cpus: Option<f64>) {
    let tree = tree(path, files);
    let mut limits = CgroupLimits::new(&tree.roots());
    let metrics = limits.discover().unwrap();
    let has = |prefix: &str| metrics.iter().any(|metric| metric.id.starts_with(prefix));
    assert_eq!(has("memory/limit/"), memory.is_some());
    assert_eq!(has("cpu/limit/"), cpus.is_some());
    let columns = read(&mut limits);
    if let Some(memory) = memory {
        assert_eq!(columns[..3], memory.map(Raw::Number));
    }
    if let Some(cpus) = cpus {
        assert_eq!(columns[3], Raw::Number(cpus));
    }
}

const SERVICE: &str = "/user.slice/user-1000.slice/user@1000.service/app.slice/sampled.service";

#[test]
fn the_tightest_limit_of_the_ancestors_counts() {
    let all = [
        ("user.slice/memory.max", "max\n"),
        ("user.slice/cpu.max", "400000 100000\n"),
        ("user.slice/user-1000.slice/memory.max", "4000\n"),
        ("user.slice/user-1000.slice/memory.current", "1000\n"),
        ("user.slice/user-1000.slice/cpu.max", "max 100000\n"),
        (
            "user.slice/user-1000.slice/user@1000.service/memory.max",
            "8000\n",
        ),
        (
            "user.slice/user-1000.slice/user@1000.service/cpu.max",
            "150000 100000\n",
        ),
    ];
    check(SERVICE, &all, Some([4000.0, 1000.0, 25.0]), Some(1.5));
    // An attribute of the control group may be above it for a moment.
    let above = [
        ("user.slice/memory.max", "100\n"),
        ("user.slice/memory.current", "140\n"),
    ];
    check(SERVICE, &above, Some([100.0, 100.0, 100.0]), None);
}

#[test]
fn the_maximum_follows_the_limit() {
    let file = format!("{ROOT}/user.slice/memory.max");
    let tree = tree(
        SERVICE,
        &[
            ("user.slice/memory.max", "4000\n"),
            ("user.slice/memory.current", "1000\n"),
        ],
    );
    let mut limits = CgroupLimits::new(&tree.roots());
    let maximum = |limits: &mut CgroupLimits| limits.discover().unwrap()[USED].maximum;
    assert_eq!(maximum(&mut limits), Some(4000.0));
    read(&mut limits);
    assert!(!limits.changed());
    tree.write(&file, "3000\n");
    read(&mut limits);
    assert!(limits.changed());
    assert_eq!(maximum(&mut limits), Some(3000.0));
    assert!(!limits.changed());
}

#[test]
fn the_limit_of_the_service_is_its_own() {
    let own = [
        (
            "user.slice/user-1000.slice/user@1000.service/app.slice/sampled.service/memory.max",
            "2147483648\n",
        ),
        ("user.slice/memory.max", "max\n"),
        ("user.slice/cpu.max", "max 100000\n"),
    ];
    check(SERVICE, &own, None, None);
    // It is in a control group below its unit.
    check(&format!("{SERVICE}/main"), &own, None, None);
    let of_session = [("user.slice/session-2.scope/memory.max", "5\n")];
    check("/user.slice/session-2.scope", &of_session, None, None);
}

#[test]
fn the_root_of_a_container_is_an_ancestor() {
    let limits = [
        ("memory.max", "2000\n"),
        ("memory.current", "500\n"),
        ("cpu.max", "50000 100000\n"),
    ];
    check("/", &limits, Some([2000.0, 500.0, 25.0]), Some(0.5));
    check(
        "/system.slice/sampled.service",
        &limits,
        Some([2000.0, 500.0, 25.0]),
        Some(0.5),
    );
    // The control group is not below the mount.
    check("/../other", &limits, Some([2000.0, 500.0, 25.0]), Some(0.5));
}

#[test]
fn a_limit_that_cannot_be_read_is_a_fault() {
    let files = [
        ("memory.max", "many\n"),
        ("memory.current", "5\n"),
        ("cpu.max", "\n"),
    ];
    let tree = tree("/", &files);
    let mut limits = CgroupLimits::new(&tree.roots());
    assert_eq!(limits.discover().unwrap().len(), PROPERTIES.len());
    assert_eq!(read(&mut limits), vec![Raw::Fault(Fault::Malformed); 4]);
}

#[test]
fn without_cgroup_v2_there_are_no_limits() {
    let tree = Tree::new();
    assert_eq!(CgroupLimits::new(&tree.roots()).discover().unwrap(), []);
    tree.write("self/cgroup", "4:memory:/a\n1:name=systemd:/a\n");
    assert_eq!(CgroupLimits::new(&tree.roots()).discover().unwrap(), []);
}
