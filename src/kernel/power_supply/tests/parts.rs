//! Parts that are larger than their whole.

use super::*;

#[test]
fn a_charge_is_at_most_the_capacity() {
    let more = [
        ("charge_now", "5000000"),
        ("charge_full", "4000000"),
        ("voltage_min_design", "10000000"),
    ];
    check_battery(&more, "charge", "40.000");
    check_battery(&more, "capacity", "40.000");
    check_battery(&more, "chargePercentage", "100.000");
    let energy = [("energy_now", "50100000"), ("energy_full", "50000000")];
    check_battery(&energy, "charge", "50.000");
    let charging = [
        &[("status", "Charging"), ("power_now", "1000000")][..],
        &energy,
    ]
    .concat();
    check_battery(&charging, "timeToFull", "0.000");
}

#[test]
fn a_percentage_is_at_most_100() {
    for more in ["101", "103", "106", "200"] {
        check_battery(&[("capacity", more)], "chargePercentage", "100.000");
    }
    for unknown in ["255", "65535", "-1"] {
        check_battery(&[("capacity", unknown)], "chargePercentage", "malformed");
        let known = [
            ("capacity", unknown),
            ("energy_now", "1"),
            ("energy_full", "4"),
        ];
        check_battery(&known, "chargePercentage", "25.000");
    }
}

#[test]
fn a_new_battery_holds_more_than_its_design() {
    let new = [
        ("energy_full_design", "50000000"),
        ("energy_full", "52000000"),
    ];
    check_battery(&new, "health", "100.000");
    check_battery(&new, "capacity", "52.000");
    check_battery(&new, "design", "50.000");
}
