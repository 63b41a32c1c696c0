mod identity;
mod limits;
mod suspend;
mod values;

use std::{collections::BTreeMap, os::unix::fs::symlink};

use crate::{
    metric::{Limits, Metric},
    reading::{Fault, Raw, Value},
    source::{
        Roots, Source,
        pool::Pool,
        tests::{
            Tree, discover,
            members::{self, new_members, readings},
            number_of, read, roots,
        },
    },
};

use super::*;

fn family(roots: &Roots) -> Provider {
    super::family(roots, &Pool::new(), PowerStates::default())
}

fn metrics(roots: &Roots) -> BTreeMap<String, Metric> {
    let members = new_members(&mut family(roots));
    let metrics = members
        .into_iter()
        .flat_map(|mut member| discover(member.as_mut()).unwrap());
    metrics
        .map(|metric| (metric.id.to_string(), metric))
        .collect()
}

#[test]
fn a_laptop_has_the_chips_that_libsensors_shows() {
    let readings = readings(vec![family(&roots("laptop"))]);
    let shown: Vec<_> = readings
        .iter()
        .map(|(id, reading)| match reading {
            Ok(Value::Number(number)) => format!("{id} {number}"),
            Ok(Value::Text(_)) => panic!("{id} is a text"),
            Err(fault) => format!("{id} {fault}"),
        })
        .collect();
    assert_eq!(
        shown,
        [
            "lmsensors/BAT0-acpi-0/in0 12.1",
            "lmsensors/BAT0-acpi-0/power1 9.68",
            "lmsensors/acpitz-virtual-0/temp1 48",
            "lmsensors/coretemp-isa-0000/temp1 53",
            "lmsensors/coretemp-isa-0000/temp1_crit_alarm 0",
            "lmsensors/coretemp-isa-0000/temp2 52",
            "lmsensors/coretemp-isa-0000/temp2_crit_alarm 0",
            "lmsensors/coretemp-isa-0000/temp3 50",
            "lmsensors/coretemp-isa-0000/temp3_crit_alarm 0",
            "lmsensors/jc42-i2c-0-18/temp1 38.25",
            "lmsensors/jc42-i2c-0-18/temp1_max_alarm 1",
            "lmsensors/jc42-i2c-0-1a/temp1 38.25",
            "lmsensors/jc42-i2c-0-1a/temp1_max_alarm 1",
            "lmsensors/nvme-pci-0300/temp1 36.85",
            "lmsensors/nvme-pci-0300/temp1_alarm 0",
            "lmsensors/nvme-pci-0300/temp2 36.85",
            // 65261.85 degrees.
            "lmsensors/nvme-pci-0300/temp3 malformed",
            "lmsensors/thinkpad-isa-0000/fan1 2688",
            "lmsensors/thinkpad-isa-0000/temp1 52",
        ]
    );
}

#[test]
fn plausible_labels_and_limits_of_the_driver_are_used() {
    let metrics = metrics(&roots("laptop"));
    let check = |id: &str, name: &str, scale, limits| {
        let metric = &metrics[&format!("lmsensors/{id}")];
        let found = ((metric.minimum, metric.maximum), metric.limits);
        assert_eq!((&*metric.name, found), (name, (scale, limits)));
    };
    let (no_scale, none) = ((None, None), Limits::default());
    let limits = Limits::upper(Some(81.85), Some(84.85));
    check("nvme-pci-0300/temp1", "Composite", no_scale, limits);
    // Its limits are -273.15 and 65261.85 degrees.
    check("nvme-pci-0300/temp2", "Sensor 1", no_scale, none);
    let flag = (Some(0.0), Some(1.0));
    check("nvme-pci-0300/temp1_alarm", "Composite alarm", flag, none);
    let from_zero = (Some(0.0), None);
    check("thinkpad-isa-0000/fan1", "Fan 1", from_zero, none);
    check("BAT0-acpi-0/in0", "Voltage 0", no_scale, none);
    let limits = Limits::upper(None, Some(85.0));
    check("jc42-i2c-0-18/temp1", "Temperature 1", no_scale, limits);
    let limits = Limits::upper(Some(100.0), Some(100.0));
    check("coretemp-isa-0000/temp2", "Core 0", no_scale, limits);
    // 128 degrees.
    check("acpitz-virtual-0/temp1", "Temperature 1", no_scale, none);
}

#[test]
fn a_raspberry_has_a_zone_without_a_chip() {
    let raspberry = roots("raspberry");
    let mut readings = readings(vec![family(&raspberry)]);
    readings.retain(|id, _| !id.contains("-i2c-"));
    let zone = "lmsensors/cpu_thermal-virtual-0/temp1";
    let alarm = "lmsensors/rpi_volt-isa-0000/in0_lcrit_alarm";
    assert_eq!(readings.keys().collect::<Vec<_>>(), [zone, alarm]);
    assert_eq!(readings[zone], Ok(Value::Number(45.277)));
    assert_eq!(metrics(&raspberry)[zone].limits.critical, Some(110.0));
}

/// Adds a chip in the directory of a device. Returns the directory of the chip.
fn chip(tree: &Tree, number: u32, device: &str, bus: &str, name: &str) -> String {
    let directory = format!("devices/{device}/hwmon/hwmon{number}");
    tree.write(&format!("{directory}/name"), &format!("{name}\n"));
    let root = tree.roots().sys;
    std::fs::create_dir_all(root.join("class/hwmon")).unwrap();
    let link = root.join(format!("class/hwmon/hwmon{number}"));
    symlink(root.join(&directory), link).unwrap();
    symlink(
        root.join("devices").join(device),
        root.join(&directory).join("device"),
    )
    .unwrap();
    let subsystem = root.join("devices").join(device).join("subsystem");
    let _ = symlink(root.join("bus").join(bus), subsystem);
    directory
}

fn one(members: Vec<Box<dyn Source>>) -> Box<dyn Source> {
    let [member] = <[_; 1]>::try_from(members)
        .map_err(|members| members.len())
        .unwrap();
    member
}

#[test]
fn one_metric_costs_one_file() {
    let tree = Tree::new();
    let chip = chip(&tree, 0, "platform/nct6775.656", "platform", "nct6775");
    for number in 0..15 {
        tree.write(&format!("{chip}/in{number}_input"), "1000\n");
        tree.write(&format!("{chip}/in{number}_alarm"), "0\n");
    }
    let mut members = new_members(&mut family(&tree.roots()));
    assert_eq!(members.len(), 30);
    let wanted = "lmsensors/nct6775-isa-0290/in7";
    let is_meant = |member: &&mut Box<dyn Source>| member.may_have(&|id| id == wanted);
    let sensor = members.iter_mut().find(is_meant).unwrap();
    assert_eq!(tree.descriptors(), 0);
    assert_eq!(read(sensor.as_mut()), [Raw::Number(1.0)]);
    assert_eq!(tree.descriptors(), 1);
}

#[test]
fn a_chip_that_comes_back_is_read_in_its_new_directory() {
    let tree = Tree::new();
    let card = "pci0000:00/0000:03:00.0";
    let first = chip(&tree, 3, card, "pci", "k10temp");
    tree.write(&format!("{first}/temp1_input"), "40000\n");
    let mut family = family(&tree.roots());
    let mut found = family.members().unwrap();
    let member = found.remove(0);
    let presence = member.presence.clone();
    let mut sensor = members::source(member);
    assert!(found.is_empty());
    assert_eq!(read(sensor.as_mut()), [Raw::Number(40.0)]);
    let unplug = |directory: &str, link: &str| {
        std::fs::remove_dir_all(tree.roots().sys.join(directory)).unwrap();
        std::fs::remove_file(tree.roots().sys.join("class/hwmon").join(link)).unwrap();
    };
    unplug(&first, "hwmon3");
    // The driver was loaded again: the chip has another number, and the family has not probed since.
    let second = chip(&tree, 5, card, "pci", "k10temp");
    tree.write(&format!("{second}/temp1_input"), "40500\n");
    let member = family.members().unwrap().remove(0);
    assert!(presence.is_gone());
    assert!(discover(sensor.as_mut()).unwrap().is_empty());
    let presence = member.presence.clone();
    let mut sensor = members::source(member);
    assert_eq!(
        &*discover(sensor.as_mut()).unwrap()[0].id,
        "lmsensors/k10temp-pci-0300/temp1"
    );
    assert_eq!(read(sensor.as_mut()), [Raw::Number(40.5)]);
    unplug(&second, "hwmon5");
    assert!(family.members().unwrap().is_empty());
    assert!(presence.is_gone());
    // The old number belongs to another chip now.
    let other = chip(&tree, 3, "platform/coretemp.0", "platform", "coretemp");
    tree.write(&format!("{other}/temp1_input"), "99000\n");
    let again = chip(&tree, 7, card, "pci", "k10temp");
    tree.write(&format!("{again}/temp1_input"), "41000\n");
    let mut both = new_members(&mut family);
    let ids = both
        .iter_mut()
        .map(|member| discover(member.as_mut()).unwrap()[0].id.to_string());
    let mut ids: Vec<_> = ids.collect();
    ids.sort();
    let expected = ["coretemp-isa-0000", "k10temp-pci-0300"];
    assert_eq!(ids, expected.map(|chip| format!("lmsensors/{chip}/temp1")));
    let values = both.iter_mut().flat_map(|member| read(member.as_mut()));
    assert!(values.collect::<Vec<_>>().contains(&Raw::Number(41.0)));
}

#[test]
fn a_sensor_with_a_fault_has_no_value() {
    let tree = Tree::new();
    let chip = chip(&tree, 0, "platform/w83627hf.656", "platform", "w83627hf");
    tree.write(&format!("{chip}/fan1_input"), "0\n");
    tree.write(&format!("{chip}/fan1_fault"), "1\n");
    tree.write(&format!("{chip}/power1_average"), "5000000\n");
    let mut members = new_members(&mut family(&tree.roots()));
    assert_eq!(read(members[0].as_mut()), [Raw::Fault(Fault::Gone)]);
    assert_eq!(number_of(&read(members[1].as_mut())[0]), 5.0);
    tree.write(&format!("{chip}/fan1_fault"), "0\n");
    assert_eq!(read(members[0].as_mut()), [Raw::Number(0.0)]);
}
