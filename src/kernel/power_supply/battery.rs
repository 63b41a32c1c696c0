//! A battery. Drivers count energy or charge.
//!
//! <https://docs.kernel.org/power/power_supply_class.html>

use std::{path::PathBuf, sync::Arc};

use crate::{
    kernel::power_supply::{
        attributes::BatteryAttributes,
        files::SupplyFiles,
        properties::{DerivedProperty, NAME, PROPERTIES, STATUS_PROPERTY, TEXTS},
        ranges::BatteryRanges,
    },
    metric::{Group, Metric, Object},
    rate::Formula,
    reading::{Fault, Raw},
    source::{
        About, Error, Source,
        device::{Device, fact},
        offload::Offloadable,
        property::Property,
    },
};

/// One battery.
pub(super) struct Battery {
    device: Device,
    /// Its object in ids.
    id: String,
    files: SupplyFiles,
    /// Maker and model, read by discovery.
    name: Arc<str>,
    object: Object,
    /// Read by discovery.
    ranges: BatteryRanges,
}

impl Battery {
    pub(super) fn new(device: &Device, id: &str) -> Self {
        Self {
            device: device.clone(),
            id: id.to_owned(),
            files: SupplyFiles::new(BatteryAttributes::FILES),
            name: id.into(),
            object: Object::new(id, Group::Power),
            ranges: BatteryRanges::default(),
        }
    }

    fn read_attributes(&mut self) -> BatteryAttributes {
        if !self.files.is_found() {
            self.files.find(&self.device);
        }
        BatteryAttributes::read(&mut self.files)
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
        self.files.find(&self.device);
        let attributes = self.read_attributes();
        self.ranges = BatteryRanges::read(&self.device, &attributes);
        let has = |file: &&str| self.files.has(file);
        Ok(self.metrics_of(|(_, _, files)| files.iter().any(has)))
    }

    fn read(&mut self, columns: &mut Vec<Raw>) -> Result<(), Error> {
        let attributes = self.read_attributes();
        if attributes.present == Ok(0.0) {
            // The bay is empty. The family probes again, and finds no battery there.
            self.device.note_loss();
            columns.resize(
                TEXTS.saturating_add(PROPERTIES.len()),
                Raw::Fault(Fault::Gone),
            );
            return Ok(());
        }
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
