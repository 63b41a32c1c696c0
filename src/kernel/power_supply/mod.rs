//! Power supplies: batteries and adapters, `/sys/class/power_supply`.
//!
//! A supply is read whether or not its chip is suspended. A driver answers from its memory, or resumes the chip for the
//! time of the answer (`bq24190_battery_get_property` and many others take a reference and let it autosuspend). Such a
//! chip sleeps again after each of its uevents, for which the kernel reads all attributes of the supply
//! (`power_supply_uevent`), so that a reader that waited until something else has resumed it would have no value.

mod adapter;
mod attributes;
mod battery;
mod files;
mod properties;
mod ranges;
mod scope;
#[cfg(test)]
mod tests;
mod values;

use std::{
    collections::HashSet,
    fs, iter,
    path::{Path, PathBuf},
};

use crate::source::{
    About, Error, NewMember, Provider, Roots,
    device::{Device, Losses, Registration, fact, names},
    family::{self, Members},
    offload::{Offload, SourceQueue},
    pool::Pool,
};

/// The family of the power supplies.
pub(super) fn family(roots: &Roots, pool: &Pool) -> Provider {
    let losses = Losses::default();
    let mut supplies = SupplyFinder {
        class: roots.sys.join("class/power_supply"),
        pool: pool.clone(),
        losses: losses.clone(),
        members: Members::default(),
    };
    let about = About::new("power", &["power/*/*"]).of_devices(&["power_supply"]);
    family::of_devices(about, losses, move || supplies.find())
}

/// Finds the power supplies.
struct SupplyFinder {
    class: PathBuf,
    pool: Pool,
    losses: Losses,
    /// By the name of their object and the registration of their device. The serial number is part of the name.
    members: Members<(String, Option<Registration>)>,
}

impl SupplyFinder {
    fn find(&mut self) -> Result<Vec<NewMember>, Error> {
        let mut probe = self.members.probe();
        let mut taken = HashSet::new();
        for supply in names(&self.class)? {
            let Ok(directory) = fs::canonicalize(self.class.join(&supply)) else {
                continue;
            };
            let is_battery = is_battery(&directory);
            if is_battery && is_empty(&directory) {
                continue;
            }
            let serial = is_battery.then(|| fact(directory.join("serial_number")));
            let serial = serial.flatten().as_deref().and_then(battery::serial);
            let name = match &serial {
                Some(serial) => serial.clone(),
                None if is_battery => format!("battery_{supply}"),
                None => supply,
            };
            let object = distinct(&mut taken, name);
            let device = Device::new(directory.clone(), None, &self.losses);
            // All drivers ask the firmware, over a bus or by a method of ACPI.
            probe.find(&(object.clone(), device.registration()), || {
                let queue = SourceQueue::new(&self.pool, directory.to_string_lossy(), true);
                match is_battery {
                    true => Offload::boxed(&queue, battery::Battery::new(&device, &object, serial)),
                    false => Offload::boxed(&queue, adapter::Adapter::new(&device, &object)),
                }
            });
        }
        Ok(probe.finish())
    }
}

/// A name that no other supply has. Of several batteries with one serial number, the one in the lowest slot has the plain
/// name, and the others have `#2` and so on.
fn distinct(taken: &mut HashSet<String>, name: String) -> String {
    let numbered = (2_u32..).map(|number| format!("{name}#{number}"));
    let mut names = iter::once(name.clone()).chain(numbered);
    names
        .find(|name| taken.insert(name.clone()))
        .unwrap_or(name)
}

/// Whether a supply stores energy, as its type says. Android has the type BMS for a fuel gauge, and others for chargers.
/// A driver that does not know yet what is plugged in says Unknown.
fn is_battery(directory: &Path) -> bool {
    match fact(directory.join("type")).as_deref() {
        Some("Battery" | "UPS" | "BMS") => true,
        Some("Mains" | "Wireless") => false,
        Some(kind) if kind.starts_with("USB") => false,
        _ => {
            let has = |file: &&str| directory.join(file).exists();
            let of_charge = ["capacity", "capacity_level", "charge_now", "energy_now"];
            of_charge.iter().any(has) || !has(&"online")
        }
    }
}

/// Whether the directory is that of a bay without a battery. All its other attributes are then 0 or fail.
fn is_empty(directory: &Path) -> bool {
    fact(directory.join("present")).is_some_and(|present| present == "0")
}
