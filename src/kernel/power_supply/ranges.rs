//! The scale and the limits of a battery's values.

use super::attributes::BatteryAttributes;
use crate::{
    metric::{Limits, Metric},
    source::{
        device::{Device, fact},
        property::Range,
    },
};

/// The ranges of the properties that have one.
#[derive(Default)]
pub(super) struct BatteryRanges {
    charge: Range,
    percentage: Range,
    temperature: Range,
}

impl BatteryRanges {
    /// The ranges of a battery with these attributes: the energy of the full battery, and the values at which the
    /// battery alerts.
    ///
    /// `alarm` is energy or charge, as the battery counts; 0 switches it off.
    pub(super) fn read(device: &Device, attributes: &BatteryAttributes) -> Self {
        let number = |file: &str| {
            let number = fact(device.path(file))?.parse::<i64>().ok()?;
            Some(number as f64)
        };
        let maximum = attributes.full().ok();
        let alarm = number("alarm").map(|alarm| match attributes.energy_full {
            Ok(_) => Ok(alarm / 1e6),
            Err(_) => attributes.design_voltage().map(|volts| alarm / 1e6 * volts),
        });
        let is_set = |limit: &f64| *limit > 0.0;
        let alarm = alarm.and_then(Result::ok).filter(is_set);
        let percentage = number("capacity_alert_min").filter(is_set);
        let degrees = number("temp_alert_max").map(|tenths| tenths / 10.0);
        Self {
            charge: Range {
                maximum: maximum.filter(is_set),
                limits: Limits::lower(alarm, None),
                ..Range::default()
            },
            percentage: Range {
                limits: Limits::lower(percentage.filter(|share| *share < 100.0), None),
                ..Range::default()
            },
            temperature: Range {
                limits: Limits::upper(
                    degrees.filter(|degrees| (1.0..127.0).contains(degrees)),
                    None,
                ),
                ..Range::default()
            },
        }
    }

    /// Sets the scale and the limits of a metric of the battery.
    pub(super) fn apply(&self, metric: &mut Metric) {
        match metric.id.rsplit('/').next() {
            Some("charge") => self.charge.apply(metric),
            Some("chargePercentage") => self.percentage.apply(metric),
            Some("temperature") => self.temperature.apply(metric),
            _ => {}
        }
    }
}
