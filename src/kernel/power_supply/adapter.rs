//! External power supplies: adapters, USB ports, charging pads.

use std::path::PathBuf;

use crate::{
    kernel::power_supply::{
        files::{SupplyFiles, Value, supply_record},
        values::first,
    },
    metric::{Group, Kind, Metric, Object, unit},
    rate::Formula,
    reading::{Fault, Raw},
    source::{About, Error, Source, device::Device, offload::Offloadable, property::Property},
};

supply_record! {
    /// The attributes of an adapter. One that it lacks is gone.
    AdapterAttributes {
        /// 0: offline, 1: online, 2: online with a programmable voltage.
        online: f64,
        /// Microvolts, as the next one.
        voltage_now: f64,
        voltage_avg: f64,
        /// Microamperes, as the next one.
        current_now: f64,
        current_avg: f64,
    }
}

/// One adapter.
pub(super) struct Adapter {
    device: Device,
    /// Its object in ids.
    id: String,
    files: SupplyFiles,
}

/// A property, its function of the attributes, and the attributes of which it needs at least one.
type DerivedProperty = (
    Property,
    fn(&AdapterAttributes) -> Value<f64>,
    &'static [&'static str],
);

static PROPERTIES: [DerivedProperty; 3] = [
    (
        Property::new(
            "online",
            "Online",
            "Whether the supply delivers power: 1 if it does, otherwise 0.",
            "online of /sys/class/power_supply/SUPPLY, where 2 (programmable) counts as 1",
            unit::ONE,
            Kind::Gauge,
        ),
        AdapterAttributes::online,
        &["online"],
    ),
    (
        Property::new(
            "voltage",
            "Voltage",
            "Voltage that the supply delivers.",
            "voltage_now (µV) of /sys/class/power_supply/SUPPLY, or voltage_avg",
            unit::VOLTS,
            Kind::Gauge,
        ),
        AdapterAttributes::voltage,
        &["voltage_now", "voltage_avg"],
    ),
    (
        Property::new(
            "current",
            "Current",
            "Current that the supply delivers.",
            "current_now (µA) of /sys/class/power_supply/SUPPLY, or current_avg",
            unit::AMPERES,
            Kind::Gauge,
        ),
        AdapterAttributes::current,
        &["current_now", "current_avg"],
    ),
];

impl AdapterAttributes {
    fn online(&self) -> Value<f64> {
        Ok(self.online?.clamp(0.0, 1.0))
    }

    /// A supply that delivers power has a voltage. A driver that does not know it says 0.
    fn voltage(&self) -> Value<f64> {
        let is_online = self.online.is_ok_and(|online| online > 0.0);
        let known = |voltage: Value<f64>| match voltage {
            Ok(0.0) if is_online => Err(Fault::Stale),
            voltage => voltage,
        };
        Ok(first([self.voltage_now, self.voltage_avg].map(known))? / 1e6)
    }

    fn current(&self) -> Value<f64> {
        Ok(first([self.current_now, self.current_avg])? / 1e6)
    }
}

impl Adapter {
    pub(super) fn new(device: &Device, id: &str) -> Self {
        Self {
            device: device.clone(),
            id: id.to_owned(),
            files: SupplyFiles::new(AdapterAttributes::FILES),
        }
    }

    /// The metrics of the properties for which `has` is true of a file.
    fn metrics_of(&self, has: impl Fn(&str) -> bool) -> Vec<Metric> {
        let object = Object::new(&self.id, Group::Power);
        let properties = PROPERTIES.iter().enumerate();
        let there = properties.filter(|(_, (_, _, files))| files.iter().any(|file| has(file)));
        let metric = |(column, (property, ..)): (usize, &DerivedProperty)| {
            property.of("power", self.id.as_bytes(), &object, Formula::Level(column))
        };
        there.map(metric).collect()
    }
}

impl Source for Adapter {
    fn about(&self) -> About<'_> {
        About::new("power", &["power/*/*"]).of_devices(&["power_supply"])
    }

    fn discover(&mut self) -> Result<Vec<Metric>, Error> {
        if !self.device.is_here() {
            return Ok(Vec::new());
        }
        self.files.find(&self.device);
        Ok(self.metrics_of(|file| self.files.has(file)))
    }

    fn read(&mut self, columns: &mut Vec<Raw>) -> Result<(), Error> {
        if !self.files.is_found() {
            self.files.find(&self.device);
        }
        let attributes = AdapterAttributes::read(&mut self.files);
        if !self.device.is_here() {
            self.device.note_loss();
            columns.resize(PROPERTIES.len(), Raw::Fault(Fault::Gone));
            return Ok(());
        }
        let values = PROPERTIES.iter().map(|(_, derive, _)| derive(&attributes));
        columns.extend(values.map(|value| value.map_or_else(Raw::Fault, Raw::Number)));
        Ok(())
    }
}

impl Offloadable for Adapter {
    fn metrics(&self) -> Vec<Metric> {
        self.metrics_of(|_| true)
    }

    fn path(&self) -> PathBuf {
        self.device.path("type")
    }
}
