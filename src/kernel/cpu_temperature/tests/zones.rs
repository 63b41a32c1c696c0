//! Thermal zones.

use super::*;

#[test]
fn a_zone_for_each_cpu() {
    let tree = machine(1);
    for (number, kind) in ["battery", "soc-thermal", "cpu1-thermal", "gpu"]
        .iter()
        .enumerate()
    {
        let zone = format!("class/thermal/thermal_zone{number}");
        tree.write(&format!("{zone}/type"), kind);
        tree.write(&format!("{zone}/temp"), &format!("{number}0000\n"));
    }
    check(
        &tree.roots(),
        &[
            ("cpu0/temperature", Ok(10.0)),
            ("cpu1/temperature", Ok(20.0)),
        ],
    );
}

/// Thermal zones with these types and temperatures, all enabled.
fn zones(tree: &Tree, zones: &[(&str, u32)]) {
    for (number, (kind, degrees)) in zones.iter().enumerate() {
        let zone = format!("class/thermal/thermal_zone{number}");
        tree.write(&format!("{zone}/type"), &format!("{kind}\n"));
        tree.write(&format!("{zone}/temp"), &format!("{degrees}000\n"));
        tree.write(&format!("{zone}/mode"), "enabled\n");
    }
}

#[test]
fn a_zone_for_each_cluster_counts_before_that_of_the_chip() {
    let tree = machine(2);
    let named = [
        ("soc-thermal", 46),
        ("bigcore0-thermal", 60),
        ("littlecore-thermal", 45),
    ];
    zones(&tree, &named);
    check(
        &tree.roots(),
        &[
            ("cpu1/temperature", Ok(45.0)),
            ("cpu2/temperature", Ok(60.0)),
            ("all/averageTemperature", Ok(52.5)),
            ("all/minimumTemperature", Ok(45.0)),
            ("all/maximumTemperature", Ok(60.0)),
        ],
    );
}

#[test]
fn zones_of_unknown_cpus_count_among_all() {
    let tree = Tree::new();
    for cpu in 0..4 {
        tree.write(&format!("devices/system/cpu/cpu{cpu}/uevent"), "");
    }
    let named = [
        ("soc-thermal", 46),
        ("bigcore0-thermal", 60),
        ("littlecore-thermal", 44),
    ];
    zones(&tree, &named);
    check(
        &tree.roots(),
        &[
            ("cpu3/temperature", Ok(46.0)),
            ("all/averageTemperature", Ok(52.0)),
            ("all/maximumTemperature", Ok(60.0)),
        ],
    );
}

#[test]
fn the_cooling_devices_of_a_zone_tell_its_cpus() {
    let tree = machine(2);
    zones(&tree, &[("tzts1", 50), ("tzts2", 60), ("skin-thermal", 30)]);
    for (policy, cpus) in [(0, "0 1\n"), (2, "2 3\n")] {
        let directory = format!("devices/system/cpu/cpufreq/policy{policy}");
        tree.write(&format!("{directory}/related_cpus"), cpus);
        tree.write(
            &format!("class/thermal/cooling_device{policy}/type"),
            &format!("cpufreq-cpu{policy}\n"),
        );
    }
    // The names of Linux before 5.13 number the policies.
    tree.write("class/thermal/cooling_device7/type", "thermal-cpufreq-1\n");
    tree.link(
        "class/thermal/thermal_zone0/cdev0",
        "class/thermal/cooling_device0",
    );
    tree.link(
        "class/thermal/thermal_zone1/cdev0",
        "class/thermal/cooling_device7",
    );
    for device in [0, 2] {
        let link = format!("class/thermal/thermal_zone2/cdev{device}");
        tree.link(&link, &format!("class/thermal/cooling_device{device}"));
    }
    check(
        &tree.roots(),
        &[
            ("cpu0/temperature", Ok(50.0)),
            ("cpu3/temperature", Ok(60.0)),
            ("all/averageTemperature", Ok(55.0)),
        ],
    );
}

#[test]
fn a_zone_that_has_not_measured_lowers_no_average() {
    let tree = machine(1);
    zones(&tree, &[("cpu0-thermal", 0), ("cpu1-thermal", 50)]);
    check(
        &tree.roots(),
        &[
            ("cpu0/temperature", Err(Fault::Stale)),
            ("cpu1/temperature", Ok(50.0)),
            ("all/averageTemperature", Ok(50.0)),
            ("all/minimumTemperature", Ok(50.0)),
        ],
    );
    tree.write("class/thermal/thermal_zone1/mode", "disabled\n");
    tree.write("class/thermal/thermal_zone0/temp", "40000\n");
    // The zone of a CPU is the whole processor's when it is alone.
    check(&tree.roots(), &[("cpu1/temperature", Ok(40.0))]);
}

#[test]
fn a_container_without_cpus_in_sysfs_has_the_zone_of_the_whole() {
    let tree = Tree::new();
    zones(&tree, &[("cpu-thermal", 48)]);
    check(
        &tree.roots(),
        &[
            ("all/averageTemperature", Ok(48.0)),
            ("all/maximumTemperature", Ok(48.0)),
        ],
    );
    assert_eq!(both(&tree.roots()).len(), 3);
}
