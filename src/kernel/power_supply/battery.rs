//! A battery. Drivers count energy or charge.
//!
//! <https://docs.kernel.org/power/power_supply_class.html>

use std::{path::PathBuf, sync::Arc};

use crate::{
    kernel::power_supply::{
        attributes::BatteryAttributes,
        files::{SupplyFiles, Value},
        properties::{PROPERTIES, TEXTS},
        ranges::BatteryRanges,
        scope::Scope,
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
    /// Read by discovery.
    scope: Scope,
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
            scope: Scope::System,
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

    /// The metrics of the texts and numbers that need one of these files.
    fn metrics_of(&self, has: impl Fn(&str) -> bool) -> Vec<Metric> {
        let texts = TEXTS.iter().enumerate();
        let texts = texts.filter(|(_, (_, file))| file.is_none_or(&has));
        let texts = texts.map(|(column, (property, _))| (column, property));
        let numbers = PROPERTIES.iter().enumerate();
        let numbers = numbers.filter(|(_, (_, _, files))| files.iter().any(|file| has(file)));
        let numbers =
            numbers.map(|(index, (property, ..))| (TEXTS.len().saturating_add(index), property));
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

    /// The texts and the numbers, in the order of the columns.
    fn columns(&self, attributes: &BatteryAttributes) -> impl Iterator<Item = Value<Raw>> {
        // A mouse that is switched off: its driver still has the last charge, or 0.
        let is_off = self.scope == Scope::Device && attributes.online == Ok(0.0);
        let known = move |value: Value<Raw>| if is_off { Err(Fault::Stale) } else { value };
        let text = |text: &Value<Arc<str>>| text.clone().map(Raw::Text);
        let texts = [
            Ok(Raw::Text(self.name.clone())),
            Ok(Raw::Text(self.scope.as_str().into())),
            text(&attributes.status),
            known(text(&attributes.capacity_level)),
        ];
        let numbers = PROPERTIES.iter().map(|(_, derive, _)| derive(attributes));
        let numbers = numbers.map(move |number| known(number.map(Raw::Number)));
        texts.into_iter().chain(numbers)
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
        self.scope = Scope::read(&self.device);
        self.files.find(&self.device);
        let attributes = self.read_attributes();
        self.ranges = BatteryRanges::read(&self.device, &attributes);
        Ok(self.metrics_of(|file| self.files.has(file)))
    }

    fn read(&mut self, columns: &mut Vec<Raw>) -> Result<(), Error> {
        let attributes = self.read_attributes();
        if attributes.present == Ok(0.0) {
            // The bay is empty. The family probes again, and finds no battery there.
            self.device.note_loss();
            columns.resize(
                TEXTS.len().saturating_add(PROPERTIES.len()),
                Raw::Fault(Fault::Gone),
            );
            return Ok(());
        }
        let values = self.columns(&attributes);
        columns.extend(values.map(|value| value.unwrap_or_else(Raw::Fault)));
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
