use crate::{
    kernel::{gpu, lmsensors},
    reading::Reading,
};

use super::*;

#[test]
fn a_suspended_device_is_not_read() {
    let tree = Tree::new();
    let card = "pci0000:00/0000:03:00.0";
    let chip = chip(&tree, 0, card, "pci", "amdgpu");
    let status = format!("devices/{card}/power/runtime_status");
    tree.write(&status, "suspended\n");
    tree.write(&format!("{chip}/temp1_input"), "40000\n");
    tree.write(&format!("{chip}/temp1_crit"), "100000\n");
    let mut family = family(&tree.roots());
    let mut sensor = one(new_members(&mut family));
    assert_eq!(discover(sensor.as_mut()).unwrap()[0].limits.critical, None);
    assert_eq!(read(sensor.as_mut()), [Raw::Fault(Fault::Asleep)]);
    // The power status is open, and no other file.
    assert_eq!(tree.descriptors(), 1);
    tree.write(&status, "active\n");
    assert_eq!(read(sensor.as_mut()), [Raw::Number(40.0)]);
    assert_eq!(
        discover(sensor.as_mut()).unwrap()[0].limits.critical,
        Some(100.0)
    );
    tree.write(&status, "suspending\n");
    assert_eq!(read(sensor.as_mut()), [Raw::Fault(Fault::Asleep)]);
}

#[test]
fn a_sensor_that_suspends_after_each_reading_is_read() {
    let tree = Tree::new();
    let chip = chip(&tree, 0, "platform/i2c-1/1-0040", "i2c", "ina3221");
    let status = "devices/platform/i2c-1/1-0040/power/runtime_status";
    tree.write(status, "suspended\n");
    tree.write(&format!("{chip}/in1_input"), "5000\n");
    let mut sensor = one(new_members(&mut family(&tree.roots())));
    assert_eq!(read(sensor.as_mut()), [Raw::Number(5.0)]);
}

/// A writable copy of the desktop in the fixtures.
fn desktop() -> Tree {
    let tree = Tree::new();
    let sys = roots("desktop").sys.join(".");
    let mut copy = std::process::Command::new("cp");
    let copied = copy.arg("-a").args([sys, tree.roots().sys]).status();
    assert!(copied.unwrap().success());
    tree
}

#[test]
fn a_suspended_card_of_a_desktop_is_asleep() {
    // In the fixture the files of the suspended card are directories: every read of one would fail.
    let readings = readings(vec![family(&roots("desktop"))]);
    let check = |id: &str, expected: &Reading| assert_eq!(&readings[id], expected, "{id}");
    check("lmsensors/amdgpu-pci-0300/temp1", &Ok(Value::Number(56.0)));
    check("lmsensors/amdgpu-pci-0300/power1", &Ok(Value::Number(97.0)));
    check("lmsensors/amdgpu-pci-0a00/temp1", &Err(Fault::Asleep));
    check("lmsensors/amdgpu-pci-0a00/power1", &Err(Fault::Asleep));
}

#[test]
fn a_device_that_may_suspend_is_left_alone_by_all_sources() {
    let tree = desktop();
    let device = "devices/pci0000:00/0000:00:01.1/0000:03:00.0";
    let powers = PowerStates::default();
    let pool = Pool::new();
    let mut members = new_members(&mut lmsensors::family(&tree.roots(), &pool, powers.clone()));
    let gpus = gpu::Family::new(&tree.roots(), &pool, powers.clone());
    members.extend(new_members(&mut Provider::family(gpus)));
    let mut find = |id: &str| {
        let mut all = members.iter_mut();
        let index = all.position(|member| {
            let metrics = discover(member.as_mut()).unwrap();
            metrics.iter().any(|metric| &*metric.id == id)
        });
        members.remove(index.unwrap())
    };
    let mut sensor = find("lmsensors/amdgpu-pci-0300/temp1");
    let mut gpu = find("gpu/gpu0/temperature");
    let power = powers.of(&tree.roots().sys.join(device));
    // An enabled output keeps the card active anyway.
    power.make_pause_due();
    assert_eq!(read(sensor.as_mut()), [Raw::Number(56.0)]);
    tree.write(
        &format!("{device}/drm/card1/card1-DP-1/enabled"),
        "disabled\n",
    );
    let paused = [Raw::Fault(Fault::Stale)];
    for control in ["on\n", "auto\n"] {
        tree.write(&format!("{device}/power/control"), control);
        power.make_pause_due();
        let readings = [read(gpu.as_mut()), read(sensor.as_mut())];
        let expected = match control {
            "on\n" => [Raw::Number(56.0)],
            _ => paused.clone(),
        };
        assert_eq!(readings, [&expected, &expected].map(|each| each.to_vec()));
    }
    // The card has suspended in the pause.
    let status = format!("{device}/power/runtime_status");
    tree.write(&status, "suspended\n");
    assert_eq!(read(sensor.as_mut()), [Raw::Fault(Fault::Asleep)]);
    tree.write(&status, "active\n");
    assert_eq!(read(sensor.as_mut()), [Raw::Number(56.0)]);
    // Readings of the sensor alone lead to a pause as well.
    power.make_pause_due();
    assert_eq!(read(sensor.as_mut()), paused);
    assert_eq!(read(gpu.as_mut()), paused);
}
