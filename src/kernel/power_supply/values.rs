//! The values that follow from the attributes of a battery.

use crate::reading::Fault;

use super::{attributes::BatteryAttributes, files::Value};

/// A value in the unit of its metric.
type Number = Value<f64>;

/// The first of these that the battery has.
fn first<const N: usize>(alternatives: [Number; N]) -> Number {
    let mut alternatives = alternatives.into_iter();
    let first = alternatives.find(|number| *number != Err(Fault::Gone));
    first.unwrap_or(Err(Fault::Gone))
}

impl BatteryAttributes {
    /// The energy that the battery could hold when it was new.
    pub(super) fn design(&self) -> Number {
        self.energy(self.energy_full_design, self.charge_full_design)
    }

    /// The energy that the full battery holds.
    pub(super) fn full(&self) -> Number {
        self.energy(self.energy_full, self.charge_full)
    }

    /// The energy in the battery.
    pub(super) fn charge(&self) -> Number {
        self.energy(self.energy_now, self.charge_now)
    }

    /// Watt-hours, from microwatt-hours or from microampere-hours.
    fn energy(&self, energy: Number, charge: Number) -> Number {
        match energy {
            Err(Fault::Gone) => Ok(charge? / 1e6 * self.design_voltage()?),
            energy => Ok(energy? / 1e6),
        }
    }

    /// The design voltage. With it, the energy does not change with the load.
    pub(super) fn design_voltage(&self) -> Number {
        let voltages = [
            self.voltage_min_design,
            self.voltage_max_design,
            self.voltage_now,
        ];
        let mut voltages = voltages.into_iter().flatten();
        let known = voltages.find(|&voltage| voltage > 0.0);
        known.map(|voltage| voltage / 1e6).ok_or(Fault::Stale)
    }

    pub(super) fn health(&self) -> Number {
        share(self.full()?, self.design()?)
    }

    pub(super) fn percentage(&self) -> Number {
        match self.capacity {
            Err(Fault::Gone) => share(self.charge()?, self.full()?),
            capacity => Some(capacity?)
                .filter(|capacity| (0.0..=100.0).contains(capacity))
                .ok_or(Fault::Malformed),
        }
    }

    /// Some drivers report a discharge as a negative number and others do not, so the sign is taken from the
    /// status.
    pub(super) fn rate(&self) -> Number {
        let rate = match self.power_now {
            Err(Fault::Gone) => self.current_now? / 1e6 * self.voltage_now?,
            power => power?,
        };
        Ok(match self.status.as_deref() {
            Ok("Charging") => rate.abs() / 1e6,
            Ok("Discharging") => -rate.abs() / 1e6,
            _ => rate / 1e6,
        })
    }

    pub(super) fn voltage(&self) -> Number {
        Ok(self.voltage_now? / 1e6)
    }

    /// A battery that does not count its cycles says -1.
    pub(super) fn cycles(&self) -> Number {
        Some(self.cycle_count?)
            .filter(|cycles| *cycles >= 0.0)
            .ok_or(Fault::Stale)
    }

    pub(super) fn temperature(&self) -> Number {
        Some(self.temp? / 10.0)
            .filter(|degrees| (-100.0..=200.0).contains(degrees))
            .ok_or(Fault::Malformed)
    }

    pub(super) fn time_to_empty(&self) -> Number {
        let files = [self.time_to_empty_now, self.time_to_empty_avg];
        self.time("Discharging", files, || Ok(self.charge()? / -self.rate()?))
    }

    pub(super) fn time_to_full(&self) -> Number {
        let files = [self.time_to_full_now, self.time_to_full_avg];
        self.time("Charging", files, || {
            Ok((self.full()? - self.charge()?).max(0.0) / self.rate()?)
        })
    }

    fn time(&self, status: &str, files: [Number; 2], hours: impl Fn() -> Number) -> Number {
        if &**self.status.as_ref().map_err(|fault| *fault)? != status {
            return Err(Fault::Stale);
        }
        let seconds = match first(files) {
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

fn share(part: f64, whole: f64) -> Number {
    if part >= 0.0 && whole > 0.0 {
        Ok((100.0 * part / whole).min(100.0))
    } else {
        Err(Fault::Malformed)
    }
}
