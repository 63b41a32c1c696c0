//! The properties of a battery.

use super::attributes::BatteryAttributes;
use crate::{
    metric::{Kind, unit},
    reading::Fault,
    source::property::Property,
};

const NAME: Property = Property::text(
    "name",
    "Name",
    "Maker and model of the battery.",
    "manufacturer and model_name of /sys/class/power_supply/BATTERY",
);
const STATUS: Property = Property::text(
    "status",
    "Status",
    "State of the battery: Charging, Discharging, Not charging, Full or Unknown.",
    "status of /sys/class/power_supply/BATTERY",
);

const SCOPE: Property = Property::text(
    "scope",
    "Scope",
    "What the battery supplies: System (this machine), or Device (a mouse, a keyboard, a headset).",
    "scope of /sys/class/power_supply/BATTERY, otherwise Device if its device is of the bus hid, and System if not",
);
const CAPACITY_LEVEL: Property = Property::text(
    "capacityLevel",
    "Capacity level",
    "Coarse charge of the battery: Critical, Low, Normal, High, Full or Unknown.",
    "capacity_level of /sys/class/power_supply/BATTERY",
);

/// A text, and the attribute that it needs.
pub(super) type TextProperty = (Property, Option<&'static str>);

/// The texts. Their columns come first, then those of [`PROPERTIES`].
pub(super) static TEXTS: [TextProperty; 4] = [
    (NAME, None),
    (SCOPE, None),
    (STATUS, None),
    (CAPACITY_LEVEL, Some("capacity_level")),
];

/// A property, its function of the attributes, and the attributes of which it needs at least one.
pub(super) type DerivedProperty = (
    Property,
    fn(&BatteryAttributes) -> Result<f64, Fault>,
    &'static [&'static str],
);

macro_rules! gauge {
    ($id:literal, $name:literal, $unit:expr, $description:literal, $formula:literal) => {
        Property::new($id, $name, $description, $formula, $unit, Kind::Gauge)
    };
}

pub(super) static PROPERTIES: [DerivedProperty; 11] = [
    (
        gauge!(
            "design",
            "Design capacity",
            unit::WATT_HOURS,
            "Energy that the battery could hold when it was new.",
            "energy_full_design of /sys/class/power_supply/BATTERY, or charge_full_design × design voltage"
        ),
        BatteryAttributes::design,
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
        BatteryAttributes::full,
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
            "energy_now of /sys/class/power_supply/BATTERY, or charge_now × design voltage; the average where there is no momentary value; at most capacity"
        ),
        BatteryAttributes::charge,
        &["energy_now", "energy_avg", "charge_now", "charge_avg"],
    ),
    (
        gauge!(
            "chargePercentage",
            "Charge percentage",
            unit::PERCENT,
            "Share of its capacity that is in the battery.",
            "capacity of /sys/class/power_supply/BATTERY, or energy_now / energy_full, or charge_now / charge_full; the average where there is no momentary value; at most 100"
        ),
        BatteryAttributes::percentage,
        &[
            "capacity",
            "energy_now",
            "energy_avg",
            "charge_now",
            "charge_avg",
        ],
    ),
    (
        gauge!(
            "chargeRate",
            "Charge rate",
            unit::WATTS,
            "Power that flows into the battery, negative while it discharges.",
            "power_now of /sys/class/power_supply/BATTERY, or current_now × voltage_now, or power_avg, or current_avg × voltage_now, with the sign that status tells"
        ),
        BatteryAttributes::rate,
        &["power_now", "power_avg", "current_now", "current_avg"],
    ),
    (
        gauge!(
            "voltage",
            "Voltage",
            unit::VOLTS,
            "Voltage of the battery.",
            "voltage_now of /sys/class/power_supply/BATTERY, or voltage_avg"
        ),
        BatteryAttributes::voltage,
        &["voltage_now", "voltage_avg"],
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
        BatteryAttributes::cycles,
        &["cycle_count"],
    ),
    (
        gauge!(
            "timeToEmpty",
            "Time to empty",
            unit::SECONDS,
            "Time until the battery is empty, while it discharges.",
            "time_to_empty_now or time_to_empty_avg of /sys/class/power_supply/BATTERY, or charge_now / current_now, or charge / −chargeRate; stale unless it discharges"
        ).short("Until empty"),
        BatteryAttributes::time_to_empty,
        &[
            "time_to_empty_now",
            "time_to_empty_avg",
            "power_now",
            "power_avg",
            "current_now",
            "current_avg",
        ],
    ),
    (
        gauge!(
            "timeToFull",
            "Time to full",
            unit::SECONDS,
            "Time until the battery is full, while it charges.",
            "time_to_full_now or time_to_full_avg of /sys/class/power_supply/BATTERY, or (charge_full − charge_now) / current_now, or (capacity − charge) / chargeRate; stale unless it charges"
        ).short("Until full"),
        BatteryAttributes::time_to_full,
        &[
            "time_to_full_now",
            "time_to_full_avg",
            "power_now",
            "power_avg",
            "current_now",
            "current_avg",
        ],
    ),
];
