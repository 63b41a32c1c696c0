use std::collections::BTreeMap;

use crate::{
    kernel::cpufreq,
    reading::{Fault, Value},
    source::{
        pool::Pool,
        tests::{Tree, members::readings, roots},
    },
};

use super::*;

fn both(roots: &Roots) -> BTreeMap<String, Result<f64, Fault>> {
    let pool = Pool::new();
    let families = vec![family(roots, &pool), cpufreq::family(roots, &pool)];
    let number = |reading| match reading {
        Ok(Value::Number(number)) => Ok(number),
        Ok(Value::Text(text)) => panic!("{text}"),
        Err(fault) => Err(fault),
    };
    let readings = readings(families).into_iter();
    readings
        .map(|(id, reading)| (id, number(reading)))
        .collect()
}

#[track_caller]
fn check(roots: &Roots, expected: &[(&str, Result<f64, Fault>)]) {
    let readings = both(roots);
    for (id, expected) in expected {
        let reading = readings[&format!("cpu/{id}")].map(|number| (1e6 * number).round() / 1e6);
        assert_eq!(reading, *expected, "{id}");
    }
}

#[test]
fn each_core_of_a_laptop() {
    check(
        &roots("laptop"),
        &[
            ("cpu0/temperature", Ok(52.0)),
            ("cpu1/temperature", Ok(50.0)),
            ("cpu2/temperature", Ok(52.0)),
            ("cpu3/temperature", Ok(50.0)),
            ("all/averageTemperature", Ok(51.0)),
            ("all/minimumTemperature", Ok(50.0)),
            ("all/maximumTemperature", Ok(52.0)),
            ("cpu1/frequency", Ok(800.0)),
            ("all/averageFrequency", Ok(2125.0)),
            ("all/minimumFrequency", Ok(800.0)),
            ("all/maximumFrequency", Ok(3100.0)),
        ],
    );
}

#[test]
fn a_raspberry_with_a_zone_and_a_cpu_that_is_offline() {
    let raspberry = roots("raspberry");
    check(
        &raspberry,
        &[
            ("cpu2/temperature", Ok(45.277)),
            ("all/averageTemperature", Ok(45.277)),
            ("cpu2/frequency", Ok(600.0)),
            // 1500 MHz is left over from the time it was online.
            ("cpu3/frequency", Err(Fault::Gone)),
            ("all/maximumFrequency", Ok(600.0)),
        ],
    );
    assert!(!both(&raspberry).contains_key("cpu/cpu3/temperature"));
}

/// A machine with two packages of this many CPUs each.
fn machine(each: u32) -> Tree {
    let tree = Tree::new();
    tree.write(
        "devices/system/cpu/online",
        &format!("0-{}\n", 2 * each - 1),
    );
    for cpu in 0..2 * each {
        let topology = format!("devices/system/cpu/cpu{cpu}/topology");
        let (package, core) = (cpu / each, cpu % each);
        tree.write(
            &format!("{topology}/physical_package_id"),
            &format!("{package}\n"),
        );
        tree.write(&format!("{topology}/core_id"), &format!("{core}\n"));
    }
    tree
}

fn chip(tree: &Tree, number: u32, name: &str, sensors: &[(&str, u32)]) {
    let chip = format!("class/hwmon/hwmon{number}");
    tree.write(&format!("{chip}/name"), name);
    for (number, (label, degrees)) in (1..).zip(sensors) {
        tree.write(&format!("{chip}/temp{number}_label"), label);
        tree.write(
            &format!("{chip}/temp{number}_input"),
            &format!("{degrees}000\n"),
        );
    }
}

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

/// lxcfs provides `/proc/stat` of a container with two CPUs, which it numbers anew.
#[test]
fn sensors_of_cpus_of_the_host_are_none_of_a_container() {
    let tree = machine(4);
    for cpu in 0..8 {
        let file = format!("devices/system/cpu/cpu{cpu}/cpufreq/scaling_cur_freq");
        tree.write(&file, "800000\n");
    }
    let frequencies = |tree: &Tree| {
        let readings = both(&tree.roots()).into_keys();
        readings.filter(|id| id.ends_with("/frequency")).count()
    };
    assert_eq!(frequencies(&tree), 8);
    tree.write("stat", "cpu  1 1 1 1\ncpu0 1 1 1 1\ncpu1 1 1 1 1\nintr 1\n");
    assert_eq!(frequencies(&tree), 0);
    // The file of the container has its frequencies.
    let block = |cpu: u32| format!("processor\t: {cpu}\ncpu MHz\t\t: 2500.5\n\n");
    tree.write("cpuinfo", &(block(0) + &block(1)));
    assert_eq!(frequencies(&tree), 2);
    check(&tree.roots(), &[("all/averageFrequency", Ok(2500.5))]);
}

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

#[test]
fn a_frequency_that_is_not_known_is_left_out() {
    let tree = machine(1);
    for (cpu, text) in ["<unknown>\n", "1400000\n"].iter().enumerate() {
        tree.write(
            &format!("devices/system/cpu/cpu{cpu}/cpufreq/scaling_cur_freq"),
            text,
        );
    }
    check(
        &tree.roots(),
        &[
            ("cpu0/frequency", Err(Fault::Stale)),
            ("cpu1/frequency", Ok(1400.0)),
            ("all/minimumFrequency", Ok(1400.0)),
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

#[test]
fn without_lists_the_directories_are_the_cpus() {
    let tree = machine(1);
    std::fs::remove_file(tree.root.join("devices/system/cpu/online")).unwrap();
    chip(
        &tree,
        0,
        "coretemp",
        &[("Package id 0", 50), ("Core 0", 51)],
    );
    for cpu in 0..2 {
        let directory = format!("devices/system/cpu/cpu{cpu}");
        std::fs::remove_dir_all(tree.root.join(&directory).join("topology")).unwrap();
        tree.write(
            &format!("{directory}/cpufreq/scaling_cur_freq"),
            "1400000\n",
        );
    }
    check(
        &tree.roots(),
        &[
            ("cpu0/temperature", Ok(51.0)),
            ("cpu1/temperature", Ok(50.0)),
            ("cpu1/frequency", Ok(1400.0)),
            ("all/averageTemperature", Ok(50.5)),
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

#[test]
fn other_files_have_the_frequency() {
    let tree = machine(1);
    for (file, text) in [
        ("cpu0/cpufreq/scaling_cur_freq", "<unknown>"),
        ("cpu0/cpufreq/cpuinfo_avg_freq", "1600000"),
        ("cpufreq/policy1/related_cpus", "1"),
        ("cpufreq/policy1/cpuinfo_cur_freq", "1800000"),
    ] {
        tree.write(&format!("devices/system/cpu/{file}"), &format!("{text}\n"));
    }
    check(
        &tree.roots(),
        &[
            ("cpu0/frequency", Ok(1600.0)),
            ("cpu1/frequency", Ok(1800.0)),
            ("all/averageFrequency", Ok(1700.0)),
        ],
    );
}

#[test]
fn a_virtual_machine_has_the_frequencies_of_cpuinfo() {
    let tree = machine(1);
    let block = |cpu: u32, text: &str| format!("processor\t: {cpu}\ncpu MHz\t\t: {text}\n\n");
    tree.write("cpuinfo", &(block(0, "2669.291") + &block(1, "2671.709")));
    check(
        &tree.roots(),
        &[
            ("cpu0/frequency", Ok(2669.291)),
            ("cpu1/frequency", Ok(2671.709)),
            ("all/averageFrequency", Ok(2670.5)),
            ("all/maximumFrequency", Ok(2671.709)),
        ],
    );
    // cpufreq was loaded: its files count.
    let pool = Pool::new();
    let mut family = cpufreq::family(&tree.roots(), &pool);
    let before = family.members().unwrap();
    assert_eq!(before.len(), 1);
    for cpu in 0..2 {
        let file = format!("devices/system/cpu/cpu{cpu}/cpufreq/scaling_cur_freq");
        tree.write(&file, "1400000\n");
    }
    assert_eq!(family.members().unwrap().len(), 3);
    assert!(before[0].presence.is_gone());
}

#[test]
fn a_container_that_numbers_its_cpus_anew() {
    let tree = machine(2);
    tree.write("stat", "cpu  1 1 1 1\ncpu0 1 1 1 1\nintr 1\n");
    tree.write("cpuinfo", "processor\t: 0\ncpu MHz\t\t: 1200.5\n");
    chip(&tree, 0, "k10temp", &[("Tctl", 60)]);
    for cpu in 0..4 {
        let file = format!("devices/system/cpu/cpu{cpu}/cpufreq/scaling_cur_freq");
        tree.write(&file, "1400000\n");
    }
    // Which of the host's CPUs it has is not known.
    let readings = both(&tree.roots());
    assert_eq!(readings["cpu/cpu0/frequency"], Ok(1200.5));
    assert_eq!(readings["cpu/all/maximumTemperature"], Ok(60.0));
    assert_eq!(readings.len(), 3 + 1 + 3);
    std::fs::remove_file(tree.root.join("cpuinfo")).unwrap();
    let readings = both(&tree.roots());
    assert_eq!(readings["cpu/all/averageFrequency"], Ok(1400.0));
    assert_eq!(readings.len(), 3 + 3);
}
