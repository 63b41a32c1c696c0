//! Numbers by which a driver says that it does not know the value.

use super::*;

#[test]
fn energies_that_are_not_known() {
    let full = [
        ("status", "Discharging"),
        ("energy_now", "5000000"),
        ("power_now", "0"),
    ];
    check_battery(&full, "timeToEmpty", "stale");
    check_battery(&full, "chargePercentage", "gone");
    check_battery(&full, "health", "none");
    check_battery(&[("energy_full", "0")], "capacity", "stale");
    check_battery(&[("charge_full_design", "0")], "design", "stale");
    let health = |design, full, expected| {
        let attributes = [("energy_full_design", design), ("energy_full", full)];
        check_battery(&attributes, "health", expected);
    };
    health("0", "5", "stale");
    health("5", "0", "stale");
    health("5", "6", "100.000");
    check_battery(&[("charge_now", "1000000")], "charge", "stale");
    let empty = [("energy_now", "0"), ("energy_full", "20000000")];
    check_battery(&empty, "charge", "0.000");
    check_battery(&empty, "chargePercentage", "0.000");
    check_battery(&[empty[0], ("energy_full", "0")], "charge", "stale");
    check_battery(&[empty[0]], "charge", "stale");
    check_battery(
        &[empty[0], ("energy_full", "0")],
        "chargePercentage",
        "stale",
    );
    check_battery(&[("energy_now", "-1"), empty[1]], "charge", "malformed");
}

#[test]
fn the_charge_of_a_device_that_was_not_asked() {
    check_battery(&[("capacity", "255")], "chargePercentage", "malformed");
    check_battery(&[("capacity", "85")], "chargePercentage", "85.000");
    let unknown = [("status", "Unknown"), ("capacity", "0")];
    check_battery(&unknown, "chargePercentage", "stale");
    let known = [("energy_now", "0"), ("energy_full", "20000000")];
    check_battery(
        &[&unknown[..], &known].concat(),
        "chargePercentage",
        "0.000",
    );
    let empty = [("status", "Discharging"), ("capacity", "0")];
    check_battery(&empty, "chargePercentage", "0.000");
}

#[test]
fn power_that_is_not_known() {
    let rate = |attributes: &[_], expected| check_battery(attributes, "chargeRate", expected);
    rate(&[("status", "Discharging"), ("power_now", "0")], "stale");
    rate(&[("status", "Charging"), ("power_now", "0")], "stale");
    rate(&[("status", "Not charging"), ("power_now", "0")], "0.000");
    let current = [("current_now", "-1000000"), ("voltage_now", "8000000")];
    let both = [("status", "Discharging"), ("power_now", "0")];
    rate(&[both, current].concat(), "-8.000");
    let no_current = [("current_now", "0"), current[1]];
    rate(&[both, no_current].concat(), "stale");
    let no_voltage = [current[0], ("voltage_now", "0")];
    rate(&[both, no_voltage].concat(), "stale");
    check_battery(&no_voltage, "voltage", "stale");
    check_battery(
        &[("voltage_now", "0"), ("voltage_avg", "7000000")],
        "voltage",
        "7.000",
    );
}

#[test]
fn temperatures_and_cycles() {
    check_battery(&[("temp", "-53")], "temperature", "-5.300");
    check_battery(&[("temp", "-2731")], "temperature", "stale");
    check_battery(&[("temp", "65535")], "temperature", "malformed");
    check_battery(&[("cycle_count", "-1")], "cycles", "stale");
    check_battery(&[("cycle_count", "0")], "cycles", "stale");
    check_battery(&[("cycle_count", "1")], "cycles", "1.000");
}

#[test]
fn times_that_are_not_known() {
    let average = |seconds, expected| {
        let attributes = [("status", "Discharging"), ("time_to_empty_avg", seconds)];
        check_battery(&attributes, "timeToEmpty", expected);
    };
    average("3000", "3000.000");
    for unknown in ["0", "-1", "65535", "368634", "3932100", "2147483647"] {
        average(unknown, "stale");
    }
    let full = [
        ("status", "Charging"),
        ("time_to_full_now", "0"),
        ("charge_now", "500000"),
        ("charge_full", "1000000"),
        ("current_now", "250000"),
    ];
    check_battery(&full, "timeToFull", "7200.000");
}

#[test]
fn an_empty_bay_is_no_battery() {
    for zeros in [
        vec![],
        vec![
            ("status", "Unknown"),
            ("serial_number", "0"),
            ("energy_now", "0"),
            ("energy_full", "0"),
            ("energy_full_design", "0"),
            ("voltage_now", "0"),
            ("power_now", "0"),
            ("capacity", "0"),
            ("cycle_count", "0"),
        ],
    ] {
        let tree = Tree::new();
        battery(&tree, "BAT1", &[&[("present", "0")][..], &zeros].concat());
        battery(&tree, "BAT0", &[("present", "1"), ("capacity", "50")]);
        supply(&tree, "AC", "Mains", &[("present", "0"), ("online", "0")]);
        let shown = shown(&tree.roots());
        assert!(!shown.keys().any(|id| id.contains("BAT1")), "{shown:?}");
        assert_eq!(shown["power/battery_BAT0/chargePercentage"], "50.000");
        assert_eq!(shown["power/AC/online"], "0.000");
    }
}

#[test]
fn a_battery_that_is_taken_out_of_its_bay() {
    let tree = Tree::new();
    let attributes = [("present", "1"), ("serial_number", "7"), ("capacity", "50")];
    let directory = battery(&tree, "BAT0", &attributes);
    let mut family = families(&tree.roots()).remove(0);
    let member = family.members().unwrap().remove(0);
    let presence = member.presence.clone();
    let mut battery = source(member);
    discover(battery.as_mut()).unwrap();
    assert!(read(battery.as_mut()).contains(&Raw::Number(50.0)));
    tree.write(&format!("{directory}/present"), "0\n");
    tree.write(&format!("{directory}/capacity"), "0\n");
    let is_gone = |column: &Raw| *column == Raw::Fault(Fault::Gone);
    assert!(read(battery.as_mut()).iter().all(is_gone));
    // It is put in again, and no uevent tells.
    tree.write(&format!("{directory}/present"), "1\n");
    tree.write(&format!("{directory}/capacity"), "49\n");
    assert!(read(battery.as_mut()).contains(&Raw::Number(49.0)));
    tree.write(&format!("{directory}/present"), "0\n");
    assert!(family.members().unwrap().is_empty() && presence.is_gone());
    assert!(discover(battery.as_mut()).unwrap().is_empty());
    tree.write(&format!("{directory}/present"), "1\n");
    assert_eq!(family.members().unwrap().len(), 1);
}

#[test]
fn a_battery_that_is_put_into_an_empty_bay_is_another() {
    let tree = Tree::new();
    let attributes = [("present", "1"), ("serial_number", "7"), ("capacity", "50")];
    let directory = battery(&tree, "BAT0", &attributes);
    let mut family = families(&tree.roots()).remove(0);
    let mut battery = source(family.members().unwrap().remove(0));
    discover(battery.as_mut()).unwrap();
    let is_gone = |column: &Raw| *column == Raw::Fault(Fault::Gone);
    for (file, text, is_lost) in [
        ("present", "0\n", false),
        ("serial_number", "0\n", false),
        ("serial_number", "8\n", false),
        ("present", "1\n", true),
    ] {
        tree.write(&format!("{directory}/{file}"), text);
        assert!(read(battery.as_mut()).iter().all(is_gone));
        assert_eq!(family.changed(), is_lost);
    }
}

#[test]
fn the_voltage_of_an_adapter() {
    let voltage = |online, expected: &str| {
        let tree = Tree::new();
        supply(
            &tree,
            "AC",
            "USB",
            &[("online", online), ("voltage_now", "0")],
        );
        assert_eq!(shown(&tree.roots())["power/AC/voltage"], expected);
    };
    voltage("1", "stale");
    voltage("0", "0.000");
}
