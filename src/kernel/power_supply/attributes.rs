//! The attributes of a battery at one moment.
//!
//! <https://docs.kernel.org/power/power_supply_class.html> and Documentation/ABI/testing/sysfs-class-power

use std::sync::Arc;

use super::files::supply_record;

supply_record! {
    /// The attributes of a battery. One that it lacks is gone. A `_now` is of this moment, an `_avg` an average of the
    /// hardware.
    BatteryAttributes {
        /// Whether a battery is in the bay: 0 or 1.
        present: f64,
        /// Of a device: whether it can be asked, 0 or 1. Of other batteries it has several meanings.
        online: f64,
        /// Charging, Discharging, Not charging, Full or Unknown.
        status: Arc<str>,
        /// Per cent.
        capacity: f64,
        /// Critical, Low, Normal, High, Full or Unknown.
        capacity_level: Arc<str>,
        /// Microwatt-hours, as the next four.
        energy_full_design: f64,
        energy_full: f64,
        energy_now: f64,
        energy_avg: f64,
        /// Microampere-hours, as the next three.
        charge_full_design: f64,
        charge_full: f64,
        charge_now: f64,
        charge_avg: f64,
        /// Microvolts, as the next three.
        voltage_min_design: f64,
        voltage_max_design: f64,
        voltage_now: f64,
        voltage_avg: f64,
        /// Microwatts, as the next one.
        power_now: f64,
        power_avg: f64,
        /// Microamperes, as the next one: negative while the battery discharges, which not every driver heeds.
        current_now: f64,
        current_avg: f64,
        /// Charges and discharges.
        cycle_count: f64,
        /// Tenths of a degree Celsius.
        temp: f64,
        /// Seconds, as the next three.
        time_to_empty_now: f64,
        time_to_empty_avg: f64,
        time_to_full_now: f64,
        time_to_full_avg: f64,
        /// Read last, so that no attribute is of the next battery.
        serial_number: Arc<str>,
    }
}
