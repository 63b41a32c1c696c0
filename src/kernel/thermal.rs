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
    metric::{Group, Object},
    object,
    source::{
        Error,
        device::{Device, fact, names},
    },
};

/// A zone that is present.
pub(crate) struct Zone {
    /// Its type, such as `cpu-thermal` or `acpitz`.
    pub(crate) kind: String,
    /// Its index among the zones of its type, from 1.
    index: usize,
    pub(crate) directory: PathBuf,
}

/// The zones, in the order of their numbers: the order in which the drivers have created them.
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
    /// The name of the chip that the kernel makes of a zone.
    pub(super) fn prefix(&self) -> String {
        self.kind.replace('-', "_")
    }

    /// The zone as a chip, like the one that the kernel would make of it. Each zone has a device of its own.
    pub(crate) fn as_chip(&self) -> Chip {
        Chip {
            prefix: self.prefix(),
            name: format!("{}/temp{}", self.object(), self.index),
            directory: self.directory.clone(),
            device: self.directory.clone(),
            power_device: None,
            // Methods of ACPI may block.
            may_block: self.kind == "acpitz",
        }
    }

    /// The sensor of the zone.
    pub(super) fn sensor(&self, device: &Device) -> Sensor {
        let id = object::escape(self.object().as_bytes());
        let object = Object::new(&self.kind, Group::Sensors);
        let feature = format!("temp{}", self.index);
        Sensor::new(device, (&id, &object), &TEMPERATURE, &feature, "temp", None)
            .with_limits(critical_trip)
    }

    fn object(&self) -> String {
        format!("{}-virtual-0", self.prefix())
    }
}

/// Reads the temperature at which the machine shuts down, the critical trip point, as the largest value.
fn critical_trip(sensor_type: &SensorType, device: &Device, _: &str) -> (Option<f64>, Option<f64>) {
    let mut critical = (0..)
        .map_while(|trip| Some((trip, fact(device.path(&format!("trip_point_{trip}_type")))?)))
        .filter(|(_, kind)| kind == "critical")
        .filter_map(|(trip, _)| fact(device.path(&format!("trip_point_{trip}_temp"))))
        .filter_map(|text| sensor_type.parse_limit(&text));
    (None, critical.next().filter(|&limit| limit > 0.0))
}
