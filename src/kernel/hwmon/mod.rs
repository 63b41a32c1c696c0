//! Sensor chips: `/sys/class/hwmon`.
//!
//! <https://docs.kernel.org/hwmon/sysfs-interface.html>

pub(super) mod chip;
mod name;
pub(super) mod sensor;
pub(super) mod sensor_type;

use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
};

use crate::source::{
    device::{Device, Location},
    runtime_pm::PowerStates,
};

use chip::Chip;

/// The devices that have a name, which they keep as long as they are there.
#[derive(Default)]
pub(super) struct Devices {
    named: HashMap<String, (PathBuf, Device)>,
    powers: PowerStates,
}

impl Devices {
    pub(super) fn new(powers: PowerStates) -> Self {
        Self {
            powers,
            ..Self::default()
        }
    }

    /// Forgets the devices that have none of these names.
    pub(super) fn retain(&mut self, names: &HashSet<String>) {
        self.named.retain(|name, _| names.contains(name));
    }

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
        let location = || Location {
            directory: chip.directory.clone(),
            power: chip.sleeper.as_deref().map(|device| self.powers.of(device)),
        };
        let (_, device) = self
            .named
            .entry(name.clone())
            .or_insert_with(|| (chip.owner.clone(), Device::new(location())));
        device.moved_to(location());
        (name, device.clone())
    }
}

/// The last part of a path, for what the kernel names in plain UTF-8.
fn last(path: &Path) -> &str {
    path.file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default()
}
