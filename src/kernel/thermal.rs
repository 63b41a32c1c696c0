//! Thermal zones: `/sys/class/thermal/thermal_zone*`.
//!
//! <https://docs.kernel.org/driver-api/thermal/sysfs-api.html>

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
};

use crate::{
    kernel::hwmon::{
        chip::Chip,
        sensor::Sensor,
        sensor_type::{SensorType, TEMPERATURE},
    },
    object,
    source::{
        Error,
        device::{Device, fact, names},
    },
};

/// A zone that is there.
pub(crate) struct Zone {
    /// Its type, such as `cpu-thermal` or `acpitz`.
    pub(crate) kind: String,
    /// Its place among those of its type, from 1.
    index: usize,
    pub(crate) directory: PathBuf,
}

/// The zones, in the order of their numbers, which is that in which the drivers have made them.
pub(crate) fn zones(sys: &Path) -> Result<Vec<Zone>, Error> {
    let class = sys.join("class/thermal");
    let mut counts: HashMap<String, usize> = HashMap::new();
    let zone = |name: &String| {
        let directory = fs::canonicalize(class.join(name)).ok()?;
        let kind = fact(directory.join("type"))?;
        let index = counts.entry(kind.clone()).or_default();
        *index = index.saturating_add(1);
        Some(Zone {
            index: *index,
            kind,
            directory,
        })
    };
    let names = names(&class)?;
    let zones = names.iter().filter(|name| name.starts_with("thermal_zone"));
    Ok(zones.filter_map(zone).collect())
}

impl Zone {
    /// What the kernel calls the chip that it makes of a zone, where it does.
    pub(super) fn prefix(&self) -> String {
        self.kind.replace('-', "_")
    }

    /// The zone as if the kernel had made a chip of it, but with each sensor on its own.
    pub(crate) fn as_chip(&self) -> Chip {
        Chip {
            prefix: self.prefix(),
            name: format!("{}/temp{}", self.object(), self.index),
            directory: self.directory.clone(),
            device: self.directory.clone(),
            power_device: None,
            // Methods of ACPI may sleep.
            may_block: self.kind == "acpitz",
        }
    }

    /// The sensor of the zone.
    pub(super) fn sensor(&self, device: &Device) -> Sensor {
        let object = object::escape(self.object().as_bytes());
        let feature = format!("temp{}", self.index);
        Sensor::new(device, &object, &TEMPERATURE, &feature, "temp", None)
            .with_limits(critical_trip)
    }

    fn object(&self) -> String {
        format!("{}-virtual-0", self.prefix())
    }
}

/// The largest value is where the machine is switched off: the trip point that is critical.
fn critical_trip(sensor_type: &SensorType, device: &Device, _: &str) -> (Option<f64>, Option<f64>) {
    let mut critical = (0..)
        .map_while(|trip| Some((trip, fact(device.path(&format!("trip_point_{trip}_type")))?)))
        .filter(|(_, kind)| kind == "critical")
        .filter_map(|(trip, _)| fact(device.path(&format!("trip_point_{trip}_temp"))))
        .filter_map(|text| sensor_type.parse_limit(&text));
    (None, critical.next().filter(|&limit| limit > 0.0))
}
