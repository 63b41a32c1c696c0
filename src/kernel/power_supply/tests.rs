mod adapters;
mod fallbacks;
mod identity;
mod limits;
mod parts;
mod scope;
mod suspended;
mod unknown;

use std::{collections::BTreeMap, fs, os::unix::fs::symlink};

use crate::{
    kernel::powercap,
    rate::Formula,
    reading::{Fault, Raw, Snapshot, Stamp, Value},
    source::{
        Presence,
        pool::Pool,
        tests::{
            Tree, discover,
            members::{new_members, readings, source},
            read, roots,
        },
    },
};

use super::*;

fn families(roots: &Roots) -> Vec<Provider> {
    vec![family(roots, &Pool::new()), powercap::family(roots)]
}

/// The readings of the power supplies of a machine: texts as they are, numbers with three decimals.
fn shown(roots: &Roots) -> BTreeMap<String, String> {
    let readings = readings(families(roots)).into_iter();
    let text = |reading| match reading {
        Ok(Value::Number(number)) => format!("{number:.3}"),
        Ok(Value::Text(text)) => text.to_string(),
        Err(fault) => format!("{fault}"),
    };
    readings.map(|(id, reading)| (id, text(reading))).collect()
}

#[track_caller]
fn check(shown: &BTreeMap<String, String>, object: &str, expected: &[(&str, &str)]) {
    let expected = expected
        .iter()
        .map(|(property, text)| (format!("power/{object}/{property}"), (*text).to_owned()));
    let of_it = format!("power/{object}/");
    let found = shown.iter().filter(|(id, _)| id.starts_with(&of_it));
    let found = found.map(|(id, text)| (id.clone(), text.clone()));
    assert_eq!(found.collect::<BTreeMap<_, _>>(), expected.collect());
}

#[test]
fn a_laptop_on_battery() {
    let shown = shown(&roots("laptop"));
    check(
        &shown,
        "1234",
        &[
            ("name", "SANYO 01AV421"),
            ("scope", "System"),
            ("status", "Discharging"),
            ("capacityLevel", "Normal"),
            ("design", "24.040"),
            ("capacity", "21.636"),
            ("health", "90.000"),
            ("charge", "10.818"),
            ("chargePercentage", "50.000"),
            ("chargeRate", "-9.680"),
            ("voltage", "12.100"),
            ("cycles", "213.000"),
            ("timeToEmpty", "4023.223"),
            ("timeToFull", "stale"),
        ],
    );
    check(&shown, "AC", &[("online", "0.000")]);
}

#[test]
fn a_raspberry_with_a_battery_that_counts_charge() {
    check(
        &shown(&roots("raspberry")),
        "battery_max17040_battery",
        &[
            ("name", "battery_max17040_battery"),
            ("scope", "System"),
            ("status", "Charging"),
            ("design", "8.400"),
            ("capacity", "7.560"),
            ("health", "90.000"),
            ("charge", "3.780"),
            ("chargePercentage", "50.000"),
            // The driver has the opposite sign.
            ("chargeRate", "1.900"),
            ("voltage", "3.800"),
            ("temperature", "28.400"),
            ("timeToEmpty", "stale"),
            ("timeToFull", "6480.000"),
        ],
    );
}

/// Adds a battery with these attributes. Returns its directory.
fn battery(tree: &Tree, name: &str, attributes: &[(&str, &str)]) -> String {
    supply(tree, name, "Battery", attributes)
}

/// Adds a supply of this type with these attributes. Returns its directory.
fn supply(tree: &Tree, name: &str, kind: &str, attributes: &[(&str, &str)]) -> String {
    let port = fs::read_dir(tree.roots().sys).unwrap().count();
    let directory = format!("port{port}/{name}");
    for (file, text) in [("type", kind)].iter().chain(attributes) {
        tree.write(&format!("{directory}/{file}"), &format!("{text}\n"));
    }
    let sys = tree.roots().sys;
    fs::create_dir_all(sys.join("class/power_supply")).unwrap();
    symlink(
        sys.join(&directory),
        sys.join("class/power_supply").join(name),
    )
    .unwrap();
    directory
}

#[track_caller]
fn check_battery(attributes: &[(&str, &str)], property: &str, expected: &str) {
    let tree = Tree::new();
    battery(&tree, "BAT", attributes);
    let shown = shown(&tree.roots());
    let text = shown.get(&format!("power/battery_BAT/{property}"));
    assert_eq!(text.map_or("none", |text| text), expected);
}

#[test]
fn the_sign_of_the_rate_is_that_of_the_status() {
    let rate = |status, power, expected| {
        check_battery(
            &[("status", status), ("power_now", power)],
            "chargeRate",
            expected,
        );
    };
    rate("Charging", "5000000", "5.000");
    rate("Charging", "-5000000", "5.000");
    rate("Discharging", "5000000", "-5.000");
    rate("Discharging", "-5000000", "-5.000");
    rate("Full", "0", "0.000");
    rate("Unknown", "-5000000", "-5.000");
    rate("Discharging", "", "malformed");
    rate("Discharging", "4 W", "malformed");
}

#[test]
fn packages_and_their_parts() {
    let mut members = new_members(&mut families(&roots("laptop")).remove(1));
    let ids: Vec<_> = members
        .iter_mut()
        .map(|member| member.discover().unwrap()[0].id.to_string())
        .collect();
    let objects = ["package-0", "package-0:core", "package-0:dram"];
    assert_eq!(ids, objects.map(|object| format!("power/{object}/power")));
    let power = &discover(members[0].as_mut()).unwrap()[0].formula;
    assert!(matches!(power, Formula::Rate { .. }));
    // The snapshots are one second apart.
    let now = Stamp::now();
    let later = Stamp {
        monotonic: now.monotonic + std::time::Duration::from_secs(1),
        boottime: now.boottime + std::time::Duration::from_secs(1),
        ..now
    };
    let snapshot = |stamp, energy| Snapshot {
        stamp,
        columns: vec![Raw::Counter(energy)],
    };
    let (before, wrapped) = (snapshot(now, 262_143_000_000), snapshot(later, 1_000));
    assert_eq!(power.evaluate(&wrapped, Some(&before)), Err(Fault::Reset));
    let after = snapshot(later, 262_158_500_000);
    assert_eq!(
        power.evaluate(&after, Some(&before)),
        Ok(Value::Number(15.5))
    );
}

#[test]
fn a_package_that_cannot_be_read_has_its_metrics() {
    let tree = Tree::new();
    tree.write("class/powercap/intel-rapl:0/name", "package-0\n");
    // A directory in place of the file: it cannot be read.
    fs::create_dir(
        tree.roots()
            .sys
            .join("class/powercap/intel-rapl:0/energy_uj"),
    )
    .unwrap();
    let mut members = new_members(&mut families(&tree.roots()).remove(1));
    assert_eq!(discover(members[0].as_mut()).unwrap().len(), 2);
    assert!(members[0].read(&mut Vec::new()).is_err());
}
