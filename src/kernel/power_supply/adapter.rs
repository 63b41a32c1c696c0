//! External power supplies: adapters, USB ports, charging pads.

use std::path::{Path, PathBuf};

use crate::{
    metric::{Group, Kind, Metric, Object, unit},
    rate::Formula,
    reading::{Fault, Raw},
    source::{
        About, Error, Source,
        device::{Attribute, Device},
        offload::Offloadable,
        parse,
        property::Property,
    },
};

/// One adapter.
pub(super) struct Adapter {
    device: Device,
    metrics: Vec<Metric>,
    /// For each metric the file, and the number of the file's counts in one unit.
    columns: Vec<(Attribute, f64)>,
}

/// The properties, their files, and the number of the file's counts in one unit.
const PROPERTIES: [(Property, &str, f64); 3] = [
    (
        Property::new(
            "online",
            "Online",
            "Whether the supply delivers power: 1 if it does, otherwise 0.",
            "online of /sys/class/power_supply/SUPPLY, where 2 (programmable) counts as 1",
            unit::ONE,
            Kind::Gauge,
        ),
        "online",
        1.0,
    ),
    (
        Property::new(
            "voltage",
            "Voltage",
            "Voltage that the supply delivers.",
            "voltage_now (µV) of /sys/class/power_supply/SUPPLY",
            unit::VOLTS,
            Kind::Gauge,
        ),
        "voltage_now",
        1e6,
    ),
    (
        Property::new(
            "current",
            "Current",
            "Current that the supply delivers.",
            "current_now (µA) of /sys/class/power_supply/SUPPLY",
            unit::AMPERES,
            Kind::Gauge,
        ),
        "current_now",
        1e6,
    ),
];

impl Adapter {
    pub(super) fn new(device: &Device, id: &str, directory: &Path) -> Self {
        let object = Object::new(id, Group::Power);
        let there = PROPERTIES
            .iter()
            .filter(|(_, file, _)| directory.join(file).exists());
        let metric = |(column, (property, ..)): (usize, &(Property, &str, f64))| {
            property.of("power", id.as_bytes(), &object, Formula::Level(column))
        };
        Self {
            device: device.clone(),
            metrics: there.clone().enumerate().map(metric).collect(),
            columns: there
                .map(|(_, file, divisor)| (device.attribute(file), *divisor))
                .collect(),
        }
    }
}

impl Source for Adapter {
    fn about(&self) -> About<'_> {
        About::new("power", &["power/*/*"]).of_devices(&["power_supply"])
    }

    fn discover(&mut self) -> Result<Vec<Metric>, Error> {
        let is_there = self.path().exists();
        Ok(if is_there { self.metrics() } else { Vec::new() })
    }

    fn read(&mut self, columns: &mut Vec<Raw>) -> Result<(), Error> {
        if let Err(fault) = self.device.may_be_read() {
            columns.resize(self.columns.len(), Raw::Fault(fault));
            return Ok(());
        }
        columns.extend(
            self.columns
                .iter_mut()
                .map(|(file, divisor)| match file.read() {
                    Ok(text) => parse_column(text, *divisor),
                    Err(error) => Raw::Fault(error.fault()),
                }),
        );
        Ok(())
    }
}

fn parse_column(text: &[u8], divisor: f64) -> Raw {
    match parse::signed(text.trim_ascii()) {
        Some(online) if divisor == 1.0 => Raw::Number(online.clamp(0, 1) as f64),
        Some(value) => Raw::Number(value as f64 / divisor),
        None => Raw::Fault(Fault::Malformed),
    }
}

impl Offloadable for Adapter {
    fn metrics(&self) -> Vec<Metric> {
        self.metrics.clone()
    }

    fn path(&self) -> PathBuf {
        self.device.path("type")
    }
}
