mod speeds;

use crate::source::tests::Tree;

use super::*;

/// A machine with CPUs of these packages, and of these capacities.
fn topology(packages: &[u32], capacities: &[u32]) -> Topology {
    let tree = Tree::new();
    let mut counts = BTreeMap::new();
    for (cpu, package) in packages.iter().enumerate() {
        let directory = format!("devices/system/cpu/cpu{cpu}");
        let core = counts.entry(package).or_insert(0);
        tree.write(
            &format!("{directory}/topology/physical_package_id"),
            &format!("{package}\n"),
        );
        tree.write(
            &format!("{directory}/topology/core_id"),
            &format!("{core}\n"),
        );
        *core += 1;
        if let Some(capacity) = capacities.get(cpu) {
            tree.write(
                &format!("{directory}/cpu_capacity"),
                &format!("{capacity}\n"),
            );
        }
    }
    Topology::read(&tree.roots()).unwrap()
}

/// Checks the sensors of each CPU by name, and those of unknown CPUs.
#[track_caller]
fn check(topology: &Topology, names: &[(&str, &[u32])], expected: &[&[&str]], unknown: &[&str]) {
    let candidates = names.iter().map(|(name, cooled)| Candidate {
        name: (*name).to_owned(),
        cooled: cooled.iter().copied().collect(),
    });
    let placement = place(&candidates.collect::<Vec<_>>(), topology);
    let name = |index: &usize| names[*index].0;
    let of_cpus = topology.cpus.iter().map(|cpu| {
        let sensors = placement.of_cpus.get(&cpu.number);
        sensors.into_iter().flatten().map(name).collect::<Vec<_>>()
    });
    assert_eq!(of_cpus.collect::<Vec<_>>(), expected);
    let found: Vec<_> = placement.of_unknown.iter().map(name).collect();
    assert_eq!(found, unknown);
}

fn named<'a>(names: &[&'a str]) -> Vec<(&'a str, &'a [u32])> {
    names.iter().map(|&name| (name, &[][..])).collect()
}

#[test]
fn one_sensor_is_of_all_cpus() {
    let four = topology(&[0; 4], &[]);
    for name in [
        "cpu-thermal",
        "cpu0-thermal",
        "CPU-therm",
        "soc-thermal",
        "imx_thermal_zone",
        "x86_pkg_temp",
    ] {
        check(
            &four,
            &named(&["gpu-thermal", name, "battery"]),
            &[&[name][..]; 4],
            &[],
        );
    }
    let both = named(&["soc-thermal", "package-thermal", "cpu-thermal"]);
    check(&four, &both, &[&["cpu-thermal"][..]; 4], &[]);
    check(&four, &named(&["gpu-thermal"]), &[&[][..]; 4], &[]);
    // A container without CPUs in sysfs.
    check(&topology(&[], &[]), &both, &[], &["cpu-thermal"]);
}

#[test]
fn numbers_are_cpus_clusters_packages_or_ranges() {
    let four = topology(&[0; 4], &[]);
    let each = named(&[
        "cpu0-thermal",
        "cpu1-thermal",
        "cpu2-thermal",
        "cpu3-thermal",
    ]);
    check(
        &four,
        &each,
        &[
            &["cpu0-thermal"],
            &["cpu1-thermal"],
            &["cpu2-thermal"],
            &["cpu3-thermal"],
        ],
        &[],
    );
    // msm8916
    let ranges = named(&["cpu0-1-thermal", "cpu2-3-thermal"]);
    let (low, high) = (&["cpu0-1-thermal"][..], &["cpu2-3-thermal"][..]);
    check(&four, &ranges, &[low, low, high, high], &[]);
    // msm8939
    let eight = topology(&[0, 0, 0, 0, 1, 1, 1, 1], &[]);
    let digits = named(&[
        "cpu0-thermal",
        "cpu1-thermal",
        "cpu2-thermal",
        "cpu3-thermal",
        "cpu4567-thermal",
    ]);
    let last = &["cpu4567-thermal"][..];
    check(
        &eight,
        &digits,
        &[
            &["cpu0-thermal"],
            &["cpu1-thermal"],
            &["cpu2-thermal"],
            &["cpu3-thermal"],
            last,
            last,
            last,
            last,
        ],
        &[],
    );
    // imx8qm and sun8i-a83t: clusters.
    let clusters = named(&["cpu0-thermal", "cpu1-thermal"]);
    let (first, second) = (&["cpu0-thermal"][..], &["cpu1-thermal"][..]);
    check(
        &topology(&[0, 0, 1, 1], &[]),
        &clusters,
        &[first, first, second, second],
        &[],
    );
    // Two Loongson packages.
    let labels = named(&["CPU 0 Temperature", "CPU 1 Temperature"]);
    let (first, second) = (&["CPU 0 Temperature"][..], &["CPU 1 Temperature"][..]);
    check(
        &topology(&[0, 0, 1, 1], &[]),
        &labels,
        &[first, first, second, second],
        &[],
    );
    let packages = named(&["x86_pkg_temp", "x86_pkg_temp"]);
    check(
        &topology(&[0, 1], &[]),
        &packages,
        &[&["x86_pkg_temp"][..]; 2],
        &[],
    );
    // A number of no CPU.
    let more = named(&["cpu0-thermal", "cpu1-thermal", "cpu7-thermal"]);
    check(
        &topology(&[0, 0], &[]),
        &more,
        &[&["cpu0-thermal"], &["cpu1-thermal"]],
        &["cpu7-thermal"],
    );
}

#[test]
fn clusters_and_cores() {
    let names = ["0-0-top", "0-0-btm", "0-1-top", "1-0-top", "1-1-top"]
        .map(|name| format!("cpu{name}-thermal"));
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let expected: [&[&str]; 4] = [&names[..2], &names[2..3], &names[3..4], &names[4..]];
    // x1e80100, with and without clusters.
    check(
        &topology(&[0, 0, 1, 1], &[]),
        &named(&names),
        &expected,
        &[],
    );
    check(&topology(&[0; 4], &[]), &named(&names), &expected, &[]);
    // qcs8300: also the number of the sensor.
    let names = ["0-0-0", "0-1-0", "1-0-0", "1-1-0"].map(|name| format!("cpu-{name}-thermal"));
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let expected: [&[&str]; 4] = [&names[..1], &names[1..2], &names[2..3], &names[3..]];
    check(
        &topology(&[0, 0, 1, 1], &[]),
        &named(&names),
        &expected,
        &[],
    );
    // lx2160a
    let (low, high) = (&["cluster0-1-thermal"][..], &["cluster2-3-thermal"][..]);
    let names = named(&["cluster0-1-thermal", "cluster2-3-thermal", "ddr-thermal"]);
    check(
        &topology(&[0, 0, 1, 1, 2, 2, 3, 3], &[]),
        &names,
        &[low, low, low, low, high, high, high, high],
        &[],
    );
    let whole = &["core-cluster-thermal"][..];
    check(&topology(&[0, 0], &[]), &named(whole), &[whole, whole], &[]);
}
