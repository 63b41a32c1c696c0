//! The temperatures of the CPUs: the sensors of a chip, or the thermal zones, that measure each.

mod chips;
mod placement;
mod topology;
mod zone_name;

use std::{collections::BTreeSet, path::Path, sync::Arc};

use crate::{
    kernel::{
        hwmon::{
            ChipDevices,
            chip::{Chip, chips},
            sensor::read_range,
            sensor_type,
        },
        per_cpu::{CpuMembers, CpuQuantity, CpuSensor, of_unknown_cpus},
        thermal::{trip_points, zones},
    },
    metric::{Kind, unit},
    source::{
        Error, Provider, Roots,
        device::{Device, Losses, fact, names},
        family,
        pool::Pool,
        property::Property,
        runtime_pm::PowerStates,
    },
};

use placement::{Candidate, place};
use topology::Topology;

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
        "temp*_input / 1000 of coretemp (Core), k10temp (Tccd, otherwise Tdie, otherwise Tctl) or another chip of the processor in /sys/class/hwmon, or temp / 1000 of the processor's zone in /sys/class/thermal",
    ),
    all: [
        property(
            "averageTemperature",
            "Average temperature",
            "Average temperature of the processor cores that are online.",
            "mean of cpu/*/temperature, and of the sensors of the processor in /sys/class/hwmon and /sys/class/thermal of which it is not known which CPU they measure",
        ),
        property(
            "minimumTemperature",
            "Minimum temperature",
            "Temperature of the coolest processor core that is online.",
            "minimum of cpu/*/temperature, and of the sensors of the processor in /sys/class/hwmon and /sys/class/thermal of which it is not known which CPU they measure",
        ),
        property(
            "maximumTemperature",
            "Maximum temperature",
            "Temperature of the hottest processor core that is online.",
            "maximum of cpu/*/temperature, and of the sensors of the processor in /sys/class/hwmon and /sys/class/thermal of which it is not known which CPU they measure",
        ),
    ],
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
    let roots = roots.clone();
    let losses = Losses::default();
    let devices = ChipDevices::new(PowerStates::default(), &losses);
    let mut cpus = CpuMembers::new(&TEMPERATURE, &roots, pool);
    family::of_devices(TEMPERATURE.about(), losses, move || {
        let sensors = sensors(&roots, &devices)?;
        Ok(cpus.find(match cpus.are_of_sysfs() {
            true => sensors,
            false => of_unknown_cpus(sensors),
        }))
    })
}

/// A sensor: the device, and what is read of it.
#[derive(Clone)]
struct Sensor {
    device: Device,
    /// The feature of a chip (`temp1`); none of a zone.
    feature: Option<String>,
}

impl Sensor {
    /// The sensor as one of this CPU.
    fn of(&self, cpu: Option<u32>) -> CpuSensor {
        let device = self.device.clone();
        match self.feature.clone() {
            Some(feature) => CpuSensor {
                cpu,
                device,
                files: vec![format!("{feature}_input"), format!("{feature}_average")],
                parse: |text| sensor_type::TEMPERATURE.parse_value(text),
                read_range: Arc::new(move |device| {
                    read_range(&sensor_type::TEMPERATURE, device, &feature)
                }),
                is_counted: true,
            },
            None => CpuSensor {
                cpu,
                device,
                files: vec!["temp".to_owned()],
                parse: |text| sensor_type::ZONE_TEMPERATURE.parse_value(text),
                read_range: Arc::new(|device| {
                    trip_points(&sensor_type::ZONE_TEMPERATURE, device, "")
                }),
                is_counted: true,
            },
        }
    }
}

/// The sensors of the CPUs: those of the processor's own chips, otherwise zones and chips of the firmware.
fn sensors(roots: &Roots, devices: &ChipDevices) -> Result<Vec<CpuSensor>, Error> {
    let sys = &*roots.sys;
    let topology = Topology::read(roots)?;
    let chips = chips(sys).unwrap_or_default();
    let of_chips = chips::sensors(sys, &chips, &topology, devices);
    let is_missing = |cpu: &u32| !of_chips.contains_key(cpu);
    let mut found: Vec<_> = of_chips
        .iter()
        .flat_map(|(cpu, sensors)| sensors.iter().map(|sensor| sensor.of(Some(*cpu))))
        .collect();
    if topology.cpus.is_empty() || topology.all().iter().any(is_missing) {
        let placed = placed_sensors(sys, &chips, &topology, devices)?;
        // A processor with a chip has no sensors of unknown CPUs beside it.
        let is_wanted = |sensor: &CpuSensor| match sensor.cpu {
            Some(cpu) => is_missing(&cpu),
            None => of_chips.is_empty(),
        };
        found.extend(placed.into_iter().filter(is_wanted));
    }
    Ok(found)
}

/// The chips whose sensors the firmware names.
const FIRMWARE_CHIPS: [&str; 4] = ["scpi_sensors", "scmi_sensors", "cpuhwmon", "macsmc_hwmon"];

/// The sensors that are placed by their names: zones that are enabled, and chips of the firmware.
fn placed_sensors(
    sys: &Path,
    chips: &[Chip],
    topology: &Topology,
    devices: &ChipDevices,
) -> Result<Vec<CpuSensor>, Error> {
    let (mut candidates, mut sensors) = (Vec::new(), Vec::new());
    let zones = zones(sys).unwrap_or_default();
    for zone in zones.iter().filter(|zone| zone.is_enabled()) {
        candidates.push(Candidate {
            name: zone.kind.clone(),
            cooled: cooled_cpus(&zone.directory, topology),
        });
        sensors.push(Sensor {
            device: devices.of(&zone.as_chip()),
            feature: None,
        });
    }
    for chip in chips {
        // The kernel makes a chip of a zone. A container may have the chip alone.
        let has_zone = zones.iter().any(|zone| zone.prefix() == chip.prefix);
        let features = match FIRMWARE_CHIPS.contains(&&*chip.prefix) {
            true => chips::labels(chip),
            false if has_zone => continue,
            false => chips::unlabelled(chip),
        };
        let device = devices.of(chip);
        for (feature, name) in features {
            candidates.push(Candidate {
                name,
                cooled: BTreeSet::new(),
            });
            sensors.push(Sensor {
                device: device.clone(),
                feature: Some(feature),
            });
        }
    }
    let placement = place(&candidates, topology);
    let mut found = Vec::new();
    for (cpu, indices) in &placement.of_cpus {
        for &index in indices {
            let mut of_cpus = placement.of_cpus.values();
            let is_whole = of_cpus.all(|indices| indices.contains(&index));
            found.push(CpuSensor {
                // The sensor of the whole tells less than those of its parts.
                is_counted: !is_whole || placement.of_unknown.is_empty(),
                ..sensors[index].of(Some(*cpu))
            });
        }
    }
    let unknown = placement
        .of_unknown
        .iter()
        .map(|&index| sensors[index].of(None));
    found.extend(unknown);
    Ok(found)
}

/// The CPUs that the kernel slows down when a zone is hot: those of its cooling devices.
///
/// <https://docs.kernel.org/driver-api/thermal/sysfs-api.html>
fn cooled_cpus(zone: &Path, topology: &Topology) -> BTreeSet<u32> {
    let names = names(zone).unwrap_or_default();
    let links = names.iter().filter(|name| {
        let number = name.strip_prefix("cdev");
        number.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
    });
    let kinds = links.filter_map(|link| fact(zone.join(link).join("type")));
    let groups = kinds.filter_map(|kind| {
        // `cpufreq-cpu4` has the first CPU of the policy. Linux before 5.13 numbers the policies: `thermal-cpufreq-1`.
        let policies = &topology.policies;
        if let Some(cpu) = kind.strip_prefix("cpufreq-cpu") {
            let cpu = cpu.parse().ok()?;
            let known = policies
                .iter()
                .find(|policy| policy.contains(&cpu))
                .cloned();
            return known.or_else(|| topology.cluster_of(cpu));
        }
        let policy = kind
            .strip_prefix("thermal-cpufreq-")?
            .parse::<usize>()
            .ok()?;
        policies.get(policy).cloned()
    });
    groups.flatten().collect()
}

#[cfg(test)]
mod tests;
