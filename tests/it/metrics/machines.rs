//! The objects of each machine, and how many metrics each of them has.

use std::{collections::BTreeMap, time::Duration};

use super::{block_on, everything, listed, store};
use sampled::{
    reading::{Fault, Reading, Value},
    source::Roots,
    sources,
};

#[test]
fn no_source_offers_what_no_fixture_shows() {
    let selections = everything();
    let columns = || selections.iter().flat_map(|selection| &selection.columns);
    for scope in sources::all(&Roots::default())
        .iter()
        .flat_map(|source| source.about().scope)
    {
        let is_in_scope = |id: &str| {
            let mut parts = id.split('/').zip(scope.split('/'));
            parts.all(|(part, pattern)| pattern == "*" || part == pattern)
        };
        assert!(
            columns().any(|column| is_in_scope(&column.metric.id)),
            "{scope}"
        );
    }
}

/// Checks which objects a machine has: each name, or each beginning of names with `*` after it, how
/// many there are of it, and how many metrics each of them has.
#[track_caller]
fn check(tree: &str, expected: &[(&str, usize, usize)]) {
    let mut objects = BTreeMap::<_, usize>::new();
    let selection = listed(tree);
    for column in &selection.columns {
        let (object, _) = column.metric.id.rsplit_once('/').unwrap();
        *objects.entry(object).or_default() += 1;
    }
    let mut found = BTreeMap::<_, usize>::new();
    for (object, metrics) in objects {
        let is_meant = |name: &str| match name.strip_suffix('*') {
            Some(beginning) => object.starts_with(beginning),
            None => object == name,
        };
        let name = expected.iter().find(|(name, _, _)| is_meant(name));
        let name = name.map_or(object, |(name, _, _)| name);
        *found.entry((name, metrics)).or_default() += 1;
    }
    let found = found
        .into_iter()
        .map(|((name, metrics), count)| (name, count, metrics));
    let mut expected = expected.to_vec();
    expected.sort_unstable();
    assert_eq!(found.collect::<Vec<_>>(), expected);
}

#[test]
fn on_a_desktop() {
    check(
        "desktop",
        &[
            ("cpu/all", 1, 12),
            ("cpu/loadaverages", 1, 3),
            ("cpu/cpu*", 4, 5),
            ("disk/all", 1, 7),
            ("disk/%2F", 1, 12),
            ("disk/%2Fhome", 1, 12),
            ("disk/eui.0025385b21404d11", 1, 10),
            ("disk/eui.0025385b21404d11-part1", 1, 10),
            ("disk/eui.0025385b21404d2f", 1, 10),
            ("disk/eui.0025385b21404d2f-part1", 1, 10),
            ("gpu/all", 1, 4),
            ("gpu/gpu0", 1, 9),
            ("gpu/gpu1", 1, 8),
            ("lmsensors/amdgpu-pci-0300", 1, 5),
            ("lmsensors/amdgpu-pci-0a00", 1, 3),
            ("lmsensors/nvme-pci-0100", 1, 2),
            ("lmsensors/nvme-pci-0200", 1, 2),
            ("memory/paging", 1, 2),
            ("memory/physical", 1, 12),
            ("memory/swap", 1, 3),
            ("network/all", 1, 6),
            ("network/enp5s0", 1, 14),
            ("os/kernel", 1, 3),
            ("os/processes", 1, 8),
            ("os/system", 1, 2),
            ("pressure/cpu", 1, 10),
            ("pressure/io", 1, 10),
            ("pressure/irq", 1, 5),
            ("pressure/memory", 1, 10),
        ],
    );
}

#[test]
fn on_a_laptop() {
    check(
        "laptop",
        &[
            ("cpu/all", 1, 18),
            ("cpu/loadaverages", 1, 3),
            ("cpu/cpu*", 4, 7),
            ("disk/all", 1, 7),
            ("disk/5D1C-2A7B", 1, 8),
            ("disk/9f0a7d0e-1b1a-4f9b-8d0a-0d8f5a1e6c33", 1, 12),
            ("disk/dm-name-luks-root", 1, 10),
            ("disk/eui.e8238fa6bf530001001b448b46f0a5c1*", 3, 10),
            ("disk/zram0", 1, 10),
            ("gpu/all", 1, 1),
            ("gpu/gpu0", 1, 3),
            ("lmsensors/BAT0-acpi-0", 1, 2),
            ("lmsensors/acpitz-virtual-0", 1, 1),
            ("lmsensors/coretemp-isa-0000", 1, 6),
            ("lmsensors/jc42-i2c-0-18", 1, 2),
            ("lmsensors/jc42-i2c-0-1a", 1, 2),
            ("lmsensors/nvme-pci-0300", 1, 4),
            ("lmsensors/thinkpad-isa-0000", 1, 2),
            ("memory/hugepages", 1, 3),
            ("memory/paging", 1, 7),
            ("memory/physical", 1, 15),
            ("memory/swap", 1, 5),
            ("memory/zram", 1, 3),
            ("network/all", 1, 6),
            ("network/enp0s31f6", 1, 19),
            ("network/lo", 1, 14),
            ("network/wlp2s0", 1, 19),
            ("os/files", 1, 1),
            ("os/kernel", 1, 3),
            ("os/processes", 1, 8),
            ("os/random", 1, 1),
            ("os/system", 1, 7),
            ("os/users", 1, 2),
            ("power/1234", 1, 14),
            ("power/AC", 1, 1),
            ("power/package-0", 1, 2),
            ("power/package-0:core", 1, 2),
            ("power/package-0:dram", 1, 2),
            ("pressure/cpu", 1, 10),
            ("pressure/io", 1, 10),
            ("pressure/memory", 1, 10),
        ],
    );
}

#[test]
fn on_a_raspberry() {
    check(
        "raspberry",
        &[
            ("cpu/all", 1, 18),
            ("cpu/loadaverages", 1, 3),
            ("cpu/cpu0", 1, 7),
            ("cpu/cpu1", 1, 7),
            ("cpu/cpu2", 1, 7),
            // It is offline.
            ("cpu/cpu3", 1, 1),
            ("disk/all", 1, 7),
            ("disk/%2F", 1, 12),
            ("disk/0x1b8c4d2e*", 3, 10),
            ("lmsensors/cpu_thermal-virtual-0", 1, 1),
            ("lmsensors/ina238-i2c-1-40", 1, 6),
            ("lmsensors/rpi_volt-isa-0000", 1, 1),
            ("lmsensors/sht3x-i2c-1-44", 1, 2),
            ("memory/paging", 1, 2),
            ("memory/physical", 1, 12),
            ("memory/swap", 1, 5),
            ("network/all", 1, 6),
            ("network/eth0", 1, 14),
            ("os/files", 1, 2),
            ("os/kernel", 1, 3),
            ("os/processes", 1, 8),
            ("os/system", 1, 5),
            ("power/battery_max17040_battery", 1, 13),
        ],
    );
}

#[test]
fn on_a_server() {
    check(
        "server",
        &[
            ("cpu/limit", 1, 1),
            ("cpu/all", 1, 15),
            ("cpu/loadaverages", 1, 3),
            ("cpu/cpu*", 128, 6),
            ("disk/all", 1, 7),
            ("disk/naa.*", 36, 10),
            ("disk/eui.00253845019080a0*", 3, 10),
            ("disk/eui.00253845019080a1*", 3, 10),
            ("disk/md-uuid-*", 2, 10),
            ("disk/dm-name-vg0-*", 10, 10),
            ("disk/loop-%2Fsrv%2Fimages%2F*", 2, 10),
            ("disk/%2Fmnt%2Fdisk", 1, 12),
            ("disk/%2Fsrv", 1, 12),
            ("disk/0b2e3c5a-5a0c-4d59-9a53-4d0f2f4b7a11", 1, 12),
            ("disk/77c1e0de-6d0b-4c7c-9d94-1c1b5be7a0f2", 1, 12),
            ("disk/c2a5c9f0-2d4e-4a3f-8b11-9f8e7d6c5b4a", 1, 8),
            ("memory/limit", 1, 3),
            ("memory/paging", 1, 7),
            ("memory/physical", 1, 15),
            ("memory/swap", 1, 3),
            ("network/all", 1, 6),
            ("network/bond0", 1, 14),
            ("network/bond0.100", 1, 12),
            ("network/br0", 1, 13),
            ("network/docker0", 1, 12),
            ("network/eno1", 1, 17),
            ("network/eno2", 1, 17),
            ("network/lo", 1, 12),
            ("network/veth1a2b3c4", 1, 12),
            ("network/vnet0", 1, 13),
            ("network/vnet1", 1, 12),
            ("os/kernel", 1, 3),
            ("os/processes", 1, 8),
            ("os/system", 1, 6),
        ],
    );
}

/// The readings of these metrics on a machine in tests/fixtures.
fn readings(tree: &str, selectors: &[&str]) -> Vec<(String, Reading)> {
    let store = store(tree);
    let selection = block_on(store.wait_and_resolve(selectors)).unwrap();
    block_on(store.prefetch_frames(&[&selection], Duration::ZERO));
    let frame = store.read(&selection, Duration::ZERO);
    let nothing = Vec::new();
    selection
        .readings(&frame, &nothing)
        .map(|(column, reading)| (column.metric.id.to_string(), reading))
        .collect()
}

#[test]
fn a_card_that_sleeps_is_listed_and_left_alone() {
    let asleep = ["gpu/gpu1", "lmsensors/amdgpu-pci-0a00"];
    for (id, reading) in readings("desktop", &asleep) {
        assert_eq!(reading, Err(Fault::Asleep), "{id}");
    }
}

#[test]
fn without_swap_there_is_none_and_no_share_of_it() {
    let swap = readings("server", &["memory/swap"]);
    let nothing = |id: &str| (format!("memory/swap/{id}"), Ok(Value::Number(0.0)));
    assert_eq!(swap, ["total", "used", "free"].map(nothing));
}
