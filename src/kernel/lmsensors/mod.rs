//! The sensors that libsensors shows: those of the chips in `/sys/class/hwmon`, and the thermal zones that have
//! no chip.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::{
    kernel::{
        hwmon::{
            ChipDevices,
            chip::{Chip, chips, sensors},
            chip_names::ChipNames,
            sensor::{NAME, SCOPE, SUBSYSTEMS, Sensor},
        },
        thermal::{Zone, zones},
    },
    source::{
        About, Error, NewMember, Provider, Roots,
        device::{Device, Losses, Registration},
        family::{self, Members, Probe},
        offload::{Offload, SourceQueue},
        pool::Pool,
        runtime_pm::PowerStates,
    },
};

/// The family of `lmsensors`. It has a member for each value, so that reading one value of a chip with sixty
/// reads one file.
pub(super) fn family(roots: &Roots, pool: &Pool, powers: PowerStates) -> Provider {
    let losses = Losses::default();
    let mut finder = SensorFinder {
        roots: roots.clone(),
        pool: pool.clone(),
        devices: ChipDevices::new(powers, &losses),
        names: ChipNames::default(),
        members: Members::default(),
    };
    let about = About::new(NAME, SCOPE).of_devices(SUBSYSTEMS);
    family::of_devices(about, losses, move || finder.find())
}

/// The id of a sensor, and the registration of its device.
type SensorKey = (Arc<str>, Option<Registration>);

struct SensorFinder {
    roots: Roots,
    pool: Pool,
    devices: ChipDevices,
    names: ChipNames,
    members: Members<SensorKey>,
}

impl SensorFinder {
    fn find(&mut self) -> Result<Vec<NewMember>, Error> {
        let mut probe = self.members.probe();
        // A class that cannot be listed does not take the other with it.
        let (chips, zones) = match (chips(&self.roots.sys), zones(&self.roots.sys)) {
            (Err(error), Err(_)) => return Err(error),
            (chips, zones) => (chips.unwrap_or_default(), zones.unwrap_or_default()),
        };
        for (chip, name) in chips.iter().zip(self.names.of(&chips)) {
            let device = self.devices.of(chip);
            // The directory of a chip that is just going cannot be listed.
            let found = sensors(chip, &name, &device, &self.roots.proc).unwrap_or_default();
            add(&mut probe, &self.pool, chip, &device, found);
        }
        // The kernel makes a chip of a zone. The chip has the type of the zone as its name, with `_` for each
        // `-`. It makes none of an Intel package, whose sensor coretemp has.
        let has_chip = |zone: &&Zone| {
            let is_package = zone.kind == "x86_pkg_temp";
            let mut prefixes = chips.iter().map(|chip| &chip.prefix);
            prefixes.any(|prefix| *prefix == zone.prefix() || is_package && prefix == "coretemp")
        };
        for zone in zones.iter().filter(|zone| !has_chip(zone)) {
            let chip = zone.as_chip();
            let device = self.devices.of(&chip);
            let sensors = vec![zone.sensor(&device)];
            add(&mut probe, &self.pool, &chip, &device, sensors);
        }
        Ok(probe.finish())
    }
}

fn add(
    probe: &mut Probe<'_, SensorKey>,
    pool: &Pool,
    chip: &Chip,
    device: &Device,
    sensors: Vec<Sensor>,
) {
    let queue = SourceQueue::new(pool, chip.device.to_string_lossy(), chip.may_block);
    for sensor in sensors {
        let key = (sensor.metric().id, device.registration());
        probe.find(&key, || Offload::boxed(&queue, sensor));
    }
}
