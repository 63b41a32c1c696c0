mod chips;
mod frequencies;
mod zones;

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
