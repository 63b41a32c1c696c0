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
    /// Its serial number, if it has one.
    serial: Option<String>,
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
    pub(super) fn new(device: &Device, id: &str, serial: Option<String>) -> Self {
        Self {
            device: device.clone(),
            id: id.to_owned(),
            serial,
            files: SupplyFiles::new(BatteryAttributes::FILES),
            name: id.into(),
            scope: Scope::System,
            object: Object::new(id, Group::Power),
            ranges: BatteryRanges::default(),
        }
    }

    /// Reads the attributes; none if the bay is empty or holds another battery. The family finds that one then.
    ///
    /// A driver registers a battery that is put in anew (ACPI), or its bay is the device and stays registered
    /// (sbs-battery). The empty bay is read on, for where no uevent tells that a battery is back.
    fn read_attributes(&mut self) -> Option<BatteryAttributes> {
        if !self.files.is_found() {
            self.files.find(&self.device);
        }
        let attributes = BatteryAttributes::read(&mut self.files);
        let is_empty = attributes.present == Ok(0.0);
        let is_same = is_empty || self.may_have(&attributes.serial_number);
        if !is_same || !self.device.is_here() {
            self.device.note_loss();
            return None;
        }
        (!is_empty).then_some(attributes)
    }

    /// Whether this may be its serial number. One that cannot be read at the moment may be.
    fn may_have(&self, serial_number: &Value<Arc<str>>) -> bool {
        match serial_number {
            Ok(text) => serial(text) == self.serial,
            Err(_) => true,
        }
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

/// The serial number in the text of `serial_number`; none if it is empty or consists of zeros.
pub(super) fn serial(text: &str) -> Option<String> {
    // Some firmware ends its texts with a zero byte.
    let text = text.trim_matches(|each: char| each.is_whitespace() || each == '\0');
    let is_sign = |byte: u8| byte.is_ascii_alphanumeric() && byte != b'0';
    text.bytes().any(is_sign).then(|| text.to_owned())
}

impl Source for Battery {
    fn about(&self) -> About<'_> {
        About::new("power", &["power/*/*"]).of_devices(&["power_supply"])
    }

    fn discover(&mut self) -> Result<Vec<Metric>, Error> {
        self.files.find(&self.device);
        let facts = ["manufacturer", "model_name"].map(|file| fact(self.device.path(file)));
        let scope = Scope::read(&self.device);
        // After the facts, so that none is of the next battery.
        let Some(attributes) = self.read_attributes() else {
            return Ok(Vec::new());
        };
        let facts: Vec<_> = facts.into_iter().flatten().collect();
        if !facts.is_empty() {
            self.name = facts.join(" ").into();
        }
        if let Some(title) = facts.last() {
            self.object = Object::new(title, Group::Power);
        }
        self.scope = scope;
        self.ranges = BatteryRanges::read(&self.device, &attributes);
        Ok(self.metrics_of(|file| self.files.has(file)))
    }

    fn read(&mut self, columns: &mut Vec<Raw>) -> Result<(), Error> {
        let Some(attributes) = self.read_attributes() else {
            columns.resize(
                TEXTS.len().saturating_add(PROPERTIES.len()),
                Raw::Fault(Fault::Gone),
            );
            return Ok(());
        };
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
