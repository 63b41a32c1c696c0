//! Sensor chips: `/sys/class/hwmon`.
//!
//! <https://docs.kernel.org/hwmon/sysfs-interface.html>

pub(super) mod chip;
mod chip_name;
pub(super) mod chip_names;
pub(super) mod gate;
pub(super) mod sensor;
pub(super) mod sensor_type;

use std::path::Path;

use crate::source::{
    device::{Device, Losses},
    runtime_pm::PowerStates,
};

use chip::Chip;

/// The devices of chips.
pub(super) struct ChipDevices {
    powers: PowerStates,
    losses: Losses,
}

impl ChipDevices {
    pub(super) fn new(powers: PowerStates, losses: &Losses) -> Self {
        Self {
            powers,
            losses: losses.clone(),
        }
    }

    /// The device of a chip.
    pub(super) fn of(&self, chip: &Chip) -> Device {
        let power = chip.power_device.as_deref();
        let power = power.map(|device| self.powers.of(device));
        Device::new(chip.directory.clone(), power, &self.losses)
    }
}

/// The last part of a path that the kernel writes in UTF-8.
fn file_name(path: &Path) -> &str {
    path.file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default()
}
