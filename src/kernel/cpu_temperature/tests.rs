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
