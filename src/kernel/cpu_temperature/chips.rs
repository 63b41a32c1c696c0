//! The chips of processors: their sensors name the cores.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use crate::{
    kernel::hwmon::{ChipDevices, chip::Chip},
    source::device::{fact, names},
};

use super::{
    Sensor,
    topology::{Cpu, Groups, Topology, cache_sharers},
};

/// The sensors of each CPU that has a chip.
type SensorsByCpu = BTreeMap<u32, Vec<Sensor>>;

/// The sensors of each CPU that the chips know.
pub(super) fn sensors(
    sys: &Path,
    chips: &[Chip],
    topology: &Topology,
    devices: &ChipDevices,
) -> SensorsByCpu {
    let of = |wanted: &[&str]| -> Vec<&Chip> {
        let is_wanted = |chip: &&Chip| wanted.contains(&&*chip.prefix);
        chips.iter().filter(is_wanted).collect()
    };
    let mut sensors = coretemp(&of(&["coretemp"]), topology, devices);
    let others = [
        amd(sys, &of(&["k10temp", "zenpower"]), topology, devices),
        by_number(&of(&["via_cputemp", "ibmpowernv"]), topology, devices),
    ];
    for (cpu, of_cpu) in others.into_iter().flatten() {
        sensors.entry(cpu).or_insert(of_cpu);
    }
    sensors
}

/// The sensors of `coretemp`: one for each core of the die, and one for the die.
///
/// <https://docs.kernel.org/hwmon/coretemp.html>
fn coretemp(chips: &[&Chip], topology: &Topology, devices: &ChipDevices) -> SensorsByCpu {
    let chips: Vec<_> = chips
        .iter()
        .map(|chip| Coretemp::new(chip, devices))
        .collect();
    // The driver numbers the dies in the order in which the kernel has found them. Where each package has one die, that
    // is mostly the number of the package.
    let packages = topology.packages();
    let dies = topology.dies();
    let is_id = |chip: &Coretemp| topology.cpus.iter().any(|cpu| cpu.package == chip.number);
    let are_ids = dies.len() == packages.len() && chips.iter().all(is_id);
    let chip_of = |cpu: &Cpu| {
        let die = dies.iter().position(|die| die.contains(&cpu.number))?;
        let number = if are_ids {
            cpu.package
        } else {
            u32::try_from(die).ok()?
        };
        chips.iter().find(|chip| chip.number == number)
    };
    let sensor_of = |cpu: &Cpu| {
        let chip = chip_of(cpu)?;
        let sensor = chip.cores.get(&cpu.core).or(chip.whole.as_ref())?;
        Some((cpu.number, vec![sensor.clone()]))
    };
    topology.cpus.iter().filter_map(sensor_of).collect()
}

/// A chip of `coretemp`.
struct Coretemp {
    number: u32,
    /// The sensors of the cores, by `core_id`.
    cores: BTreeMap<u32, Sensor>,
    /// The sensor of the package.
    whole: Option<Sensor>,
}

impl Coretemp {
    fn new(chip: &Chip, devices: &ChipDevices) -> Self {
        let device = devices.of(chip);
        let sensor = |feature: &String| Sensor {
            device: device.clone(),
            feature: Some(feature.clone()),
        };
        let labels = labels(chip);
        let core =
            |(feature, label): &(String, String)| Some((after(label, "Core")?, sensor(feature)));
        let package = labels.iter().find_map(|(feature, label)| {
            let number = after(label, "Package id").or_else(|| after(label, "Physical id"))?;
            Some((number, sensor(feature)))
        });
        let (number, whole) = package.unzip();
        // Without a sensor of the package, the name of the device has its number: `coretemp.1`.
        let of_device = || chip.device.extension()?.to_str()?.parse().ok();
        Self {
            number: number.or_else(of_device).unwrap_or(0),
            cores: labels.iter().filter_map(core).collect(),
            whole,
        }
    }
}

/// The number after a word: 3 of `Core 3`.
fn after(label: &str, word: &str) -> Option<u32> {
    label.strip_prefix(word)?.trim().parse().ok()
}

/// The sensors of AMD's chips: that of the core complex die (Tccd) if the caches tell which CPUs are on it, otherwise that
/// of the chip: Tdie if there is one, otherwise Tctl, the temperature for the control of fans, which is up to 27
/// degrees too high on some models.
///
/// <https://docs.kernel.org/hwmon/k10temp.html>
fn amd(sys: &Path, chips: &[&Chip], topology: &Topology, devices: &ChipDevices) -> SensorsByCpu {
    let mut sensors = SensorsByCpu::new();
    if chips.is_empty() {
        return sensors;
    }
    // Each package has the same number of chips, in the order of their PCI addresses. The first models of Zen have one
    // for each die.
    let packages = topology.packages();
    let per_package = chips.len().checked_div(packages.len()).unwrap_or(0).max(1);
    for (package, chips) in packages.iter().zip(chips.chunks(per_package)) {
        let dies: Vec<_> = topology
            .dies()
            .into_iter()
            .filter(|die| die.is_subset(package))
            .collect();
        let groups = match dies.len() == chips.len() {
            true => dies.into_iter().zip(chips.chunks(1)).collect(),
            // The kernel does not tell which die a CPU is on: the hottest counts.
            false => vec![(package.clone(), chips)],
        };
        for (cpus, chips) in groups {
            let complexes = complexes(sys, &cpus);
            for chip in chips {
                for (cpu, sensor) in amd_chip(chip, &cpus, &complexes, devices) {
                    sensors.entry(cpu).or_default().push(sensor);
                }
            }
        }
    }
    sensors
}

/// The groups of these CPUs that share a cache; none if that is not known of all.
fn complexes(sys: &Path, cpus: &BTreeSet<u32>) -> Groups {
    let groups = cpus.iter().map(|&cpu| cache_sharers(sys, cpu));
    let groups: Option<BTreeSet<_>> = groups.collect();
    // In the order of their first CPUs: a set is compared by its least number first.
    groups.unwrap_or_default().into_iter().collect()
}

/// The sensor of each of these CPUs on a chip.
fn amd_chip(
    chip: &Chip,
    cpus: &BTreeSet<u32>,
    complexes: &Groups,
    devices: &ChipDevices,
) -> Vec<(u32, Sensor)> {
    let device = devices.of(chip);
    let labels = labels(chip);
    let mut dies: Vec<_> = labels
        .iter()
        .filter_map(|(feature, label)| Some((after(label, "Tccd")?, feature)))
        .collect();
    dies.sort();
    let labelled = |wanted: &str| {
        let mut found = labels.iter().filter(|(_, label)| label == wanted);
        found.next().map(|(feature, _)| feature.clone())
    };
    // Before Linux 5.3 the chip has one sensor and no label.
    let only = || {
        chip.directory
            .join("temp1_input")
            .exists()
            .then(|| "temp1".to_owned())
    };
    let whole = labelled("Tdie").or_else(|| labelled("Tctl")).or_else(only);
    // Zen 2 has two core complexes on a die, the others one.
    let per_die = [1, 2]
        .into_iter()
        .find(|&each| !dies.is_empty() && complexes.len() == dies.len().saturating_mul(each));
    let feature_of = |cpu: u32| {
        let complex = complexes
            .iter()
            .position(|complex| complex.contains(&cpu))?;
        let (_, feature) = dies.get(complex.checked_div(per_die?)?)?;
        Some((*feature).clone())
    };
    let sensor = |&cpu: &u32| {
        let feature = Some(feature_of(cpu).or_else(|| whole.clone())?);
        let device = device.clone();
        Some((cpu, Sensor { device, feature }))
    };
    cpus.iter().filter_map(sensor).collect()
}

/// The sensors of chips whose labels have the numbers of CPUs: `Core 1` of `via_cputemp`, and `Core 0-7`, the threads of
/// a core, of `ibmpowernv`.
fn by_number(chips: &[&Chip], topology: &Topology, devices: &ChipDevices) -> SensorsByCpu {
    let mut sensors = SensorsByCpu::new();
    for chip in chips {
        let device = devices.of(chip);
        for (feature, label) in labels(chip) {
            let Some(numbers) = label.strip_prefix("Core ") else {
                continue;
            };
            let (first, last) = numbers.split_once('-').unwrap_or((numbers, numbers));
            let (Ok(first), Ok(last)) = (first.trim().parse::<u32>(), last.trim().parse::<u32>())
            else {
                continue;
            };
            let cpus = topology.cpus.iter().map(|cpu| cpu.number);
            for cpu in cpus.filter(|cpu| (first..=last).contains(cpu)) {
                let sensor = Sensor {
                    device: device.clone(),
                    feature: Some(feature.clone()),
                };
                sensors.entry(cpu).or_default().push(sensor);
            }
        }
    }
    sensors
}

/// The features of a chip that have labels, and the labels.
pub(super) fn labels(chip: &Chip) -> Vec<(String, String)> {
    let names = names(&chip.directory).unwrap_or_default();
    let features = names.iter().filter_map(|name| {
        let feature = name
            .strip_suffix("_label")
            .filter(|name| name.starts_with("temp"))?;
        Some((feature.to_owned(), fact(chip.directory.join(name))?))
    });
    features.collect()
}

/// The features of a chip, each under the name of the chip: `cpu_thermal`, which the kernel has made of a zone.
pub(super) fn unlabelled(chip: &Chip) -> Vec<(String, String)> {
    let names = names(&chip.directory).unwrap_or_default();
    let features = names.iter().filter_map(|name| {
        let feature = name
            .strip_suffix("_input")
            .filter(|name| name.starts_with("temp"))?;
        Some((feature.to_owned(), chip.prefix.clone()))
    });
    features.collect()
}
