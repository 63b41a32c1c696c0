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
        gate::ZoneMode,
        sensor::Sensor,
        sensor_type::{SensorType, ZONE_TEMPERATURE},
    },
    metric::{Group, Limits, Object},
    object,
    source::{
        Error,
        device::{Device, fact, names},
        property::Range,
    },
};

/// A zone that is present.
pub(crate) struct Zone {
    /// Its type, such as `cpu-thermal` or `acpitz`.
    pub(crate) kind: String,
    /// Its index among the zones of its type, from 1, in the order of their devices in the firmware, which is the same
    /// whenever they are registered.
    index: usize,
    pub(crate) directory: PathBuf,
}

/// The type of a zone without a sensor: its driver writes 20 °C
/// (drivers/thermal/intel/int340x_thermal/int3400_thermal.c).
const WITHOUT_SENSOR: &str = "INT3400 Thermal";

/// The zones that have a sensor, in the order of their numbers: the order in which the drivers have created them.
pub(crate) fn zones(sys: &Path) -> Result<Vec<Zone>, Error> {
    let class = sys.join("class/thermal");
    let zone = |name: &String| {
        let directory = fs::canonicalize(class.join(name)).ok()?;
        let kind = fact(directory.join("type")).filter(|kind| kind != WITHOUT_SENSOR)?;
        Some(Zone {
            index: 0,
            kind,
            directory,
        })
    };
    let names = names(&class)?;
    let names = names.iter().filter(|name| name.starts_with("thermal_zone"));
    let mut zones: Vec<_> = names.filter_map(zone).collect();
    let mut in_order: Vec<_> = zones.iter_mut().collect();
    in_order.sort_by_cached_key(|zone| fs::canonicalize(zone.directory.join("device")).ok());
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for zone in in_order {
        let index = counts.entry(&zone.kind).or_default();
        *index = index.saturating_add(1);
        zone.index = *index;
    }
    Ok(zones)
}

impl Zone {
    /// Whether the kernel manages the zone: see [`ZoneMode`].
    pub(crate) fn is_enabled(&self) -> bool {
        fact(self.directory.join("mode")).is_none_or(|mode| mode != "disabled")
    }

    /// The name of the chip that the kernel makes of a zone.
    pub(crate) fn prefix(&self) -> String {
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
        let files = vec!["temp".to_owned()];
        let of = (&*id, &object);
        Sensor::new(device, of, &ZONE_TEMPERATURE, &feature, files, None)
            .with_range(trip_points)
            .with_gate(Some(Box::new(ZoneMode::new(device, "mode"))))
    }

    fn object(&self) -> String {
        format!("{}-virtual-0", self.prefix())
    }
}

/// Reads the trip points. At `critical` the machine shuts down. At `hot` the kernel warns, and at `passive` it slows
/// devices down.
pub(crate) fn trip_points(sensor_type: &SensorType, device: &Device, _: &str) -> Range {
    let points = (0..)
        .map_while(|trip| Some((trip, fact(device.path(&format!("trip_point_{trip}_type")))?)));
    let points: Vec<(i32, String)> = points.collect();
    let lowest = |wanted: &str| {
        let of_kind = points.iter().filter(|(_, kind)| kind == wanted);
        let temperatures = of_kind.filter_map(|(trip, _)| {
            let text = fact(device.path(&format!("trip_point_{trip}_temp")))?;
            // A trip point that is switched off has 0 or a negative temperature.
            sensor_type.parse_limit(&text).filter(|&limit| limit > 0.0)
        });
        temperatures.reduce(f64::min)
    };
    let warning = lowest("hot").or_else(|| lowest("passive"));
    Range {
        limits: Limits::upper(warning, lowest("critical")),
        ..Range::default()
    }
}
