//! Supplies whose chip is suspended.

use super::*;

/// The chip of bq24190 suspends 0.6 s after each reading.
#[test]
fn a_supply_is_read_although_its_chip_is_suspended() {
    let tree = Tree::new();
    let adapter = [("online", "1"), ("voltage_now", "5000000")];
    for directory in [
        battery(&tree, "bq24190-battery", &[("capacity", "42")]),
        supply(&tree, "bq24190-charger", "USB", &adapter),
    ] {
        let chip = format!("devices/{directory}");
        tree.write(&format!("{chip}/power/runtime_status"), "suspended\n");
        tree.write(&format!("{chip}/power/control"), "auto\n");
        tree.write(&format!("{chip}/power/autosuspend_delay_ms"), "600\n");
        tree.link(&format!("{directory}/device"), &chip);
    }
    let shown = shown(&tree.roots());
    for (id, expected) in [
        ("battery_bq24190-battery/chargePercentage", "42.000"),
        ("bq24190-charger/online", "1.000"),
        ("bq24190-charger/voltage", "5.000"),
    ] {
        assert_eq!(shown[&format!("power/{id}")], expected, "{id}");
    }
}
