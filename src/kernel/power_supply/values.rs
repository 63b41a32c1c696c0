//! The values that follow from the attributes of a battery.
//!
//! A driver may lack an attribute, and it may have one that fails: a fuel gauge answers ENODATA while it does not know
//! a time, EINVAL for what its variant of the chip lacks. Both mean the same here: the next way to the value is tried.
//! Where none is left, the value has the fault of the first attribute that exists.

use crate::reading::Fault;

use super::{attributes::BatteryAttributes, files::Value};

/// A value in the unit of its metric, or of its attribute.
type Number = Value<f64>;

/// The first of these that is known. Otherwise the fault of the first that exists.
pub(super) fn first<const N: usize>(alternatives: [Number; N]) -> Number {
    let mut fault = Fault::Gone;
    for alternative in alternatives {
        match alternative {
            Err(other) if fault == Fault::Gone => fault = other,
            Err(_) => {}
            known => return known,
        }
    }
    Err(fault)
}

/// A part of a whole in per cent.
fn share(part: Number, whole: Number) -> Number {
    let (part, whole) = (part?, whole?);
    if part >= 0.0 && whole > 0.0 {
        Ok((100.0 * part / whole).min(100.0))
    } else {
        Err(Fault::Malformed)
    }
}

/// The direction in which energy flows.
#[derive(Clone, Copy, PartialEq)]
enum Flow {
    IntoBattery,
    OutOfBattery,
}

impl BatteryAttributes {
    /// The energy that the battery could hold when it was new, in watt-hours.
    pub(super) fn design(&self) -> Number {
        self.energy(self.energy_full_design, self.charge_full_design)
    }

    /// The energy that the full battery holds, in watt-hours.
    pub(super) fn full(&self) -> Number {
        self.energy(self.energy_full, self.charge_full)
    }

    /// The energy in the battery, in watt-hours.
    pub(super) fn charge(&self) -> Number {
        self.energy(self.microwatt_hours(), self.microampere_hours())
    }

    fn microwatt_hours(&self) -> Number {
        first([self.energy_now, self.energy_avg])
    }

    fn microampere_hours(&self) -> Number {
        first([self.charge_now, self.charge_avg])
    }

    /// Watt-hours, from microwatt-hours or from microampere-hours.
    fn energy(&self, energy: Number, charge: Number) -> Number {
        let of_charge = || Ok(charge? * self.design_voltage()?);
        Ok(first([energy, of_charge()])? / 1e6)
    }

    /// The design voltage. With it, the energy does not change with the load.
    pub(super) fn design_voltage(&self) -> Number {
        let voltages = [
            self.voltage_min_design,
            self.voltage_max_design,
            self.voltage_now,
            self.voltage_avg,
        ];
        let mut known = voltages.into_iter().flatten();
        match known.find(|&voltage| voltage > 0.0) {
            Some(voltage) => Ok(voltage / 1e6),
            None => match first(voltages) {
                Ok(_) | Err(Fault::Gone) => Err(Fault::Stale),
                fault => fault,
            },
        }
    }

    /// In per cent of the design capacity.
    pub(super) fn health(&self) -> Number {
        first([
            share(self.energy_full, self.energy_full_design),
            share(self.charge_full, self.charge_full_design),
        ])
    }

    /// In per cent.
    pub(super) fn percentage(&self) -> Number {
        first([
            self.reported_percentage(),
            share(self.microwatt_hours(), self.energy_full),
            share(self.microampere_hours(), self.charge_full),
        ])
    }

    fn reported_percentage(&self) -> Number {
        Some(self.capacity?)
            .filter(|capacity| (0.0..=100.0).contains(capacity))
            .ok_or(Fault::Malformed)
    }

    /// The power that flows into the battery, in watts.
    ///
    /// Some drivers report a discharge as a negative number and others do not, so the sign is taken from the status.
    /// Without a direction there, it is the kernel's: negative while the battery discharges.
    pub(super) fn rate(&self) -> Number {
        let voltage = self.voltage();
        let of_current = |current: Number| Ok(current? * voltage?);
        let microwatts = first([
            self.power_now,
            of_current(self.current_now),
            self.power_avg,
            of_current(self.current_avg),
        ])?;
        Ok(match self.flow()? {
            Some(Flow::IntoBattery) => microwatts.abs(),
            Some(Flow::OutOfBattery) => -microwatts.abs(),
            None => microwatts,
        } / 1e6)
    }

    /// The direction that the status tells; none if it tells none.
    fn flow(&self) -> Value<Option<Flow>> {
        match self.status.as_deref() {
            Ok("Charging") => Ok(Some(Flow::IntoBattery)),
            Ok("Discharging") => Ok(Some(Flow::OutOfBattery)),
            Ok(_) | Err(Fault::Gone) => Ok(None),
            Err(fault) => Err(*fault),
        }
    }

    /// In volts.
    pub(super) fn voltage(&self) -> Number {
        Ok(first([self.voltage_now, self.voltage_avg])? / 1e6)
    }

    /// A battery that does not count its cycles says -1.
    pub(super) fn cycles(&self) -> Number {
        Some(self.cycle_count?)
            .filter(|cycles| *cycles >= 0.0)
            .ok_or(Fault::Stale)
    }

    /// In degrees Celsius.
    pub(super) fn temperature(&self) -> Number {
        Some(self.temp? / 10.0)
            .filter(|degrees| (-100.0..=200.0).contains(degrees))
            .ok_or(Fault::Malformed)
    }

    /// In seconds, while the battery discharges.
    pub(super) fn time_to_empty(&self) -> Number {
        self.expect(Flow::OutOfBattery)?;
        first([
            reported_time(self.time_to_empty_now),
            reported_time(self.time_to_empty_avg),
            self.time_to_move(self.microampere_hours(), self.charge()),
        ])
    }

    /// In seconds, while the battery charges.
    pub(super) fn time_to_full(&self) -> Number {
        self.expect(Flow::IntoBattery)?;
        let rest = |full: Number, now: Number| Ok((full? - now?).max(0.0));
        first([
            reported_time(self.time_to_full_now),
            reported_time(self.time_to_full_avg),
            self.time_to_move(
                rest(self.charge_full, self.microampere_hours()),
                rest(self.full(), self.charge()),
            ),
        ])
    }

    fn expect(&self, flow: Flow) -> Value<()> {
        match &self.status {
            Err(fault) => Err(*fault),
            Ok(_) if self.flow()? == Some(flow) => Ok(()),
            Ok(_) => Err(Fault::Stale),
        }
    }

    /// The seconds for which the present current lasts, for microampere-hours, or the present power, for watt-hours.
    fn time_to_move(&self, charge: Number, energy: Number) -> Number {
        let current = first([self.current_now, self.current_avg]);
        known_time(first([
            seconds(charge, current),
            seconds(energy, self.rate()),
        ])?)
    }
}

/// The seconds for which an amount lasts at an hourly rate.
fn seconds(amount: Number, rate: Number) -> Number {
    let (amount, rate) = (amount?, rate?.abs());
    if rate > 0.0 {
        Ok(3600.0 * amount / rate)
    } else {
        Err(Fault::Stale)
    }
}

/// The time of an attribute.
fn reported_time(seconds: Number) -> Number {
    known_time(seconds?)
}

/// A time of which a smart battery does not say that it is unknown: 65535 minutes.
fn known_time(seconds: f64) -> Number {
    const UNKNOWN: f64 = 65_535.0 * 60.0;
    Some(seconds)
        .filter(|seconds| (0.0..UNKNOWN).contains(seconds))
        .ok_or(Fault::Stale)
}
