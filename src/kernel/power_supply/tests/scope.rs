//! Batteries of devices, and supplies of all types.

use super::*;

/// A mouse at a receiver of Logitech, which knows the level of its charge alone.
const MOUSE: [(&str, &str); 6] = [
    ("scope", "Device"),
    ("online", "1"),
    ("status", "Discharging"),
    ("capacity_level", "Normal"),
    ("model_name", "Wireless Mouse M325"),
    ("serial_number", "400a-9b-3c-1d-2e"),
];

#[test]
fn a_mouse_that_knows_its_level_alone() {
    let tree = Tree::new();
    battery(&tree, "hidpp_battery_0", &MOUSE);
    check(
        &shown(&tree.roots()),
        "400a-9b-3c-1d-2e",
        &[
            ("name", "Wireless Mouse M325"),
            ("scope", "Device"),
            ("status", "Discharging"),
            ("capacityLevel", "Normal"),
        ],
    );
}

#[test]
fn a_mouse_that_is_off() {
    let tree = Tree::new();
    let numbers = [("capacity", "55"), ("voltage_now", "3900000")];
    let directory = battery(&tree, "hidpp_battery_0", &[&MOUSE[..], &numbers].concat());
    tree.write(&format!("{directory}/online"), "0\n");
    tree.write(&format!("{directory}/status"), "Unknown\n");
    check(
        &shown(&tree.roots()),
        "400a-9b-3c-1d-2e",
        &[
            ("name", "Wireless Mouse M325"),
            ("scope", "Device"),
            ("status", "Unknown"),
            ("capacityLevel", "stale"),
            ("chargePercentage", "stale"),
            ("voltage", "stale"),
        ],
    );
}

/// `online` of charger-manager says whether the laptop has external power.
#[test]
fn a_battery_of_the_machine_that_is_offline() {
    let discharging = [
        ("online", "0"),
        ("status", "Discharging"),
        ("capacity", "55"),
    ];
    check_battery(&discharging, "chargePercentage", "55.000");
}

#[test]
fn a_battery_without_a_scope() {
    let scope = |bus: &str, scope: Option<&str>, expected: &str| {
        let tree = Tree::new();
        let attributes: Vec<_> = scope.map(|scope| ("scope", scope)).into_iter().collect();
        let directory = battery(&tree, "BAT", &attributes);
        tree.link(&format!("{directory}/device"), "devices/parent");
        tree.link("devices/parent/subsystem", &format!("bus/{bus}"));
        assert_eq!(shown(&tree.roots())["power/battery_BAT/scope"], expected);
    };
    scope("acpi", None, "System");
    scope("acpi", Some("Unknown"), "System");
    scope("i2c", Some("Device"), "Device");
    scope("hid", None, "Device");
    scope("hid", Some("Unknown"), "Device");
    scope("hid", Some("System"), "System");
}

#[test]
fn supplies_of_all_types() {
    let is_battery = |kind: &str, file: &str| {
        let tree = Tree::new();
        supply(&tree, "X", kind, &[(file, "1")]);
        let shown = shown(&tree.roots());
        let is_battery = shown.contains_key("power/battery_X/scope");
        assert_eq!(
            is_battery,
            !shown.contains_key("power/X/online"),
            "{kind} {file}"
        );
        is_battery
    };
    for battery in ["Battery", "UPS", "BMS"] {
        assert!(is_battery(battery, "capacity"), "{battery}");
    }
    for adapter in [
        "Mains",
        "USB",
        "USB_PD",
        "USB_HVDCP",
        "Wireless",
        "BrickID",
        "Wipower",
        "Unknown",
    ] {
        assert!(!is_battery(adapter, "online"), "{adapter}");
    }
    assert!(is_battery("Unknown", "charge_now"));
    assert!(is_battery("Unknown", "voltage_now"));
}
