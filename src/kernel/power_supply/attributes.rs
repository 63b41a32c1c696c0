//! The attributes of a battery, and the values that follow from them.

use std::sync::Arc;

use crate::reading::Fault;

/// The attributes that are read. Their units are microvolts, microamperes, microwatts, microampere- and
/// microwatt-hours, per cent, tenths of a degree, and seconds.
pub(super) const ATTRIBUTES: [&str; 19] = [
    "status",
    "capacity",
    "energy_full_design",
    "energy_full",
    "energy_now",
    "charge_full_design",
    "charge_full",
    "charge_now",
    "voltage_min_design",
    "voltage_max_design",
    "voltage_now",
    "power_now",
    "current_now",
    "cycle_count",
    "temp",
    "time_to_empty_now",
    "time_to_empty_avg",
    "time_to_full_now",
    "time_to_full_avg",
];

pub(super) const STATUS: &str = "status";

/// The attributes of a battery at one moment.
pub(super) struct BatteryAttributes {
    pub(super) status: Result<Arc<str>, Fault>,
    /// In the order of [`ATTRIBUTES`]; gone if the battery has no such attribute.
    pub(super) numbers: [Result<f64, Fault>; ATTRIBUTES.len()],
}

impl BatteryAttributes {
    pub(super) fn number(&self, file: &str) -> Result<f64, Fault> {
        let index = ATTRIBUTES.iter().position(|known| *known == file);
        index.map_or(Err(Fault::Gone), |index| self.numbers[index])
    }

    /// The first of these attributes that the battery has.
    fn first(&self, files: &[&str]) -> Result<f64, Fault> {
        let mut numbers = files.iter().map(|file| self.number(file));
        let first = numbers.find(|number| *number != Err(Fault::Gone));
        first.unwrap_or(Err(Fault::Gone))
    }

    /// Watt-hours, from microwatt-hours or from microampere-hours.
    pub(super) fn energy(&self, energy: &str, charge: &str) -> Result<f64, Fault> {
        match self.number(energy) {
            Err(Fault::Gone) => Ok(self.number(charge)? / 1e6 * self.design_voltage()?),
            energy => Ok(energy? / 1e6),
        }
    }

    /// The design voltage. With it, the energy does not change with the load.
    pub(super) fn design_voltage(&self) -> Result<f64, Fault> {
        let files = ["voltage_min_design", "voltage_max_design", "voltage_now"];
        let mut voltages = files.iter().filter_map(|file| self.number(file).ok());
        let known = voltages.find(|&voltage| voltage > 0.0);
        known.map(|voltage| voltage / 1e6).ok_or(Fault::Stale)
    }

    pub(super) fn health(&self) -> Result<f64, Fault> {
        let full = self.energy("energy_full", "charge_full")?;
        share(
            full,
            self.energy("energy_full_design", "charge_full_design")?,
        )
    }

    pub(super) fn percentage(&self) -> Result<f64, Fault> {
        match self.number("capacity") {
            Err(Fault::Gone) => {
                let now = self.energy("energy_now", "charge_now")?;
                share(now, self.energy("energy_full", "charge_full")?)
            }
            capacity => Some(capacity?)
                .filter(|capacity| (0.0..=100.0).contains(capacity))
                .ok_or(Fault::Malformed),
        }
    }

    /// Some drivers report a discharge as a negative number and others do not, so the sign is taken from the
    /// status.
    pub(super) fn rate(&self) -> Result<f64, Fault> {
        let rate = match self.number("power_now") {
            Err(Fault::Gone) => self.number("current_now")? / 1e6 * self.number("voltage_now")?,
            power => power?,
        };
        Ok(match self.status.as_deref() {
            Ok("Charging") => rate.abs() / 1e6,
            Ok("Discharging") => -rate.abs() / 1e6,
            _ => rate / 1e6,
        })
    }

    /// A battery that does not count its cycles says -1.
    pub(super) fn cycles(&self) -> Result<f64, Fault> {
        Some(self.number("cycle_count")?)
            .filter(|cycles| *cycles >= 0.0)
            .ok_or(Fault::Stale)
    }

    pub(super) fn temperature(&self) -> Result<f64, Fault> {
        Some(self.number("temp")? / 10.0)
            .filter(|degrees| (-100.0..=200.0).contains(degrees))
            .ok_or(Fault::Malformed)
    }

    pub(super) fn time_to_empty(&self) -> Result<f64, Fault> {
        self.time(
            "Discharging",
            &["time_to_empty_now", "time_to_empty_avg"],
            || Ok(self.energy("energy_now", "charge_now")? / -self.rate()?),
        )
    }

    pub(super) fn time_to_full(&self) -> Result<f64, Fault> {
        self.time(
            "Charging",
            &["time_to_full_now", "time_to_full_avg"],
            || {
                let full = self.energy("energy_full", "charge_full")?;
                Ok((full - self.energy("energy_now", "charge_now")?).max(0.0) / self.rate()?)
            },
        )
    }

    fn time(
        &self,
        status: &str,
        files: &[&str],
        hours: impl Fn() -> Result<f64, Fault>,
    ) -> Result<f64, Fault> {
        if &**self.status.as_ref().map_err(|fault| *fault)? != status {
            return Err(Fault::Stale);
        }
        let seconds = match self.first(files) {
            Err(Fault::Gone) => 3600.0 * hours()?,
            seconds => seconds?,
        };
        // The current is 0, or a smart battery says 65535 minutes, which means that it does not know.
        const UNKNOWN: f64 = 65_535.0 * 60.0;
        Some(seconds)
            .filter(|seconds| (0.0..UNKNOWN).contains(seconds))
            .ok_or(Fault::Stale)
    }
}

fn share(part: f64, whole: f64) -> Result<f64, Fault> {
    if part >= 0.0 && whole > 0.0 {
        Ok((100.0 * part / whole).min(100.0))
    } else {
        Err(Fault::Malformed)
    }
}
