//! Values: which files are read, and what counts as a value.

use super::*;

/// The readings of a chip by property: a number, or the fault's code.
fn shown(tree: &Tree, chip: &str) -> BTreeMap<String, String> {
    let prefix = format!("lmsensors/{chip}/");
    let readings = readings(vec![family(&tree.roots())]).into_iter();
    let shown = readings.filter_map(|(id, reading)| {
        let property = id.strip_prefix(&prefix)?.to_owned();
        Some(match reading {
            Ok(Value::Number(number)) => (property, number.to_string()),
            Ok(Value::Text(text)) => (property, text.to_string()),
            Err(fault) => (property, fault.code().to_owned()),
        })
    });
    shown.collect()
}

/// A chip on the PCI bus with these files.
fn card(tree: &Tree, files: &[(&str, &str)]) -> String {
    let chip = chip(tree, 0, "pci0000:00/0000:03:00.0", "pci", "amdgpu");
    for (file, text) in files {
        tree.write(&format!("{chip}/{file}"), &format!("{text}\n"));
    }
    chip
}

#[track_caller]
fn check(tree: &Tree, expected: &[(&str, &str)]) {
    let expected = expected.iter();
    let expected = expected.map(|(property, shown)| ((*property).to_owned(), (*shown).to_owned()));
    assert_eq!(shown(tree, "amdgpu-pci-0300"), expected.collect());
}

#[test]
fn averages_frequencies_and_duty_cycles() {
    let tree = Tree::new();
    card(
        &tree,
        &[
            ("power1_average", "5000000"),
            ("in0_average", "900"),
            ("curr1_average", "1500"),
            ("power2_input", "7000000"),
            ("power2_average", "6000000"),
            ("freq1_input", "2100000000"),
            ("freq1_label", "sclk"),
            ("pwm1", "51"),
            ("pwm1_enable", "2"),
            ("pwm1_max", "255"),
            ("fan1_input", "0"),
        ],
    );
    check(
        &tree,
        &[
            ("power1", "5"),
            ("in0", "0.9"),
            ("curr1", "1.5"),
            ("power2", "7"),
            ("freq1", "2100"),
            ("pwm1", "20"),
            ("fan1", "0"),
        ],
    );
    let metrics = metrics(&tree.roots());
    let metric = |property: &str| &metrics[&format!("lmsensors/amdgpu-pci-0300/{property}")];
    assert_eq!(
        (&*metric("freq1").name, &*metric("freq1").unit),
        ("Sclk", "MHz")
    );
    let pwm = metric("pwm1");
    assert_eq!((&*pwm.name, &*pwm.unit), ("Fan control 1", "%"));
    assert_eq!((pwm.minimum, pwm.maximum), (Some(0.0), Some(100.0)));
}

#[test]
fn an_average_stands_in_for_an_input_that_fails() {
    let tree = Tree::new();
    let chip = card(
        &tree,
        &[("power1_average", "5000000"), ("temp1_input", "40000")],
    );
    // A directory fails with EISDIR, as a driver fails with EOPNOTSUPP.
    std::fs::create_dir(tree.root.join(&chip).join("power1_input")).unwrap();
    std::fs::create_dir(tree.root.join(&chip).join("temp2_input")).unwrap();
    check(
        &tree,
        &[("power1", "5"), ("temp1", "40"), ("temp2", "malformed")],
    );
}

#[test]
fn registers_that_say_nothing_are_no_values() {
    let tree = Tree::new();
    card(
        &tree,
        &[
            ("temp1_input", "511000"),
            ("temp2_input", "127875"),
            ("temp3_input", "-128000"),
            ("temp4_input", "0"),
            ("energy1_input", "0"),
            ("humidity1_input", "101000"),
        ],
    );
    check(
        &tree,
        &[
            ("temp1", "malformed"),
            ("temp2", "malformed"),
            ("temp3", "malformed"),
            ("temp4", "0"),
            ("energy1", "stale"),
            ("humidity1", "100"),
        ],
    );
}

#[test]
fn zones_without_a_measurement_have_no_value() {
    let tree = Tree::new();
    let zones = [
        ("INT3400 Thermal", "20000", "enabled"),
        ("TSKN", "0", "enabled"),
        ("SEN1", "41000", "disabled"),
        ("acpitz", "-273200", "enabled"),
        ("soc-thermal", "45000", "enabled"),
    ];
    for (number, (kind, temp, mode)) in zones.iter().enumerate() {
        let zone = format!("class/thermal/thermal_zone{number}");
        for (file, text) in [("type", kind), ("temp", temp), ("mode", mode)] {
            tree.write(&format!("{zone}/{file}"), &format!("{text}\n"));
        }
    }
    let readings = readings(vec![family(&tree.roots())]);
    let reading = |id: &str| readings.get(&format!("lmsensors/{id}-virtual-0/temp1"));
    assert_eq!(reading("INT3400 Thermal"), None);
    assert_eq!(readings.len(), 4);
    assert_eq!(reading("TSKN"), Some(&Err(Fault::Stale)));
    assert_eq!(reading("SEN1"), Some(&Err(Fault::Stale)));
    assert_eq!(reading("acpitz"), Some(&Err(Fault::Malformed)));
    assert_eq!(reading("soc_thermal"), Some(&Ok(Value::Number(45.0))));
}

#[test]
fn a_drive_without_io_is_asked_once() {
    let tree = Tree::new();
    let disk = "pci0000:00/ata1/host0/target0:0:0/0:0:0:0";
    let chip = chip(&tree, 0, disk, "scsi", "drivetemp");
    tree.write(&format!("{chip}/temp1_input"), "35000\n");
    tree.write(&format!("{chip}/temp1_crit"), "60000\n");
    let stat = format!("devices/{disk}/block/sda/stat");
    tree.write(&stat, "10 0 80 5 0 0 0 0 0 5 5\n");
    let mut sensor = one(new_members(&mut family(&tree.roots())));
    let metric = discover(sensor.as_mut()).unwrap().remove(0);
    assert_eq!(
        (&*metric.id, metric.limits.critical),
        ("lmsensors/drivetemp-scsi-0-0/temp1", Some(60.0))
    );
    assert_eq!(read(sensor.as_mut()), [Raw::Number(35.0)]);
    assert_eq!(read(sensor.as_mut()), [Raw::Fault(Fault::Asleep)]);
    tree.write(&stat, "11 0 88 5 0 0 0 0 0 5 5\n");
    assert_eq!(read(sensor.as_mut()), [Raw::Number(35.0)]);
    assert_eq!(read(sensor.as_mut()), [Raw::Fault(Fault::Asleep)]);
}
