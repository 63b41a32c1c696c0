//! The values that follow from the attributes of a battery.
//!
//! A driver may lack an attribute, and it may have one that fails: a fuel gauge answers ENODATA while it does not know
//! a time, EINVAL for what its variant of the chip lacks. Both mean the same here: the next way to the value is tried.
//! Where none is left, the value has the fault of the first attribute that exists.
//!
//! A driver that does not know a number often says 0. A 0 counts only where it can be true.
//!
//! A part is at most its whole. A gauge learns how much its battery holds when it was full, and until then counts more:
//! charge_now of 7570 mAh with a charge_full of 7140 mAh, and a capacity of 106 %.

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

/// A number that is never 0: of a battery that is there, its voltage and the energy that it can hold.
fn positive(number: Number) -> Number {
    let number = number?;
    if number > 0.0 {
        Ok(number)
    } else if number == 0.0 {
        Err(Fault::Stale)
    } else {
        Err(Fault::Malformed)
    }
}

/// A part of a whole in per cent.
fn share(part: Number, whole: Number) -> Number {
    Ok((100.0 * part? / positive(whole)?).min(100.0))
}

/// The content of a battery that can hold `whole`. A 0 is true only if that is known.
fn content(part: Number, whole: Number) -> Number {
    match (part?, positive(whole)) {
        (part, _) if part < 0.0 => Err(Fault::Malformed),
        (part, Ok(whole)) => Ok(part.min(whole)),
        (0.0, Err(Fault::Gone)) => Err(Fault::Stale),
        (0.0, unknown) => unknown,
        (part, Err(_)) => Ok(part),
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
        self.energy(
            positive(self.energy_full_design),
            positive(self.charge_full_design),
        )
    }

    /// The energy that the full battery holds, in watt-hours.
    pub(super) fn full(&self) -> Number {
        self.energy(positive(self.energy_full), positive(self.charge_full))
    }

    /// The energy in the battery, in watt-hours. At most that of the full battery.
    pub(super) fn charge(&self) -> Number {
        self.energy(self.microwatt_hours(), self.microampere_hours())
    }

    fn microwatt_hours(&self) -> Number {
        let now = first([self.energy_now, self.energy_avg]);
        content(now, self.energy_full)
    }

    fn microampere_hours(&self) -> Number {
        let now = first([self.charge_now, self.charge_avg]);
        content(now, self.charge_full)
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
        match first(voltages.map(positive)) {
            Err(Fault::Gone) => Err(Fault::Stale),
            voltage => Ok(voltage? / 1e6),
        }
    }

    /// In per cent of the design capacity. At most 100: a new battery often holds more than its design says.
    pub(super) fn health(&self) -> Number {
        first([
            share(positive(self.energy_full), self.energy_full_design),
            share(positive(self.charge_full), self.charge_full_design),
        ])
    }

    /// In per cent. At most 100.
    pub(super) fn percentage(&self) -> Number {
        let of_energy = share(self.microwatt_hours(), self.energy_full);
        let of_charge = share(self.microampere_hours(), self.charge_full);
        let computed = first([of_energy, of_charge]);
        // A device that was not asked yet, such as a mouse, has the capacity 0 and the status Unknown.
        let is_unknown = computed.is_ok() || self.status.as_deref() == Ok("Unknown");
        let reported = self.capacity.and_then(|capacity| match capacity {
            0.0 if is_unknown => Err(Fault::Stale),
            // The largest number of a byte means that it is not known.
            capacity if (0.0..255.0).contains(&capacity) => Ok(capacity.min(100.0)),
            _ => Err(Fault::Malformed),
        });
        first([reported, computed])
    }

    /// The power that flows into the battery, in watts.
    ///
    /// Some drivers report a discharge as a negative number and others do not, so the sign is taken from the status.
    /// Without a direction there, it is the kernel's: negative while the battery discharges. A battery that charges or
    /// discharges without power does not know the power.
    pub(super) fn rate(&self) -> Number {
        let voltage = self.voltage();
        let flow = self.flow();
        let of_current = |current: Number| Ok(current? * voltage?);
        let known = |power: Number| match (power, flow) {
            (Ok(0.0), Ok(Some(_))) => Err(Fault::Stale),
            (power, _) => power,
        };
        let powers = [
            self.power_now,
            of_current(self.current_now),
            self.power_avg,
            of_current(self.current_avg),
        ];
        let microwatts = first(powers.map(known))?;
        Ok(match flow? {
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
        let voltages = [self.voltage_now, self.voltage_avg];
        Ok(first(voltages.map(positive))? / 1e6)
    }

    /// The driver of a battery that does not count its cycles says 0 (Documentation/ABI/testing/sysfs-class-power) or -1.
    pub(super) fn cycles(&self) -> Number {
        Some(self.cycle_count?)
            .filter(|cycles| *cycles > 0.0)
            .ok_or(Fault::Stale)
    }

    /// In degrees Celsius. A sensor that does not answer reads 0, which is 0 K to a smart battery.
    pub(super) fn temperature(&self) -> Number {
        match self.temp? / 10.0 {
            degrees if (-100.0..=200.0).contains(&degrees) => Ok(degrees),
            degrees if (-274.0..=-273.0).contains(&degrees) => Err(Fault::Stale),
            _ => Err(Fault::Malformed),
        }
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
        let currents = [self.current_now, self.current_avg].map(magnitude);
        let seconds = |amount: Number, rate: Number| Ok(3600.0 * amount? / rate?);
        let of_charge = seconds(charge, first(currents));
        known_time(first([of_charge, seconds(energy, magnitude(self.rate()))])?)
    }
}

/// A rate of charge or discharge, which is not 0.
fn magnitude(rate: Number) -> Number {
    positive(Ok(rate?.abs()))
}

/// The largest number of a smart battery's register. It means that the battery does not know.
const WORD: f64 = 65_535.0;

/// The time of an attribute. A battery that charges or discharges without a time does not know it. Drivers pass
/// [`WORD`] on as seconds, minutes (sbs-battery) or multiples of 5.625 s (max17042).
fn reported_time(seconds: Number) -> Number {
    let seconds = seconds?;
    let is_unknown = seconds <= 0.0 || [WORD, (WORD * 5.625).floor()].contains(&seconds);
    if is_unknown {
        return Err(Fault::Stale);
    }
    known_time(seconds)
}

/// A time shorter than [`WORD`] minutes.
fn known_time(seconds: f64) -> Number {
    let is_known = seconds < WORD * 60.0;
    is_known.then_some(seconds).ok_or(Fault::Stale)
}
