//! Chips in `/sys/class/hwmon`, and their files.

use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
};

use crate::{
    kernel::hwmon::{
        chip_name::{BusDevice, chip_name},
        file_name,
        gate::{DriveActivity, Gate, ZoneMode},
        sensor::Sensor,
        sensor_type::{ALARM, PWM, SENSOR_TYPES, SensorType, TEMPERATURE, ZONE_TEMPERATURE},
    },
    metric::{Group, Object},
    object,
    source::{
        Error,
        device::{Device, ancestors, fact, names, runtime_managed},
    },
};

/// A chip that is present.
pub(crate) struct Chip {
    /// The name that the driver gives the chip; libsensors calls it the prefix.
    pub(crate) prefix: String,
    /// The name that libsensors gives the chip.
    pub(crate) name: String,
    /// The directory of its files.
    pub(crate) directory: PathBuf,
    /// The directory of the device. It distinguishes chips of the same name.
    pub(crate) device: PathBuf,
    /// The directory of the device whose runtime power management suspends the chip, if any. Waking it costs more than a
    /// measurement: it is a card, a drive or a device on USB.
    pub(crate) power_device: Option<PathBuf>,
    /// Whether a reading may take long or never end: the driver asks over a bus with a controller of its own,
    /// or asks the firmware of a drive.
    pub(crate) may_block: bool,
}

/// The chips, in the order of their device directories, which is the same at every start.
pub(crate) fn chips(sys: &Path) -> Result<Vec<Chip>, Error> {
    let class = sys.join("class/hwmon");
    let numbered = names(&class)?;
    let found = numbered
        .iter()
        .filter_map(|name| chip(sys, &class.join(name)));
    let mut chips: Vec<_> = found.collect();
    chips.sort_by(|one, other| one.device.cmp(&other.device));
    Ok(chips)
}

/// The chip of a directory in `/sys/class/hwmon`; none if it has no name.
fn chip(sys: &Path, link: &Path) -> Option<Chip> {
    let class = fs::canonicalize(link).ok()?;
    let devices: Vec<_> = ancestors(&class).collect();
    // Before Linux 3.13, some drivers have their files in the directory of the device.
    let mut directories = [Some(&class), devices.first()].into_iter().flatten();
    let (directory, prefix) =
        directories.find_map(|each| Some((each.clone(), fact(each.join("name"))?)))?;
    let subsystems: Vec<_> = devices.iter().map(|each| subsystem(each)).collect();
    let bus_devices = devices
        .iter()
        .zip(&subsystems)
        .map(|(device, subsystem)| BusDevice {
            name: file_name(device),
            subsystem: subsystem.as_deref(),
        });
    let is_isa = |bus: u16| {
        let adapter = sys.join(format!("class/i2c-adapter/i2c-{bus}/device/name"));
        fact(adapter).is_some_and(|name| name.starts_with("ISA "))
    };
    let name = chip_name(&prefix, bus_devices, is_isa);
    let blocks = |subsystem: &Option<String>| {
        let blocking = [
            "i2c", "spi", "scsi", "nvme", "hid", "usb", "acpi", "mdio_bus",
        ];
        subsystem
            .as_deref()
            .is_some_and(|each| blocking.contains(&each))
    };
    Some(Chip {
        name,
        power_device: runtime_managed(&devices)
            .filter(|device| !is_sensor(device))
            .map(Path::to_owned),
        may_block: subsystems.iter().any(blocks),
        device: devices.first().unwrap_or(&class).clone(),
        prefix,
        directory,
    })
}

impl Chip {
    /// The type of a sensor of this chip that has files of this type.
    fn sensor_type(&self, of_files: &'static SensorType) -> &'static SensorType {
        match self.is_of_zone() && std::ptr::eq(of_files, &TEMPERATURE) {
            true => &ZONE_TEMPERATURE,
            false => of_files,
        }
    }

    /// Whether the kernel has made the chip of a thermal zone.
    fn is_of_zone(&self) -> bool {
        subsystem(&self.device).is_some_and(|subsystem| subsystem == "thermal")
    }

    /// The condition under which its sensors are not read.
    fn gate(&self, device: &Device, proc: &Path) -> Option<Box<dyn Gate>> {
        if self.prefix == "drivetemp" {
            // The chip belongs to the SCSI device, as the disk does.
            let disks = names(&self.device.join("block")).unwrap_or_default();
            let disk = format!("device/block/{}", disks.first().map_or("", String::as_str));
            return Some(Box::new(DriveActivity::new(device, &disk, proc)));
        }
        let gate = || Box::new(ZoneMode::new(device, "device/mode")) as Box<dyn Gate>;
        self.is_of_zone().then(gate)
    }

    /// The object of its metrics: the label that the firmware or the administrator gives the chip, the model of the
    /// drive that it is in, or its name.
    pub(crate) fn object(&self) -> Object {
        let label = fact(self.directory.join("label"));
        let title = label.or_else(|| fact(self.device.join("model")));
        Object::new(title.as_ref().unwrap_or(&self.name), Group::Sensors)
    }
}

/// Whether a device measures and does nothing else: its driver resumes it for the time of an answer, if it has to. It would
/// be asleep for ever if it suspends after each.
fn is_sensor(device: &Path) -> bool {
    const BUSES: [&str; 7] = [
        "acpi",
        "i2c",
        "i3c",
        "platform",
        "power_supply",
        "spi",
        "w1",
    ];
    subsystem(device).is_some_and(|subsystem| BUSES.contains(&&*subsystem))
}

/// The subsystem of a device: the last part of the link's target.
fn subsystem(device: &Path) -> Option<String> {
    let target = fs::read_link(device.join("subsystem")).ok()?;
    Some(file_name(&target).to_owned())
}

/// The sensors and alarms of a chip, in the order of their file names. Reads no value.
pub(crate) fn sensors(
    chip: &Chip,
    name: &str,
    device: &Device,
    proc: &Path,
) -> Result<Vec<Sensor>, Error> {
    let id = object::escape(name.as_bytes());
    let object = chip.object();
    let files = names(&chip.directory)?;
    let all: HashSet<_> = files.iter().map(String::as_str).collect();
    let mut sensors = Vec::new();
    for file in &files {
        let Some((feature, sensor_type, item)) = split_file_name(file) else {
            continue;
        };
        let input = format!("{feature}_input");
        let average = sensor_type
            .has_average
            .then(|| format!("{feature}_average"));
        let values = match item {
            "input" => [Some(input), average.filter(|file| all.contains(&**file))],
            // A chip that measures an average may have no present value.
            "average" if !all.contains(&*input) => [average, None],
            "" => [Some(file.clone()), None],
            _ => [None, None],
        };
        let values: Vec<_> = values.into_iter().flatten().collect();
        let (sensor_type, property, values, fault) = if !values.is_empty() {
            let fault = format!("{feature}_fault");
            let fault = Some(fault).filter(|fault| all.contains(&**fault));
            (chip.sensor_type(sensor_type), feature, values, fault)
        } else if item == "alarm" || item.ends_with("_alarm") {
            (&ALARM, &**file, vec![file.clone()], None)
        } else {
            continue;
        };
        let sensor = Sensor::new(device, (&id, &object), sensor_type, property, values, fault);
        sensors.push(sensor.with_gate(chip.gate(device, proc)));
    }
    Ok(sensors)
}

/// The feature of a file, its type, and the item of the feature: `temp1_crit_alarm`. The control of a fan has no item.
fn split_file_name(file: &str) -> Option<(&str, &'static SensorType, &str)> {
    let (feature, item) = file.split_once('_').unwrap_or((file, ""));
    let prefix = feature.trim_end_matches(|end: char| end.is_ascii_digit());
    let sensor_type = SENSOR_TYPES
        .iter()
        .find(|sensor_type| sensor_type.prefix == prefix)?;
    let is_value_without_item = std::ptr::eq(*sensor_type, &PWM);
    let is_sensor = prefix.len() < feature.len() && is_value_without_item == item.is_empty();
    is_sensor.then_some((feature, *sensor_type, item))
}
