//! A battery. Drivers count energy or charge.
//!
//! <https://docs.kernel.org/power/power_supply_class.html>

use std::{path::PathBuf, sync::Arc};

use nix::libc;

use crate::{
    kernel::power_supply::attributes::{ATTRIBUTES, BatteryAttributes, STATUS},
    metric::{Group, Kind, Metric, Object, unit},
    rate::Formula,
    reading::{Fault, Raw},
    source::{
        About, Error, Source,
        device::{Attribute, Device, fact},
        offload::Offloadable,
        parse,
        property::Property,
    },
};

/// One battery.
pub(super) struct Battery {
    device: Device,
    /// Its object in ids.
    id: String,
    /// The attributes in the order of [`ATTRIBUTES`], including those that the battery lacks: the next battery
    /// may have them.
    files: Vec<Attribute>,
    /// Maker and model, read by discovery.
    name: Arc<str>,
    object: Object,
}

const NAME: Property = Property::text(
    "name",
    "Name",
    "Maker and model of the battery.",
    "manufacturer and model_name of /sys/class/power_supply/BATTERY",
);
const STATUS_PROPERTY: Property = Property::text(
    "status",
    "Status",
    "State of the battery: Charging, Discharging, Not charging, Full or Unknown.",
    "status of /sys/class/power_supply/BATTERY",
);

/// The columns of the texts come first, then those of [`PROPERTIES`].
const TEXTS: usize = 2;

/// A property, its function of the attributes, and the attributes of which it needs at least one.
type DerivedProperty = (
    Property,
    fn(&BatteryAttributes) -> Result<f64, Fault>,
    &'static [&'static str],
);

macro_rules! gauge {
    ($id:literal, $name:literal, $unit:expr, $description:literal, $formula:literal) => {
        Property::new($id, $name, $description, $formula, $unit, Kind::Gauge)
    };
}

static PROPERTIES: [DerivedProperty; 11] = [
    (
        gauge!(
            "design",
            "Design capacity",
            unit::WATT_HOURS,
            "Energy that the battery could hold when it was new.",
            "energy_full_design of /sys/class/power_supply/BATTERY, or charge_full_design × design voltage"
        ),
        |attributes| attributes.energy("energy_full_design", "charge_full_design"),
        &["energy_full_design", "charge_full_design"],
    ),
    (
        gauge!(
            "capacity",
            "Capacity",
            unit::WATT_HOURS,
            "Energy that the full battery holds now.",
            "energy_full of /sys/class/power_supply/BATTERY, or charge_full × design voltage"
        ),
        |attributes| attributes.energy("energy_full", "charge_full"),
        &["energy_full", "charge_full"],
    ),
    (
        gauge!(
            "health",
            "Health",
            unit::PERCENT,
            "Share of its design capacity that the battery can still hold.",
            "energy_full / energy_full_design of /sys/class/power_supply/BATTERY, or charge_full / charge_full_design, at most 100"
        ),
        BatteryAttributes::health,
        &["energy_full_design", "charge_full_design"],
    ),
    (
        gauge!(
            "charge",
            "Charge",
            unit::WATT_HOURS,
            "Energy in the battery.",
            "energy_now of /sys/class/power_supply/BATTERY, or charge_now × design voltage"
        ),
        |attributes| attributes.energy("energy_now", "charge_now"),
        &["energy_now", "charge_now"],
    ),
    (
        gauge!(
            "chargePercentage",
            "Charge percentage",
            unit::PERCENT,
            "Share of its capacity that is in the battery.",
            "capacity of /sys/class/power_supply/BATTERY, or energy_now / energy_full, or charge_now / charge_full"
        ),
        BatteryAttributes::percentage,
        &["capacity", "energy_now", "charge_now"],
    ),
    (
        gauge!(
            "chargeRate",
            "Charge rate",
            unit::WATTS,
            "Power that flows into the battery, negative while it discharges.",
            "power_now of /sys/class/power_supply/BATTERY, or current_now × voltage_now, with the sign that status tells"
        ),
        BatteryAttributes::rate,
        &["power_now", "current_now"],
    ),
    (
        gauge!(
            "voltage",
            "Voltage",
            unit::VOLTS,
            "Voltage of the battery.",
            "voltage_now of /sys/class/power_supply/BATTERY"
        ),
        |attributes| Ok(attributes.number("voltage_now")? / 1e6),
        &["voltage_now"],
    ),
    (
        gauge!(
            "temperature",
            "Temperature",
            unit::CELSIUS,
            "Temperature of the battery.",
            "temp / 10 of /sys/class/power_supply/BATTERY"
        ),
        BatteryAttributes::temperature,
        &["temp"],
    ),
    (
        gauge!(
            "cycles",
            "Charge cycles",
            unit::ONE,
            "Number of times that the battery has been charged and discharged.",
            "cycle_count of /sys/class/power_supply/BATTERY"
        ),
        |attributes| attributes.number("cycle_count"),
        &["cycle_count"],
    ),
    (
        gauge!(
            "timeToEmpty",
            "Time to empty",
            unit::SECONDS,
            "Time until the battery is empty, while it discharges.",
            "time_to_empty_now or time_to_empty_avg of /sys/class/power_supply/BATTERY, or charge / −chargeRate; stale unless it discharges"
        ),
        BatteryAttributes::time_to_empty,
        &[
            "time_to_empty_now",
            "time_to_empty_avg",
            "power_now",
            "current_now",
        ],
    ),
    (
        gauge!(
            "timeToFull",
            "Time to full",
            unit::SECONDS,
            "Time until the battery is full, while it charges.",
            "time_to_full_now or time_to_full_avg of /sys/class/power_supply/BATTERY, or (capacity − charge) / chargeRate; stale unless it charges"
        ),
        BatteryAttributes::time_to_full,
        &[
            "time_to_full_now",
            "time_to_full_avg",
            "power_now",
            "current_now",
        ],
    ),
];

impl Battery {
    pub(super) fn new(device: &Device, id: &str) -> Self {
        let attribute = |file: &&str| device.attribute(file);
        Self {
            device: device.clone(),
            id: id.to_owned(),
            files: ATTRIBUTES.iter().map(attribute).collect(),
            name: id.into(),
            object: Object::new(id, Group::Power),
        }
    }

    fn read_attributes(&mut self) -> BatteryAttributes {
        let mut attributes = BatteryAttributes {
            status: Err(Fault::Gone),
            numbers: [Err(Fault::Gone); ATTRIBUTES.len()],
        };
        for (index, file) in self.files.iter_mut().enumerate() {
            let text = file.read().map_err(|error| attribute_fault(&error));
            if ATTRIBUTES[index] == STATUS {
                attributes.status = text.map(parse::text);
                continue;
            }
            let number = |text: &[u8]| parse::signed(text.trim_ascii()).ok_or(Fault::Malformed);
            attributes.numbers[index] = text.and_then(number).map(|number| number as f64);
        }
        attributes
    }

    /// The metrics of the properties for which `has` is true, and those of the texts.
    fn metrics_of(&self, has: impl Fn(&DerivedProperty) -> bool) -> Vec<Metric> {
        let texts = [&NAME, &STATUS_PROPERTY].into_iter().enumerate();
        let numbers = PROPERTIES.iter().enumerate().filter(|(_, each)| has(each));
        let numbers =
            numbers.map(|(index, (property, ..))| (TEXTS.saturating_add(index), property));
        let metric = |(column, property): (usize, &Property)| {
            let formula = Formula::Level(column);
            let mut metric = property.of("power", self.id.as_bytes(), &self.object, formula);
            if metric.id.ends_with("/chargeRate") {
                metric.minimum = None;
            }
            metric
        };
        texts.chain(numbers).map(metric).collect()
    }
}

/// The fault of an attribute. ENODEV of a battery that is present, as ACPI answers, means that it does not know
/// the value now.
fn attribute_fault(error: &Error) -> Fault {
    match error {
        Error::Io { cause, .. } if cause.raw_os_error() == Some(libc::ENODEV) => Fault::Stale,
        error => error.fault(),
    }
}

impl Source for Battery {
    fn about(&self) -> About<'_> {
        About::new("power", &["power/*/*"]).of_devices(&["power_supply"])
    }

    fn discover(&mut self) -> Result<Vec<Metric>, Error> {
        if !self.path().exists() {
            return Ok(Vec::new());
        }
        let facts = ["manufacturer", "model_name"].map(|file| fact(self.device.path(file)));
        let facts: Vec<_> = facts.into_iter().flatten().collect();
        if !facts.is_empty() {
            self.name = facts.join(" ").into();
        }
        if let Some(title) = facts.last() {
            self.object = Object::new(title, Group::Power);
        }
        let has = |file: &&str| self.device.path(file).exists();
        Ok(self.metrics_of(|(_, _, files)| files.iter().any(has)))
    }

    fn read(&mut self, columns: &mut Vec<Raw>) -> Result<(), Error> {
        if let Err(fault) = self.device.may_be_read() {
            columns.resize(TEXTS.saturating_add(PROPERTIES.len()), Raw::Fault(fault));
            return Ok(());
        }
        let attributes = self.read_attributes();
        columns.push(Raw::Text(self.name.clone()));
        columns.push(match &attributes.status {
            Ok(status) => Raw::Text(status.clone()),
            Err(fault) => Raw::Fault(*fault),
        });
        let values = PROPERTIES.iter().map(|(_, derive, _)| derive(&attributes));
        columns.extend(values.map(|value| value.map_or_else(Raw::Fault, Raw::Number)));
        Ok(())
    }
}

impl Offloadable for Battery {
    fn metrics(&self) -> Vec<Metric> {
        self.metrics_of(|_| true)
    }

    fn path(&self) -> PathBuf {
        self.device.path("type")
    }
}
