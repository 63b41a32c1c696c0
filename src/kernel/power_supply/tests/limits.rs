//! Scales and limits.

use super::*;
use crate::metric::Limits;

/// The limits and the maximum of a property of a battery with these attributes.
fn range(attributes: &[(&str, &str)], property: &str) -> (Limits, Option<f64>) {
    let tree = Tree::new();
    battery(&tree, "BAT", attributes);
    let mut family = family(&tree.roots(), &Pool::new());
    let members = new_members(&mut family).into_iter();
    let mut metrics = members.flat_map(|mut member| discover(member.as_mut()).unwrap());
    let id = format!("power/battery_BAT/{property}");
    let metric = metrics.find(|metric| *metric.id == *id).unwrap();
    (metric.limits, metric.maximum)
}

#[test]
fn alarms_of_a_battery_are_limits() {
    let energy = [
        ("energy_now", "20000000"),
        ("energy_full", "40000000"),
        ("alarm", "2000000"),
    ];
    let limits = Limits::lower(Some(2.0), None);
    assert_eq!(range(&energy, "charge"), (limits, Some(40.0)));
    let charge = [
        ("charge_now", "2000000"),
        ("charge_full", "4000000"),
        ("voltage_min_design", "10000000"),
        ("alarm", "0"),
    ];
    assert_eq!(range(&charge, "charge"), (Limits::default(), Some(40.0)));
    let share = [("capacity", "50"), ("capacity_alert_min", "10")];
    let limits = Limits::lower(Some(10.0), None);
    assert_eq!(range(&share, "chargePercentage"), (limits, Some(100.0)));
    let warm = [("temp", "300"), ("temp_alert_max", "600")];
    let limits = Limits::upper(Some(60.0), None);
    assert_eq!(range(&warm, "temperature"), (limits, None));
    let unset = [("temp", "300"), ("temp_alert_max", "-1270")];
    assert_eq!(range(&unset, "temperature"), (Limits::default(), None));
}
