//! Numbers of GPUs that come, go and change places.

use super::*;

/// A GPU with the numbers of a model and, where the driver tells it, a serial number.
fn plug_model(tree: &Tree, address: &str, model: &str, serial: Option<&str>, load: &str) {
    let load = format!("{load}\n");
    let mut files = vec![
        ACTIVE,
        ("vendor", "0x1002\n"),
        ("device", model),
        ("gpu_busy_percent", &load),
    ];
    files.extend(serial.map(|serial| ("unique_id", serial)));
    plug(tree, address, "amdgpu", 0, &files);
}

fn unplug(tree: &Tree, address: &str) {
    fs::remove_dir_all(tree.root.join("devices/pci0000:00").join(address)).unwrap();
    fs::remove_file(tree.root.join("class/drm/card0")).unwrap();
}

const PLACE: &str = "0000:0a:00.0";
const OTHER_PLACE: &str = "0000:3c:00.0";

#[test]
fn a_number_follows_the_gpu() {
    let tree = Tree::new();
    plug_model(&tree, PLACE, "0x73bf\n", Some("a1"), "10");
    let mut machine = Machine::new(&tree.roots());
    machine.check("gpu/gpu0/usage", 10.0);
    unplug(&tree, PLACE);
    // Another one of the model, by its serial number.
    plug_model(&tree, PLACE, "0x73bf\n", Some("b2"), "20");
    machine.rediscover();
    assert!(!machine.ids().contains(&"gpu/gpu0/usage"));
    machine.check("gpu/gpu1/usage", 20.0);
    unplug(&tree, PLACE);
    plug_model(&tree, OTHER_PLACE, "0x73bf\n", Some("a1"), "30");
    machine.rediscover();
    machine.check("gpu/gpu0/usage", 30.0);
    assert!(!machine.ids().contains(&"gpu/gpu1/usage"));
}

#[test]
fn another_model_at_an_address_is_another_gpu() {
    let tree = Tree::new();
    plug_model(&tree, PLACE, "0x73bf\n", None, "10");
    let mut machine = Machine::new(&tree.roots());
    unplug(&tree, PLACE);
    plug_model(&tree, PLACE, "0x744c\n", None, "20");
    machine.rediscover();
    assert!(!machine.ids().contains(&"gpu/gpu0/usage"));
    machine.check("gpu/gpu1/usage", 20.0);
}

#[test]
fn a_gpu_that_comes_back_has_no_baseline() {
    let tree = Tree::new();
    let energy = [ACTIVE, ("hwmon/hwmon2/energy1_input", "5000000\n")];
    plug(&tree, PLACE, "xe", 0, &energy);
    let mut machine = Machine::new(&tree.roots());
    let [power, usage] = ["gpu/gpu0/power", "gpu/all/usage"];
    machine.snapshot(power, 1).unwrap();
    let before = machine.snapshot(usage, 1).unwrap();
    let presences = machine.presences.clone();
    unplug(&tree, PLACE);
    plug(
        &tree,
        PLACE,
        "xe",
        0,
        &[ACTIVE, ("hwmon/hwmon2/energy1_input", "9000000\n")],
    );
    machine.rediscover();
    let is_gone = presences.iter().filter(|presence| presence.is_gone());
    assert!(is_gone.count() >= 3);
    machine.check_fault(power, Fault::First);
    let now = machine.snapshot(usage, 2).unwrap();
    let (_, metric) = machine.member(usage);
    let reading = metric.formula.evaluate(&now, Some(&before));
    assert_eq!(reading, Err(Fault::First));
}

#[test]
fn a_virtual_function_is_a_part_of_its_gpu() {
    let tree = Tree::new();
    plug(
        &tree,
        "0000:03:00.0",
        "xe",
        0,
        &[ACTIVE, ("gpu_busy_percent", "40\n")],
    );
    plug(
        &tree,
        "0000:03:00.1",
        "xe",
        1,
        &[("gpu_busy_percent", "100\n")],
    );
    tree.link("devices/pci0000:00/0000:03:00.1/physfn", SLOT);
    let mut machine = Machine::new(&tree.roots());
    machine.check("gpu/gpu1/usage", 100.0);
    machine.check("gpu/all/usage", 40.0);
}
