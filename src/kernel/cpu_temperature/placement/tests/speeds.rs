//! Cores of different speeds, and cooling devices.

use super::*;

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
