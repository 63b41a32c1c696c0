//! Chips of processors.

use super::*;

#[test]
fn two_packages_of_amd() {
    let tree = machine(2);
    // Before Linux 5.7 the sensors are in the other order.
    chip(
        &tree,
        0,
        "k10temp",
        &[("Tdie", 40), ("Tctl", 67), ("Tccd1", 39)],
    );
    chip(&tree, 1, "k10temp", &[("Tctl", 68), ("Tdie", 41)]);
    check(
        &tree.roots(),
        &[
            ("cpu0/temperature", Ok(40.0)),
            ("cpu1/temperature", Ok(40.0)),
            ("cpu2/temperature", Ok(41.0)),
            ("cpu3/temperature", Ok(41.0)),
        ],
    );
}

#[test]
fn two_packages_of_intel_and_a_core_without_a_sensor() {
    let tree = machine(2);
    chip(
        &tree,
        0,
        "coretemp",
        &[("Package id 1", 60), ("Core 0", 61)],
    );
    chip(
        &tree,
        1,
        "coretemp",
        &[("Package id 0", 50), ("Core 0", 51), ("Core 1", 52)],
    );
    check(
        &tree.roots(),
        &[
            ("cpu0/temperature", Ok(51.0)),
            ("cpu1/temperature", Ok(52.0)),
            ("cpu2/temperature", Ok(61.0)),
            ("cpu3/temperature", Ok(60.0)),
        ],
    );
}

#[test]
fn core_complex_dies_of_amd() {
    let tree = machine(4);
    let sensors = [("Tctl", 70), ("Tccd1", 50), ("Tccd3", 60)];
    for (number, base) in [(0, 0), (1, 20)] {
        let of_package = sensors.map(|(label, degrees)| (label, degrees + base));
        chip(&tree, number, "k10temp", &of_package);
    }
    for cpu in 0..8 {
        let first = cpu / 2 * 2;
        let cache = format!("devices/system/cpu/cpu{cpu}/cache");
        tree.write(&format!("{cache}/index0/level"), "1\n");
        tree.write(&format!("{cache}/index3/level"), "3\n");
        let sharers = format!("{first}-{}\n", first + 1);
        tree.write(&format!("{cache}/index3/shared_cpu_list"), &sharers);
    }
    check(
        &tree.roots(),
        &[
            ("cpu0/temperature", Ok(50.0)),
            ("cpu1/temperature", Ok(50.0)),
            ("cpu2/temperature", Ok(60.0)),
            ("cpu5/temperature", Ok(70.0)),
            ("cpu7/temperature", Ok(80.0)),
        ],
    );
}

#[test]
fn dies_of_the_first_zen() {
    let tree = machine(2);
    for cpu in 0..4 {
        let die = format!("devices/system/cpu/cpu{cpu}/topology/die_id");
        tree.write(&die, &format!("{}\n", cpu % 2));
    }
    for (number, degrees) in [(0, 40), (1, 45), (2, 50), (3, 55)] {
        chip(&tree, number, "k10temp", &[("Tctl", degrees)]);
    }
    check(
        &tree.roots(),
        &[
            ("cpu0/temperature", Ok(40.0)),
            ("cpu1/temperature", Ok(45.0)),
            ("cpu2/temperature", Ok(50.0)),
            ("cpu3/temperature", Ok(55.0)),
        ],
    );
}

#[test]
fn packages_and_dies_that_coretemp_numbers_by_itself() {
    let tree = machine(1);
    // Sockets 0 and 3 are the packages 0 and 1 of the driver.
    tree.write(
        "devices/system/cpu/cpu1/topology/physical_package_id",
        "3\n",
    );
    chip(
        &tree,
        0,
        "coretemp",
        &[("Package id 0", 50), ("Core 0", 51)],
    );
    chip(
        &tree,
        1,
        "coretemp",
        &[("Package id 1", 60), ("Core 0", 61)],
    );
    check(
        &tree.roots(),
        &[
            ("cpu0/temperature", Ok(51.0)),
            ("cpu1/temperature", Ok(61.0)),
        ],
    );
    // Two dies of one package.
    tree.write(
        "devices/system/cpu/cpu1/topology/physical_package_id",
        "0\n",
    );
    tree.write("devices/system/cpu/cpu0/topology/die_id", "0\n");
    tree.write("devices/system/cpu/cpu1/topology/die_id", "1\n");
    check(
        &tree.roots(),
        &[
            ("cpu0/temperature", Ok(51.0)),
            ("cpu1/temperature", Ok(61.0)),
        ],
    );
}

#[test]
fn chips_of_other_processors() {
    let tree = machine(2);
    chip(
        &tree,
        0,
        "ibmpowernv",
        &[("Core 0-1", 50), ("Core 2-3", 60), ("Chip 0 DIMM 1", 30)],
    );
    let expected = [
        ("cpu1/temperature", Ok(50.0)),
        ("cpu2/temperature", Ok(60.0)),
    ];
    check(&tree.roots(), &expected);
    let tree = machine(1);
    chip(&tree, 0, "via_cputemp", &[("Core 0", 50)]);
    chip(&tree, 1, "via_cputemp", &[("Core 1", 55)]);
    let expected = [
        ("cpu0/temperature", Ok(50.0)),
        ("cpu1/temperature", Ok(55.0)),
    ];
    check(&tree.roots(), &expected);
    let tree = machine(2);
    chip(
        &tree,
        0,
        "cpuhwmon",
        &[("CPU 0 Temperature", 50), ("CPU 1 Temperature", 60)],
    );
    let expected = [
        ("cpu1/temperature", Ok(50.0)),
        ("cpu2/temperature", Ok(60.0)),
    ];
    check(&tree.roots(), &expected);
    let tree = machine(2);
    chip(
        &tree,
        0,
        "scmi_sensors",
        &[("PCB_HOT", 30), ("cpu", 50), ("GPU_AVE", 40)],
    );
    let all = [
        ("cpu3/temperature", Ok(50.0)),
        ("all/maximumTemperature", Ok(50.0)),
    ];
    check(&tree.roots(), &all);
    let tree = machine(2);
    tree.write("class/hwmon/hwmon0/name", "cpu_thermal\n");
    tree.write("class/hwmon/hwmon0/temp1_input", "50000\n");
    check(&tree.roots(), &all);
    // A chip that measures another part.
    tree.write("class/hwmon/hwmon0/name", "gpu_thermal\n");
    assert!(both(&tree.roots()).is_empty());
}
