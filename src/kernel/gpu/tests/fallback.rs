//! Files that exist and fail.

use super::*;

/// Makes reads of a file fail with EIO: the first page of no process is mapped.
fn fail(tree: &Tree, file: &str) {
    let path = tree.root.join(SLOT).join(file);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    symlink("/proc/self/mem", path).unwrap();
}

#[test]
fn usage_is_that_of_the_clients_where_the_firmware_knows_none() {
    let tree = Tree::new();
    plug(&tree, "0000:03:00.0", "amdgpu", 0, &[ACTIVE]);
    fail(&tree, "gpu_busy_percent");
    let mut machine = Machine::new(&tree.roots());
    for id in ["gpu/gpu0/usage", "gpu/all/usage"] {
        assert_eq!(machine.member(id).1.kind, Kind::Rate);
        let before = machine.snapshot(id, 1).unwrap();
        let now = machine.snapshot(id, 2).unwrap();
        let (_, metric) = machine.member(id);
        // Nobody has it open.
        let reading = metric.formula.evaluate(&now, Some(&before));
        assert_eq!(reading, Ok(Value::Number(0.0)));
    }
    // The firmware knows it after an update of the driver.
    fs::remove_file(tree.root.join(SLOT).join("gpu_busy_percent")).unwrap();
    tree.write(&format!("{SLOT}/gpu_busy_percent"), "101\n");
    machine.rediscover();
    machine.check("gpu/gpu0/usage", 100.0);
    machine.check("gpu/all/usage", 100.0);
}

#[test]
fn another_file_of_the_same_quantity_replaces_one_that_fails() {
    let tree = Tree::new();
    let files = [
        ACTIVE,
        ("pp_dpm_sclk", "0: 500Mhz \n1: 800Mhz *\n"),
        ("hwmon/hwmon1/power1_input", "9000000\n"),
        ("hwmon/hwmon1/temp2_input", "50000\n"),
    ];
    plug(&tree, "0000:03:00.0", "amdgpu", 0, &files);
    for file in ["freq1_input", "power1_average", "temp1_input"] {
        fail(&tree, &format!("hwmon/hwmon1/{file}"));
    }
    let mut machine = Machine::new(&tree.roots());
    machine.check("gpu/gpu0/coreFrequency", 800.0);
    machine.check("gpu/gpu0/power", 9.0);
    // The second sensor measures another place.
    machine.check_fault("gpu/gpu0/temperature", Fault::Stale);
    tree.write(&format!("{SLOT}/pp_dpm_sclk"), "0: 500Mhz \n1: 800Mhz \n");
    let error = machine.snapshot("gpu/gpu0/coreFrequency", 1).unwrap_err();
    assert!(error.to_string().contains("freq1_input"), "{error}");
}

#[test]
fn the_size_of_the_memory_does_not_go_with_what_is_used() {
    let tree = Tree::new();
    let total = ("mem_info_vram_total", "1000\n");
    plug(&tree, "0000:03:00.0", "amdgpu", 0, &[ACTIVE, total]);
    fail(&tree, "mem_info_vram_used");
    let mut machine = Machine::new(&tree.roots());
    machine.check("gpu/gpu0/totalVram", 1000.0);
    for id in [
        "gpu/gpu0/usedVram",
        "gpu/gpu0/usedPercent",
        "gpu/all/usedVram",
    ] {
        machine.check_fault(id, Fault::Stale);
    }
    let (_, used) = machine.member("gpu/gpu0/usedVram");
    assert_eq!(used.maximum, Some(1000.0));
    let (_, percent) = machine.member("gpu/gpu0/usedPercent");
    assert_eq!(percent.maximum, Some(100.0));
    fs::remove_file(tree.root.join(SLOT).join("mem_info_vram_used")).unwrap();
    tree.write(&format!("{SLOT}/mem_info_vram_used"), "1100\n");
    machine.rediscover();
    machine.check("gpu/gpu0/usedVram", 1000.0);
    machine.check("gpu/gpu0/usedPercent", 100.0);
}
