//! Scales and limits.

use super::*;

#[test]
fn a_scale_is_no_limit_and_a_fan_must_not_be_too_slow() {
    let tree = Tree::new();
    let chip = chip(&tree, 0, "platform/nct6775.656", "platform", "nct6798");
    for (file, text) in [
        ("fan1_input", "1200"),
        ("fan1_min", "300"),
        ("fan1_max", "2500"),
        ("power1_input", "90000000"),
        ("power1_rated_max", "200000000"),
        ("power1_max", "160000000"),
        ("power1_crit", "180000000"),
        ("temp1_input", "40000"),
        ("temp1_max", "90000"),
        ("temp1_crit", "80000"),
        ("temp1_label", "soc\u{1b}[31m \n"),
        ("temp1_crit_alarm", "0"),
    ] {
        tree.write(&format!("{chip}/{file}"), &format!("{text}\n"));
    }
    tree.write(&format!("{chip}/label"), "Main board\n");
    let metrics = metrics(&tree.roots());
    let check = |property: &str, name: &str, maximum, limits| {
        let metric = &metrics[&format!("lmsensors/nct6798-isa-0290/{property}")];
        assert_eq!(&*metric.object.title, "Main board");
        let found = (&*metric.name, metric.maximum, metric.limits);
        assert_eq!(found, (name, maximum, limits));
    };
    let slow = Limits::lower(Some(300.0), None);
    assert!(slow.are_lower);
    check("fan1", "Fan 1", Some(2500.0), slow);
    let limits = Limits::upper(Some(160.0), Some(180.0));
    check("power1", "Power 1", Some(200.0), limits);
    // A warning that is above the critical value is left out.
    let limits = Limits::upper(None, Some(80.0));
    check("temp1", "Soc [31m", None, limits);
    let alarm = "Soc [31m critical alarm";
    check("temp1_crit_alarm", alarm, Some(1.0), Limits::default());
}

#[test]
fn trip_points_of_a_zone_are_limits() {
    let tree = Tree::new();
    let zone = "class/thermal/thermal_zone0";
    for (file, text) in [
        ("type", "soc-thermal"),
        ("temp", "45000"),
        ("trip_point_0_type", "active"),
        ("trip_point_0_temp", "50000"),
        ("trip_point_1_type", "passive"),
        ("trip_point_1_temp", "85000"),
        ("trip_point_2_type", "passive"),
        ("trip_point_2_temp", "75000"),
        ("trip_point_3_type", "hot"),
        ("trip_point_3_temp", "-274000"),
        ("trip_point_4_type", "critical"),
        ("trip_point_4_temp", "95000"),
    ] {
        tree.write(&format!("{zone}/{file}"), &format!("{text}\n"));
    }
    let metric = &metrics(&tree.roots())["lmsensors/soc_thermal-virtual-0/temp1"];
    assert_eq!(metric.limits, Limits::upper(Some(75.0), Some(95.0)));
    assert_eq!(
        (metric.maximum, &*metric.object.title),
        (None, "soc-thermal")
    );
    tree.write(&format!("{zone}/trip_point_3_temp"), "90000\n");
    let metric = &metrics(&tree.roots())["lmsensors/soc_thermal-virtual-0/temp1"];
    assert_eq!(metric.limits.warning, Some(90.0));
}
