mod fallback;
mod faults;
mod identity;
mod names;
mod suspend;
mod usage;

use std::{fs, os::unix::fs::symlink, path::Path};

use super::{columns::MOMENT, *};
use crate::{
    metric::{Kind, Metric},
    reading::{Fault, Raw, Reading, Snapshot, Stamp, Value},
    source::{
        Presence, Source,
        tests::{Tree, begin, discover, fixture, members, roots},
    },
};

/// All members of the family, and the metrics of each.
struct Machine {
    family: Family,
    members: Vec<(Box<dyn Source>, Vec<Metric>)>,
    presences: Vec<Presence>,
}

impl Machine {
    fn new(roots: &Roots) -> Self {
        Self::with(roots, PowerStates::default())
    }

    fn with(roots: &Roots, powers: PowerStates) -> Self {
        let mut machine = Self {
            family: Family::new(roots, &Pool::new(), powers),
            members: Vec::new(),
            presences: Vec::new(),
        };
        machine.rediscover();
        machine
    }

    /// Discovers again, as the store does when a device has come or gone.
    fn rediscover(&mut self) {
        for member in source::Family::members(&mut self.family).unwrap() {
            self.presences.push(member.presence.clone());
            self.members.push((members::source(member), Vec::new()));
        }
        let mut presences = self.presences.iter();
        self.members
            .retain(|_| !presences.next().unwrap().is_gone());
        self.presences.retain(|presence| !presence.is_gone());
        for (member, metrics) in &mut self.members {
            *metrics = discover(member.as_mut()).unwrap();
            for metric in metrics {
                assert_eq!(metric.formula.needs_baseline(), metric.kind == Kind::Rate);
                assert!(metric.id.is_ascii() && metric.formula_text.contains("/sys/"));
            }
        }
    }

    fn ids(&self) -> Vec<&str> {
        let metrics = self.members.iter().flat_map(|(_, metrics)| metrics);
        metrics.map(|metric| &*metric.id).collect()
    }

    fn member(&mut self, id: &str) -> (&mut dyn Source, Metric) {
        let has_it = |metric: &&Metric| &*metric.id == id;
        let mut members = self.members.iter_mut();
        let found =
            members.find_map(|(member, metrics)| Some((member, metrics.iter().find(has_it)?)));
        let (member, metric) = found.unwrap_or_else(|| panic!("no {id}"));
        (member.as_mut(), metric.clone())
    }

    fn snapshot(&mut self, id: &str, seconds: u64) -> Result<Snapshot, Error> {
        let mut columns = Vec::new();
        begin(self.member(id).0);
        self.member(id).0.read(&mut columns)?;
        let stamp = Stamp::now();
        let since = std::time::Duration::from_secs(seconds);
        Ok(Snapshot {
            stamp: Stamp {
                monotonic: since,
                boottime: since,
                ..stamp
            },
            columns,
        })
    }

    fn reading(&mut self, id: &str) -> Reading {
        match self.snapshot(id, 1) {
            Ok(snapshot) => self.member(id).1.formula.evaluate(&snapshot, None),
            Err(error) => Err(error.fault()),
        }
    }

    #[track_caller]
    fn check(&mut self, id: &str, expected: f64) {
        assert_eq!(self.reading(id), Ok(Value::Number(expected)), "{id}");
    }

    #[track_caller]
    fn check_fault(&mut self, id: &str, expected: Fault) {
        assert_eq!(self.reading(id), Err(expected), "{id}");
    }
}

/// Adds a GPU to the tree: a card and its files, in the directory of the GPU.
fn plug(tree: &Tree, address: &str, driver: &str, card: u32, files: &[(&str, &str)]) {
    let path = format!("devices/pci0000:00/{address}");
    let render = 128 + card;
    tree.write(&format!("{path}/drm/card{card}/dev"), "226:0\n");
    tree.write(&format!("{path}/drm/renderD{render}/dev"), "226:128\n");
    let root = tree.roots().sys;
    symlink(
        format!("/sys/bus/pci/drivers/{driver}"),
        root.join(&path).join("driver"),
    )
    .unwrap();
    tree.link(
        &format!("class/drm/card{card}"),
        &format!("{path}/drm/card{card}"),
    );
    for (file, text) in files {
        tree.write(&format!("{path}/{file}"), text);
    }
}

const SLOT: &str = "devices/pci0000:00/0000:03:00.0";
const ACTIVE: (&str, &str) = ("power/runtime_status", "active\n");

#[test]
fn desktop() {
    let mut desktop = Machine::new(&roots("desktop"));
    let mut ids = desktop.ids();
    ids.sort_unstable();
    assert_eq!(
        ids,
        [
            "gpu/all/totalVram",
            "gpu/all/usage",
            "gpu/all/usedPercent",
            "gpu/all/usedVram",
            "gpu/gpu0/coreFrequency",
            "gpu/gpu0/memoryFrequency",
            "gpu/gpu0/name",
            "gpu/gpu0/power",
            "gpu/gpu0/temperature",
            "gpu/gpu0/totalVram",
            "gpu/gpu0/usage",
            "gpu/gpu0/usedPercent",
            "gpu/gpu0/usedVram",
            "gpu/gpu1/coreFrequency",
            "gpu/gpu1/name",
            "gpu/gpu1/power",
            "gpu/gpu1/temperature",
            "gpu/gpu1/totalVram",
            "gpu/gpu1/usage",
            "gpu/gpu1/usedPercent",
            "gpu/gpu1/usedVram",
        ]
    );
    let name = "AMD/ATI Navi 21 [Radeon RX 6800/6800 XT / 6900 XT]";
    assert_eq!(
        desktop.reading("gpu/gpu0/name"),
        Ok(Value::Text(name.into()))
    );
    desktop.check("gpu/gpu0/usage", 37.0);
    desktop.check("gpu/gpu0/totalVram", 17163091968.0);
    desktop.check("gpu/gpu0/usedPercent", 25.0);
    desktop.check("gpu/gpu0/coreFrequency", 2285.0);
    desktop.check("gpu/gpu0/memoryFrequency", 1000.0);
    desktop.check("gpu/gpu0/temperature", 56.0);
    desktop.check("gpu/gpu0/power", 97.0);
    // The suspended GPU is left out.
    desktop.check("gpu/all/usage", 37.0);
    desktop.check("gpu/all/usedVram", 4290772992.0);
    let (_, usage) = desktop.member("gpu/gpu0/usage");
    assert_eq!(&*usage.object.title, name);
    let (_, usage) = Machine::new(&roots("laptop")).member("gpu/gpu0/usage");
    assert_eq!(&*usage.object.title, "GPU 0 (i915)");
}

#[test]
fn limits_of_the_driver_are_used() {
    let tree = Tree::new();
    let files = [
        ACTIVE,
        ("hwmon/hwmon3/temp1_input", "56000\n"),
        ("hwmon/hwmon3/temp1_crit", "100000\n"),
        ("hwmon/hwmon3/power1_average", "97000000\n"),
        ("hwmon/hwmon3/power1_cap_max", "272000000\n"),
    ];
    plug(&tree, "0000:03:00.0", "amdgpu", 0, &files);
    let mut machine = Machine::new(&tree.roots());
    let mut range = |id: &str| {
        let (_, metric) = machine.member(id);
        (metric.maximum, metric.limits.critical)
    };
    assert_eq!(range("gpu/gpu0/temperature"), (None, Some(100.0)));
    assert_eq!(range("gpu/gpu0/power"), (Some(272.0), None));
}

#[test]
fn all_memories_together_have_the_sum_of_the_sizes_as_their_maximum() {
    let tree = Tree::new();
    let files = |size| {
        [
            ACTIVE,
            ("mem_info_vram_total", size),
            ("mem_info_vram_used", "1\n"),
        ]
    };
    plug(&tree, "0000:03:00.0", "amdgpu", 0, &files("1000\n"));
    plug(&tree, "0000:04:00.0", "amdgpu", 1, &files("500\n"));
    let mut machine = Machine::new(&tree.roots());
    let (_, used) = machine.member("gpu/all/usedVram");
    assert_eq!(used.maximum, Some(1500.0));
    let (_, total) = machine.member("gpu/all/totalVram");
    assert_eq!(total.maximum, None);
}

#[test]
fn xe_counts_energy() {
    let tree = Tree::new();
    let files = [
        ACTIVE,
        ("tile0/gt0/freq0/act_freq", "1200\n"),
        ("hwmon/hwmon2/energy1_input", "5000000\n"),
        ("hwmon/hwmon2/temp2_input", "-5000\n"),
    ];
    plug(&tree, "0000:03:00.0", "xe", 0, &files);
    let mut machine = Machine::new(&tree.roots());
    machine.check("gpu/gpu0/coreFrequency", 1200.0);
    machine.check("gpu/gpu0/temperature", -5.0);
    let before = machine.snapshot("gpu/gpu0/power", 10).unwrap();
    tree.write(&format!("{SLOT}/hwmon/hwmon2/energy1_input"), "35000000\n");
    let mut now = machine.snapshot("gpu/gpu0/power", 12).unwrap();
    let Raw::Counter(moment) = before.columns[MOMENT] else {
        panic!("{before:?}");
    };
    now.columns[MOMENT] = Raw::Counter(moment + 2_000_000_000);
    let (_, metric) = machine.member("gpu/gpu0/power");
    let reading = metric.formula.evaluate(&now, Some(&before));
    assert_eq!(reading, Ok(Value::Number(15.0)));
}

#[test]
fn gpus_are_numbered_by_pci_address_and_keep_their_numbers() {
    let tree = Tree::new();
    assert_eq!(Machine::new(&tree.roots()).ids(), [""; 0]);
    let clock = |megahertz| [ACTIVE, ("pp_dpm_sclk", megahertz)];
    plug(&tree, "0000:0a:00.0", "amdgpu", 0, &clock("0: 500Mhz *\n"));
    plug(&tree, "0000:03:00.0", "amdgpu", 1, &clock("0: 300Mhz *\n"));
    // The frame buffer of a console has no render node.
    tree.write(
        "devices/platform/simple-framebuffer.0/drm/card2/dev",
        "226:2\n",
    );
    tree.link(
        "class/drm/card2",
        "devices/platform/simple-framebuffer.0/drm/card2",
    );
    let mut machine = Machine::new(&tree.roots());
    machine.check("gpu/gpu0/coreFrequency", 300.0);
    machine.check("gpu/gpu1/coreFrequency", 500.0);
    assert_eq!(machine.ids().len(), 7);
    plug(&tree, "0000:01:00.0", "amdgpu", 3, &clock("0: 100Mhz *\n"));
    machine.rediscover();
    machine.check("gpu/gpu0/coreFrequency", 300.0);
    machine.check("gpu/gpu2/coreFrequency", 100.0);
}

#[test]
fn ids_are_those_of_ksystemstats() {
    let properties = GpuQuantity::ALL
        .iter()
        .flat_map(|quantity| quantity.scope());
    let names = properties.map(|id| Path::new(id).file_name().unwrap().to_str().unwrap());
    let expected =
        "name usage totalVram usedVram usedPercent coreFrequency memoryFrequency temperature power";
    assert_eq!(names.collect::<Vec<_>>().join(" "), expected);
}
