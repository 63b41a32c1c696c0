//! Faults of GPUs.

use super::*;

#[test]
fn a_gpu_that_goes_is_gone_and_can_come_back() {
    let tree = Tree::new();
    let sensor = ("hwmon/hwmon1/temp1_input", "40000\n");
    plug(&tree, "0000:03:00.0", "nouveau", 0, &[ACTIVE, sensor]);
    let mut machine = Machine::new(&tree.roots());
    machine.check("gpu/gpu0/temperature", 40.0);
    // The driver was bound again.
    fs::remove_file(tree.roots().sys.join(SLOT).join(sensor.0)).unwrap();
    tree.write(&format!("{SLOT}/hwmon/hwmon7/temp1_input"), "41000\n");
    machine.rediscover();
    machine.check("gpu/gpu0/temperature", 41.0);
    let sys = tree.roots().sys;
    fs::rename(sys.join("devices"), sys.join("unplugged")).unwrap();
    machine.rediscover();
    assert_eq!(machine.ids(), [""; 0]);
    fs::rename(sys.join("unplugged"), sys.join("devices")).unwrap();
    machine.rediscover();
    machine.check("gpu/gpu0/temperature", 41.0);
    // Its name, temperature and usage, and the usage of all.
    assert_eq!(machine.ids().len(), 4);
}

#[test]
fn impossible_values_are_malformed() {
    #[track_caller]
    fn check(file: &str, text: &str, id: &str, expected: Fault) {
        let tree = Tree::new();
        plug(&tree, "0000:03:00.0", "amdgpu", 0, &[ACTIVE, (file, text)]);
        Machine::new(&tree.roots()).check_fault(id, expected);
    }
    for bad in ["", "\n", "201\n", "255\n", "65535\n", "-1\n", "x\n"] {
        check("gpu_busy_percent", bad, "gpu/gpu0/usage", Fault::Malformed);
    }
    let temperature = "hwmon/hwmon0/temp1_input";
    for bad in ["65261850\n", "4294967250000\n", "-274000\n", "n/a\n"] {
        check(temperature, bad, "gpu/gpu0/temperature", Fault::Malformed);
    }
    let clock = "gpu/gpu0/coreFrequency";
    check("pp_dpm_sclk", "0: 500\n", clock, Fault::Malformed);
    // No clock is active.
    check("pp_dpm_sclk", "0: 500Mhz\n", clock, Fault::Stale);
    check(
        "hwmon/hwmon0/energy1_input",
        "-1\n",
        "gpu/gpu0/power",
        Fault::Malformed,
    );
    // A driver that refuses to be read. The file is a directory here: it can be opened and not read.
    check("gpu_busy_percent/x", "", "gpu/gpu0/usage", Fault::Malformed);
}

#[test]
fn an_nvidia_gpu_has_a_name_without_the_library() {
    // No machine has a GPU at this address, so the result is the same with and without the library.
    let tree = Tree::new();
    let path = "devices/pci0000:00/ffff:ff:1f.7";
    tree.write(&format!("{path}/power/runtime_status"), "active\n");
    tree.write(&format!("{path}/vendor"), "0x10de\n");
    tree.write(&format!("{path}/device"), "0x2503\n");
    let driver = "bus/pci/drivers/nvidia";
    tree.link(&format!("{path}/driver"), driver);
    tree.link(&format!("{driver}/ffff:ff:1f.7"), path);
    let mut machine = Machine::new(&tree.roots());
    assert_eq!(machine.ids(), ["gpu/gpu0/name"]);
    let name = Ok(Value::Text("PCI 10de:2503".into()));
    assert_eq!(machine.reading("gpu/gpu0/name"), name);
    // While the GPU is suspended the library is not queried, so the GPU may have every quantity.
    tree.write(&format!("{path}/power/runtime_status"), "suspended\n");
    let mut machine = Machine::new(&tree.roots());
    assert_eq!(machine.ids().len() > 1, cfg!(feature = "nvml"));
    if cfg!(feature = "nvml") {
        machine.check_fault("gpu/gpu0/usage", Fault::Asleep);
    }
    machine.check_fault("gpu/gpu0/name", Fault::Asleep);
}

#[test]
fn a_fault_of_one_gpu_does_not_affect_another() {
    let tree = Tree::new();
    plug(
        &tree,
        "0000:03:00.0",
        "amdgpu",
        0,
        &[ACTIVE, ("gpu_busy_percent", "65535\n")],
    );
    plug(
        &tree,
        "0000:0a:00.0",
        "amdgpu",
        1,
        &[("gpu_busy_percent", "20\n")],
    );
    let mut machine = Machine::new(&tree.roots());
    machine.check_fault("gpu/gpu0/usage", Fault::Malformed);
    // Without runtime_status there is no runtime power management, so the GPU is always active.
    machine.check("gpu/gpu1/usage", 20.0);
    machine.check("gpu/all/usage", 20.0);
    let error = machine
        .snapshot("gpu/gpu0/usage", 1)
        .unwrap_err()
        .to_string();
    let path = tree.roots().sys.join(SLOT).join("gpu_busy_percent");
    assert_eq!(error, format!("{}: 65535 cannot be", path.display()));
    // A GPU whose power state cannot be read is not read.
    fs::remove_file(tree.roots().sys.join(SLOT).join("power/runtime_status")).unwrap();
    // The status is a link to itself: opening it fails with ELOOP.
    let status = format!("{SLOT}/power/runtime_status");
    tree.link(&status, &status);
    Machine::new(&tree.roots()).check_fault("gpu/gpu0/usage", Fault::Stale);
}

#[test]
fn no_input_panics() {
    let check = |text: &[u8]| {
        drm_client::DrmClientRecord::parse(text);
        number_file::active_clock(text);
        pci::look_up(text, "1002", "73bf");
    };
    let texts = [
        fixture!("laptop/proc/1204/fdinfo/12"),
        fixture!("desktop/usr/share/hwdata/pci.ids"),
        "0: 500Mhz \n1: 2285Mhz *\n",
    ];
    for text in texts.map(str::as_bytes) {
        for length in 0..text.len() {
            check(&text[..length]);
            for bit in 0..8 {
                let mut flipped = text.to_vec();
                flipped[length] ^= 1 << bit;
                check(&flipped);
            }
        }
    }
}
