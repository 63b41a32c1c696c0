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

#[test]
fn speeds() {
    let names = named(&[
        "soc-thermal",
        "bigcore0-thermal",
        "bigcore1-thermal",
        "littlecore-thermal",
    ]);
    let (one, other) = (&["bigcore0-thermal"][..], &["bigcore1-thermal"][..]);
    let little = &["littlecore-thermal"][..];
    let expected = [little, little, little, little, one, one, other, other];
    // rk3588, by its clusters, and by capacities of which two differ a little.
    check(
        &topology(&[0, 0, 0, 0, 1, 1, 2, 2], &[]),
        &names,
        &expected,
        &[],
    );
    let capacities = [530, 530, 530, 530, 1024, 1024, 1010, 1010];
    check(
        &topology(&[0, 0, 0, 0, 1, 1, 2, 2], &capacities),
        &names,
        &expected,
        &[],
    );
    // Without a topology nothing tells which CPUs are big.
    let unknown = ["bigcore0-thermal", "bigcore1-thermal", "littlecore-thermal"];
    check(
        &topology(&[0; 8], &[]),
        &names,
        &[&["soc-thermal"][..]; 8],
        &unknown,
    );
    // mt8186: a sensor for each big core, and three for six little ones.
    let littles = [
        "cpu-little0-thermal",
        "cpu-little1-thermal",
        "cpu-little2-thermal",
    ];
    let (one, other) = (&["cpu-big0-thermal"][..], &["cpu-big1-thermal"][..]);
    let names = [&littles[..], one, other].concat();
    let all = &littles[..];
    let expected = [all, all, all, all, all, all, one, other];
    check(
        &topology(&[0; 8], &[300, 300, 300, 300, 300, 300, 1024, 1024]),
        &named(&names),
        &expected,
        &[],
    );
    // CIX Sky1: little, middle and big cores.
    let names = named(&["CPU_B0", "CPU_B1", "CPU_M0", "CPU_M1"]);
    let packages = [0, 0, 1, 1, 2, 2, 3, 3, 4, 4];
    let capacities = [279, 279, 900, 900, 900, 900, 1024, 1024, 1024, 1024];
    let sky = topology(&packages, &capacities);
    let (b0, b1) = (&["CPU_B0"][..], &["CPU_B1"][..]);
    let (m0, m1) = (&["CPU_M0"][..], &["CPU_M1"][..]);
    check(
        &sky,
        &names,
        &[&[], &[], m0, m0, m1, m1, b0, b0, b1, b1],
        &[],
    );
}

#[test]
fn cooling_devices_tell_more_than_names() {
    let eight = topology(&[0; 8], &[]);
    let (little, big): (&[u32], &[u32]) = (&[0, 1, 2, 3], &[4, 5, 6, 7]);
    // sun50i-a64 and exynos5422: a number that is not that of a CPU.
    let all: &[u32] = &[0, 1, 2, 3, 4, 5, 6, 7];
    check(
        &eight,
        &[("cpu0-thermal", all)],
        &[&["cpu0-thermal"][..]; 8],
        &[],
    );
    let names = [
        "cpu0-thermal",
        "cpu1-thermal",
        "cpu2-thermal",
        "cpu3-thermal",
    ];
    check(
        &eight,
        &names.map(|name| (name, all)),
        &[&names[..]; 8],
        &[],
    );
    // sdm845: each CPU of a policy has its own.
    let names = ["cpu0-thermal", "cpu1-thermal"];
    check(
        &topology(&[0, 0], &[]),
        &names.map(|name| (name, &[0, 1][..])),
        &[&names[..1], &names[1..]],
        &[],
    );
    // hi6220 and others: a name that says nothing.
    let (one, other) = (&["tzts1"][..], &["tzts2"][..]);
    let zones = [("tzts1", little), ("tzts2", big), ("skin-thermal", all)];
    check(
        &eight,
        &zones,
        &[one, one, one, one, other, other, other, other],
        &[],
    );
    // rk3588: bigcore2 is of the last two CPUs.
    let (zero, two) = (&["bigcore0-thermal"][..], &["bigcore2-thermal"][..]);
    let zones = [
        ("bigcore0-thermal", &[4, 5][..]),
        ("bigcore2-thermal", &[6, 7]),
        ("littlecore-thermal", little),
    ];
    let little = &["littlecore-thermal"][..];
    check(
        &eight,
        &zones,
        &[little, little, little, little, zero, zero, two, two],
        &[],
    );
}
