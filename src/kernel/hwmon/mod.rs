//! Sensor chips: `/sys/class/hwmon`.
//!
//! <https://docs.kernel.org/hwmon/sysfs-interface.html>

pub(super) mod chip;
mod chip_name;
pub(super) mod gate;
pub(super) mod sensor;
pub(super) mod sensor_type;

use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
};

use crate::source::{
    device::{Device, Losses},
    runtime_pm::PowerStates,
};

use chip::Chip;

/// The devices that have a name. A device keeps its name as long as it is present.
#[derive(Default)]
pub(super) struct ChipDevices {
    named: HashMap<String, PathBuf>,
    powers: PowerStates,
    losses: Losses,
}

impl ChipDevices {
    pub(super) fn new(powers: PowerStates, losses: &Losses) -> Self {
        Self {
            powers,
            losses: losses.clone(),
            ..Self::default()
        }
    }

    /// Forgets the devices that have none of these names.
    pub(super) fn retain(&mut self, names: &HashSet<String>) {
        self.named.retain(|name, _| names.contains(name));
    }

    /// The name of a chip, and its device.
    ///
    /// Two chips may have the same name, because libsensors takes ACPI chips and chips without a bus for
    /// unique. Then the first chip keeps the plain name, and the name of the device is added to that of the
    /// other.
    pub(super) fn find(&mut self, chip: &Chip) -> (String, Device) {
        let plain = &chip.name;
        let distinct = || {
            let device = chip.device.file_name().unwrap_or_default();
            format!("{plain}@{}", device.to_string_lossy())
        };
        let device_of = |name: &str| self.named.get(name);
        let name = match device_of(plain) {
            Some(device) if *device == chip.device => plain.clone(),
            Some(_) => distinct(),
            // A device keeps the longer name when the other one has gone.
            None => Some(distinct())
                .filter(|name| device_of(name) == Some(&chip.device))
                .unwrap_or_else(|| plain.clone()),
        };
        self.named
            .entry(name.clone())
            .or_insert_with(|| chip.device.clone());
        let power = chip.power_device.as_deref();
        let power = power.map(|device| self.powers.of(device));
        let device = Device::new(chip.directory.clone(), power, &self.losses);
        (name, device)
    }
}

/// The last part of a path that the kernel writes in UTF-8.
fn file_name(path: &Path) -> &str {
    path.file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default()
}
