//! A battery. Drivers count energy or charge.
//!
//! <https://docs.kernel.org/power/power_supply_class.html>

use std::{path::PathBuf, sync::Arc};

use nix::libc;

use crate::{
    kernel::power_supply::{
        attributes::{ATTRIBUTES, BatteryAttributes, STATUS},
        properties::{DerivedProperty, NAME, PROPERTIES, STATUS_PROPERTY, TEXTS},
        ranges::BatteryRanges,
    },
    metric::{Group, Metric, Object},
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
    /// Read by discovery, and kept for when the device may not be read.
    ranges: BatteryRanges,
}

impl Battery {
    pub(super) fn new(device: &Device, id: &str) -> Self {
        let attribute = |file: &&str| device.attribute(file);
        Self {
            device: device.clone(),
            id: id.to_owned(),
            files: ATTRIBUTES.iter().map(attribute).collect(),
            name: id.into(),
            object: Object::new(id, Group::Power),
            ranges: BatteryRanges::default(),
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
            self.ranges.apply(&mut metric);
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
        if self.device.may_be_read().is_ok() {
            self.ranges = BatteryRanges::read(&self.device);
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
