//! The ids of chips and zones that come and go.

use crate::source::Presence;

use super::*;

#[test]
fn two_chips_of_one_name_are_distinguished() {
    let tree = Tree::new();
    for (number, device) in [(0, "b/INT3400:00"), (1, "a/INT3403:00")] {
        let chip = chip(&tree, number, device, "acpi", "INT340");
        tree.write(&format!("{chip}/temp1_input"), &format!("{number}000\n"));
    }
    let readings = readings(vec![family(&tree.roots())]);
    let number = |id: &str| match &readings[id] {
        Ok(Value::Number(number)) => *number,
        other => panic!("{other:?}"),
    };
    assert_eq!(number("lmsensors/INT340-acpi-0/temp1"), 1.0);
    assert_eq!(number("lmsensors/INT340-acpi-0@INT3400:00/temp1"), 0.0);
}

#[test]
fn the_second_chip_of_a_name_keeps_its_own_name() {
    let tree = Tree::new();
    let mut family = family(&tree.roots());
    for (number, device) in [(0, "a/INT3403:00"), (1, "b/INT3400:00")] {
        let chip = chip(&tree, number, device, "acpi", "INT340");
        tree.write(&format!("{chip}/temp1_input"), "1000\n");
    }
    let members = family.members().unwrap();
    std::fs::remove_file(tree.roots().sys.join("class/hwmon/hwmon0")).unwrap();
    assert!(family.members().unwrap().is_empty());
    let over: Vec<_> = members
        .iter()
        .map(|member| member.presence.is_gone())
        .collect();
    assert_eq!(over, [true, false]);
}

/// The values of all zones and chips, by id.
fn values(
    family: &mut Provider,
    sensors: &mut Vec<(String, Presence, Box<dyn Source>)>,
) -> Vec<String> {
    for member in family.members().unwrap() {
        let presence = member.presence.clone();
        let mut sensor = members::source(member);
        let id = discover(sensor.as_mut()).unwrap()[0].id.to_string();
        sensors.push((id, presence, sensor));
    }
    sensors.retain(|(_, presence, _)| !presence.is_gone());
    sensors.sort_by(|(one, ..), (other, ..)| one.cmp(other));
    let values = sensors
        .iter_mut()
        .map(|(id, _, sensor)| format!("{id} {}", number_of(&read(sensor.as_mut())[0])));
    values.collect()
}

#[test]
fn zones_that_are_registered_in_another_order_keep_their_ids() {
    let tree = Tree::new();
    let zones = tree.root.join("class/thermal");
    let zone = |number: u32, kind: &str, degrees: u32| {
        tree.write(
            &format!("class/thermal/thermal_zone{number}/type"),
            &format!("{kind}\n"),
        );
        tree.write(
            &format!("class/thermal/thermal_zone{number}/temp"),
            &format!("{degrees}000\n"),
        );
    };
    zone(0, "SEN1", 41);
    zone(1, "TSKN", 52);
    let (mut family, mut sensors) = (family(&tree.roots()), Vec::new());
    let expected = [
        "lmsensors/SEN1-virtual-0/temp1 41",
        "lmsensors/TSKN-virtual-0/temp1 52",
    ];
    assert_eq!(values(&mut family, &mut sensors), expected);
    for (from, to) in [
        ("thermal_zone0", "x"),
        ("thermal_zone1", "thermal_zone0"),
        ("x", "thermal_zone1"),
    ] {
        std::fs::rename(zones.join(from), zones.join(to)).unwrap();
    }
    assert_eq!(values(&mut family, &mut sensors), expected);
    // Both again, made anew.
    std::fs::remove_dir_all(&zones).unwrap();
    zone(2, "TSKN", 53);
    zone(5, "SEN1", 42);
    let expected = [
        "lmsensors/SEN1-virtual-0/temp1 42",
        "lmsensors/TSKN-virtual-0/temp1 53",
    ];
    assert_eq!(values(&mut family, &mut sensors), expected);
}

#[test]
fn a_chip_that_comes_back_as_another_phy_keeps_its_id() {
    let tree = Tree::new();
    let phy = |number: u32, degrees: u32| {
        let device = format!("pci0000:00/0000:02:00.0/ieee80211/phy{number}");
        let chip = chip(&tree, number, &device, "ieee80211", "iwlwifi_1");
        tree.write(&format!("{chip}/temp1_input"), &format!("{degrees}000\n"));
        tree.root.join("devices").join(device)
    };
    let first = phy(0, 40);
    let (mut family, mut sensors) = (family(&tree.roots()), Vec::new());
    assert_eq!(
        values(&mut family, &mut sensors),
        ["lmsensors/iwlwifi_1-virtual-0/temp1 40"]
    );
    std::fs::remove_dir_all(first).unwrap();
    std::fs::remove_file(tree.root.join("class/hwmon/hwmon0")).unwrap();
    phy(1, 41);
    assert_eq!(
        values(&mut family, &mut sensors),
        ["lmsensors/iwlwifi_1-virtual-0/temp1 41"]
    );
}
