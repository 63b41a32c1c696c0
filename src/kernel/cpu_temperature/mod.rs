//! The temperatures of the CPUs: the sensor of a chip, or the thermal zone, that measures each.

use std::{
    collections::{BTreeSet, HashMap},
    path::Path,
};

use crate::{
    kernel::{
        hwmon::{
            ChipDevices,
            chip::{Chip, chips},
            sensor::read_range,
            sensor_type,
        },
        per_cpu::{self, CpuAttribute, CpuQuantity, cpus},
        thermal::{trip_points, zones},
    },
    metric::{Kind, unit},
    source::{
        Error, Provider, Roots,
        device::{Device, Losses, fact, names, split_number},
        pool::Pool,
        property::Property,
        runtime_pm::PowerStates,
    },
};

static TEMPERATURE: CpuQuantity = CpuQuantity {
    source: "cputemp",
    scope: &[
        "cpu/*/temperature",
        "cpu/all/averageTemperature",
        "cpu/all/minimumTemperature",
        "cpu/all/maximumTemperature",
    ],
    subsystems: &["cpu", "hwmon", "thermal"],
    one: property(
        "temperature",
        "Temperature",
        "Temperature of the processor core, or of the nearest sensor.",
        "temp*_input / 1000 of coretemp (Core), k10temp or zenpower (Tdie, otherwise Tctl) in /sys/class/hwmon, or temp / 1000 of the processor's zone in /sys/class/thermal",
    ),
    all: [
        property(
            "averageTemperature",
            "Average temperature",
            "Average temperature of the processor cores that are online.",
            "mean of cpu/*/temperature: temp*_input / 1000 of coretemp (Core), k10temp or zenpower (Tdie, otherwise Tctl) in /sys/class/hwmon, or temp / 1000 of the processor's zone in /sys/class/thermal",
        ),
        property(
            "minimumTemperature",
            "Minimum temperature",
            "Temperature of the coolest processor core that is online.",
            "minimum of cpu/*/temperature: temp*_input / 1000 of coretemp (Core), k10temp or zenpower (Tdie, otherwise Tctl) in /sys/class/hwmon, or temp / 1000 of the processor's zone in /sys/class/thermal",
        ),
        property(
            "maximumTemperature",
            "Maximum temperature",
            "Temperature of the hottest processor core that is online.",
            "maximum of cpu/*/temperature: temp*_input / 1000 of coretemp (Core), k10temp or zenpower (Tdie, otherwise Tctl) in /sys/class/hwmon, or temp / 1000 of the processor's zone in /sys/class/thermal",
        ),
    ],
    value: |text| sensor_type::TEMPERATURE.parse_value(text),
};

const fn property(
    id: &'static str,
    name: &'static str,
    description: &'static str,
    formula: &'static str,
) -> Property {
    Property::new(id, name, description, formula, unit::CELSIUS, Kind::Gauge)
}

/// The family of the temperatures.
pub(crate) fn family(roots: &Roots, pool: &Pool) -> Provider {
    let sys = roots.sys.clone();
    let losses = Losses::default();
    let mut devices = ChipDevices::new(PowerStates::default(), &losses);
    per_cpu::family(&TEMPERATURE, roots, pool, losses, move || {
        attributes(&sys, &mut devices)
    })
}

/// The position of a CPU: its package, and its core in that package.
struct CpuTopology {
    cpu: u32,
    package: u32,
    core: u32,
}

/// A sensor of a chip: the device, and the prefix of the file names (`temp1`).
type Feature = (Device, String);

fn attributes(sys: &Path, devices: &mut ChipDevices) -> Result<Vec<CpuAttribute>, Error> {
    let topology = topology(sys)?;
    let chips = chips(sys)?;
    let mut cores = HashMap::new();
    for chip in chips.iter().filter(|chip| chip.prefix == "coretemp") {
        let (_, device) = devices.find(chip);
        cores.extend(coretemp_sensors(chip, &device)?);
    }
    let mut dies: Vec<Feature> = Vec::new();
    for chip in &chips {
        if matches!(&*chip.prefix, "k10temp" | "zenpower") {
            let (_, device) = devices.find(chip);
            dies.extend(amd_sensor(chip)?.map(|feature| (device, feature)));
        }
    }
    let packages: BTreeSet<_> = topology.iter().map(|cpu| cpu.package).collect();
    let chip_sensor = |cpu: &CpuTopology| {
        let core = cores.get(&(cpu.package, Some(cpu.core)));
        if let Some(feature) = core.or_else(|| cores.get(&(cpu.package, None))) {
            return Some(feature);
        }
        // Each package has the same number of chips, in the order of their PCI addresses. The kernel does not
        // tell which die of a package a core is on, so the first one is taken.
        let package = packages
            .iter()
            .position(|package| *package == cpu.package)?;
        let per_package = dies.len().checked_div(packages.len())?;
        dies.get(package.checked_mul(per_package)?)
    };
    let attribute = |cpu: &CpuTopology| {
        let (device, feature) = chip_sensor(cpu)?;
        Some(CpuAttribute {
            cpu: cpu.cpu,
            device: device.clone(),
            file: format!("{feature}_input"),
            read_range: {
                let feature = feature.clone();
                Box::new(move |device| read_range(&sensor_type::TEMPERATURE, device, &feature))
            },
        })
    };
    let found: Vec<_> = topology.iter().filter_map(attribute).collect();
    if found.is_empty() {
        return zone_attributes(sys, &topology, devices);
    }
    Ok(found)
}

/// The CPUs that are online; the others have no topology.
fn topology(sys: &Path) -> Result<Vec<CpuTopology>, Error> {
    let topology = |cpu| {
        let directory = sys.join(format!("devices/system/cpu/cpu{cpu}/topology"));
        // A machine with one package may number it -1.
        let number = |file| fact(directory.join(file))?.parse::<i64>().ok();
        Some(CpuTopology {
            cpu,
            package: number("physical_package_id")?.max(0).try_into().ok()?,
            core: number("core_id")?.max(0).try_into().ok()?,
        })
    };
    Ok(cpus(sys)?.into_iter().filter_map(topology).collect())
}

/// The sensors of `coretemp`: one for each core of the package, and one for the package.
///
/// <https://docs.kernel.org/hwmon/coretemp.html>
fn coretemp_sensors(
    chip: &Chip,
    device: &Device,
) -> Result<HashMap<(u32, Option<u32>), Feature>, Error> {
    let labels = labels(chip)?;
    let after = |label: &str, word: &str| label.strip_prefix(word)?.trim().parse::<u32>().ok();
    let package_of =
        |label: &String| after(label, "Package id ").or_else(|| after(label, "Physical id "));
    // Without a sensor of the package, the device name has its number.
    let number = || chip.device.extension()?.to_str()?.parse().ok();
    let package = labels.iter().find_map(|(_, label)| package_of(label));
    let package = package.or_else(number).unwrap_or(0);
    let core = |(feature, label): &(String, String)| {
        let core = after(label, "Core ");
        (core.is_some() || package_of(label).is_some())
            .then(|| ((package, core), (device.clone(), feature.clone())))
    };
    Ok(labels.iter().filter_map(core).collect())
}

/// The sensor of an AMD chip that holds for all its cores: Tdie if there is one, otherwise Tctl, the
/// temperature for the control of fans, which is up to 27 degrees too high on some models.
///
/// <https://docs.kernel.org/hwmon/k10temp.html>
fn amd_sensor(chip: &Chip) -> Result<Option<String>, Error> {
    let labels = labels(chip)?;
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
    Ok(labelled("Tdie").or_else(|| labelled("Tctl")).or_else(only))
}

/// The features of a chip that have labels, and the labels.
fn labels(chip: &Chip) -> Result<Vec<(String, String)>, Error> {
    let names = names(&chip.directory)?;
    let features = names.iter().filter_map(|name| {
        let feature = name
            .strip_suffix("_label")
            .filter(|name| name.starts_with("temp"))?;
        Some((feature.to_owned(), fact(chip.directory.join(name))?))
    });
    Ok(features.collect())
}

/// The zones of a system on a chip: the zone of the CPU if it has one, otherwise that of the processor.
fn zone_attributes(
    sys: &Path,
    topology: &[CpuTopology],
    devices: &mut ChipDevices,
) -> Result<Vec<CpuAttribute>, Error> {
    let zones = zones(sys)?;
    // cpu0-thermal is the zone of one CPU; cpu-thermal, cpu_thermal, cpuss1-thermal and soc-thermal are shared.
    let cpu_number = |kind: &str| match split_number(kind.split(['-', '_']).next()?) {
        ("cpu", number) => number,
        _ => None,
    };
    let is_shared = |kind: &str| {
        let processor = ["cpu", "soc", "x86_pkg_temp"];
        processor.iter().any(|word| kind.starts_with(word)) && cpu_number(kind).is_none()
    };
    let attribute = |cpu: &CpuTopology| {
        let mut of_cpu = zones
            .iter()
            .filter(|zone| cpu_number(&zone.kind) == Some(cpu.cpu));
        let mut shared = zones.iter().filter(|zone| is_shared(&zone.kind));
        let zone = of_cpu.next().or_else(|| shared.next())?;
        let (_, device) = devices.find(&zone.as_chip());
        Some(CpuAttribute {
            cpu: cpu.cpu,
            device,
            file: "temp".to_owned(),
            read_range: Box::new(|device| trip_points(&sensor_type::TEMPERATURE, device, "")),
        })
    };
    Ok(topology.iter().filter_map(attribute).collect())
}

#[cfg(test)]
mod tests;
