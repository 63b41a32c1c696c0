//! Attributes that are missing or fail, and what stands in for them.

use super::*;

/// The text of an attribute whose reading fails with EIO, as after an error of the bus.
const EIO: &str = "EIO";

/// A battery with these attributes, of which some fail.
#[track_caller]
fn check(attributes: &[(&str, &str)], expected: &[(&str, &str)]) {
    let tree = Tree::new();
    let directory = battery(&tree, "BAT", attributes);
    for (file, _) in attributes.iter().filter(|(_, text)| *text == EIO) {
        let path = tree.roots().sys.join(&directory).join(file);
        fs::remove_file(&path).unwrap();
        // The first page of a process is not mapped.
        symlink("/proc/self/mem", &path).unwrap();
    }
    let shown = shown(&tree.roots());
    for (property, expected) in expected {
        let text = shown.get(&format!("power/battery_BAT/{property}"));
        assert_eq!(text.map_or("none", |text| text), *expected, "{property}");
    }
}

#[test]
fn the_percentage() {
    let check = |attributes: &[(&str, &str)], expected| {
        check(attributes, &[("chargePercentage", expected)]);
    };
    let energy = [("energy_now", "5000000"), ("energy_full", "20000000")];
    let charge = [("charge_now", "400000"), ("charge_full", "1000000")];
    check(
        &[&[("capacity", "77")][..], &energy, &charge].concat(),
        "77.000",
    );
    check(
        &[&[("capacity", EIO)][..], &energy, &charge].concat(),
        "25.000",
    );
    check(&[&[("capacity", "-1")][..], &energy].concat(), "25.000");
    check(&[&[("capacity", EIO)][..], &charge].concat(), "40.000");
    // It needs no voltage.
    check(&charge, "40.000");
    check(
        &[
            ("capacity", EIO),
            energy[0],
            ("energy_full", EIO),
            charge[0],
            charge[1],
        ],
        "40.000",
    );
    check(&[("charge_avg", "300000"), charge[1]], "30.000");
    check(
        &[("energy_now", EIO), ("energy_avg", "2000000"), energy[1]],
        "10.000",
    );
    check(&[("capacity", EIO)], "stale");
    check(&[("capacity", "x"), ("energy_now", EIO)], "malformed");
}

#[test]
fn the_rate() {
    let check = |attributes: &[(&str, &str)], expected| {
        let attributes = [&[("status", "Discharging")], attributes].concat();
        check(&attributes, &[("chargeRate", expected)]);
    };
    let (current, voltage) = (("current_now", "500000"), ("voltage_now", "4000000"));
    check(&[("power_now", EIO), current, voltage], "-2.000");
    check(&[("power_now", EIO), ("power_avg", "3000000")], "-3.000");
    check(&[("power_avg", "3000000"), current, voltage], "-2.000");
    check(&[current, ("voltage_avg", "3000000")], "-1.500");
    check(
        &[("current_now", EIO), ("current_avg", "-100000"), voltage],
        "-0.400",
    );
    check(&[("power_now", EIO)], "stale");
    check(&[("power_now", "x"), ("current_now", EIO)], "malformed");
    check(&[current, ("voltage_now", EIO)], "stale");
}

/// The direction is known from the status alone.
#[test]
fn a_status_that_fails_costs_what_depends_on_it() {
    check(
        &[
            ("status", EIO),
            ("capacity", "50"),
            ("power_now", "3000000"),
            ("time_to_empty_now", "60"),
        ],
        &[
            ("status", "stale"),
            ("chargePercentage", "50.000"),
            ("chargeRate", "stale"),
            ("timeToEmpty", "stale"),
        ],
    );
}

#[test]
fn times() {
    let check = |status, attributes: &[(&str, &str)], property, expected| {
        let attributes = [&[("status", status)], attributes].concat();
        check(&attributes, &[(property, expected)]);
    };
    let empty =
        |attributes: &[_], expected| check("Discharging", attributes, "timeToEmpty", expected);
    let full = |attributes: &[_], expected| check("Charging", attributes, "timeToFull", expected);
    let average = ("time_to_empty_avg", "3000");
    let charge = [
        ("charge_now", "1000000"),
        ("charge_full", "1500000"),
        ("current_now", "-500000"),
    ];
    empty(&[("time_to_empty_now", "1200"), average], "1200.000");
    empty(&[("time_to_empty_now", EIO), average], "3000.000");
    empty(&[("time_to_empty_now", "3932100"), average], "3000.000");
    empty(
        &[
            &[("time_to_empty_now", EIO), ("time_to_empty_avg", EIO)][..],
            &charge,
        ]
        .concat(),
        "7200.000",
    );
    // Charge over current needs no voltage, and no voltage changes it.
    empty(&charge, "7200.000");
    let volts = [
        ("voltage_min_design", "3000000"),
        ("voltage_now", "4000000"),
    ];
    empty(&[&charge[..], &volts].concat(), "7200.000");
    let power = [("power_now", "6000000"), ("current_now", EIO)];
    empty(&[&charge[..2], &volts, &power].concat(), "1800.000");
    empty(&[("time_to_empty_now", EIO)], "stale");
    full(
        &[("time_to_full_now", EIO), ("time_to_full_avg", "600")],
        "600.000",
    );
    full(
        &[&[("time_to_full_now", EIO)][..], &charge].concat(),
        "3600.000",
    );
}

/// drivers/power/supply/rk817_charger.c
#[test]
fn a_gauge_that_has_averages_alone() {
    check(
        &[
            ("status", "Discharging"),
            ("charge_full_design", "4000000"),
            ("charge_full", "3600000"),
            ("charge_now", "1800000"),
            ("voltage_avg", "3700000"),
            ("current_avg", "-900000"),
            ("voltage_max_design", "4200000"),
            ("voltage_min_design", "3500000"),
        ],
        &[
            ("chargePercentage", "50.000"),
            ("charge", "6.300"),
            ("health", "90.000"),
            ("voltage", "3.700"),
            ("chargeRate", "-3.330"),
            ("timeToEmpty", "7200.000"),
        ],
    );
}
