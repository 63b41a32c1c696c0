//! Sensors: what the chips in `/sys/class/hwmon` measure, and the thermal zones that have no chip.
//!
//! <https://docs.kernel.org/hwmon/sysfs-interface.html>

pub(super) mod chip;
mod name;
pub(super) mod sensor;
pub(super) mod sort;
#[cfg(test)]
mod tests;

use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    kernel::hwmon::sensor::Sensor,
    source::{
        Error, NewMember, Roots, Source,
        device::{Device, Place},
        family::{Family, Known, Look},
        guard::{Guard, Queue},
        pool::Pool,
        rest::Powers,
    },
};

use crate::kernel::thermal::{Zone, zones};
pub(super) use chip::{Chip, chips};
pub(super) use sort::TEMPERATURE;

/// What the kernel calls the devices of the family when they come and go.
const SUBSYSTEMS: &[&str] = &["hwmon", "thermal"];

/// The family of `lmsensors`: a member for each value, so that one of a chip with sixty costs one.
pub(super) fn source(roots: &Roots, pool: &Pool, powers: Powers) -> Box<dyn Source> {
    let mut finder = Finder {
        sys: roots.sys.clone(),
        pool: pool.clone(),
        devices: Devices {
            powers,
            ..Devices::default()
        },
        known: Known::default(),
    };
    let find = move || finder.find();
    Family::boxed("lmsensors", &["lmsensors/*/*"], SUBSYSTEMS, find)
}

struct Finder {
    sys: PathBuf,
    pool: Pool,
    devices: Devices,
    known: Known<Arc<str>>,
}

impl Finder {
    fn find(&mut self) -> Result<Vec<NewMember>, Error> {
        let mut look = self.known.look();
        let mut names = HashSet::new();
        let chips = chips(&self.sys)?;
        let zones = zones(&self.sys)?;
        for chip in &chips {
            let (name, device) = self.devices.find(chip);
            let sensors = chip::sensors(chip, &name, &device)?;
            names.insert(name);
            add(&mut look, &self.pool, chip, sensors);
        }
        // The kernel makes a chip of a zone that has its type for its name, a `_` for each `-`.
        // Of a package of Intel's it makes none, but coretemp has the same sensor.
        let has_chip = |zone: &&Zone| {
            let is_package = zone.kind == "x86_pkg_temp";
            let mut prefixes = chips.iter().map(|chip| &chip.prefix);
            prefixes.any(|prefix| *prefix == zone.prefix() || is_package && prefix == "coretemp")
        };
        for zone in zones.iter().filter(|zone| !has_chip(zone)) {
            let chip = zone.as_chip();
            let (name, device) = self.devices.find(&chip);
            names.insert(name);
            add(&mut look, &self.pool, &chip, vec![zone.sensor(&device)]);
        }
        self.devices.named.retain(|name, _| names.contains(name));
        Ok(look.end())
    }
}

fn add(look: &mut Look<'_, Arc<str>>, pool: &Pool, chip: &Chip, sensors: Vec<Sensor>) {
    let queue = Queue::new(pool, chip.owner.to_string_lossy(), chip.may_block);
    for sensor in sensors {
        let id = sensor.metric().id;
        look.find(&id, || Guard::boxed(&queue, sensor));
    }
}

/// The devices that have a name, which they keep as long as they are there.
#[derive(Default)]
pub(super) struct Devices {
    named: HashMap<String, (PathBuf, Device)>,
    powers: Powers,
}

impl Devices {
    /// The name of a chip, and its device, which is now where the chip is.
    ///
    /// Two chips may have one name, as libsensors takes those of ACPI and those without a bus for
    /// unique. Then the first is called so, and another has the name of its device behind.
    pub(super) fn find(&mut self, chip: &Chip) -> (String, Device) {
        let plain = &chip.name;
        let distinct = || {
            let device = chip.owner.file_name().unwrap_or_default();
            format!("{plain}@{}", device.to_string_lossy())
        };
        let owner = |name: &str| self.named.get(name).map(|(owner, _)| owner);
        let name = match owner(plain) {
            Some(owner) if *owner == chip.owner => plain.clone(),
            Some(_) => distinct(),
            // It keeps the longer name when the other has gone.
            None => Some(distinct())
                .filter(|name| owner(name) == Some(&chip.owner))
                .unwrap_or_else(|| plain.clone()),
        };
        let place = || Place {
            directory: chip.directory.clone(),
            power: chip.sleeper.as_deref().map(|device| self.powers.of(device)),
        };
        let (_, device) = self
            .named
            .entry(name.clone())
            .or_insert_with(|| (chip.owner.clone(), Device::new(place())));
        device.moved_to(place());
        (name, device.clone())
    }
}

/// The last part of a path, for what the kernel names in plain UTF-8.
fn last(path: &Path) -> &str {
    path.file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default()
}
