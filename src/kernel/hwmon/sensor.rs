//! One sensor of a chip: a value or an alarm.

use std::path::PathBuf;

use crate::{
    kernel::{
        first_value::FirstValue,
        hwmon::{
            gate::Gate,
            sensor_type::{ALARM, SENSOR_TYPES, SensorType},
        },
    },
    metric::{Limits, Metric, Object, plain_text, two_words, unit},
    rate::Formula,
    reading::{Fault, Raw},
    source::{
        About, Error, Source,
        device::{Attribute, Device, fact, split_number},
        offload::Offloadable,
        parse,
        property::Range,
    },
};

/// The name and the ids of the sources of sensors, and the subsystems of their devices in uevents.
pub(crate) const NAME: &str = "lmsensors";
pub(crate) const SCOPE: &[&str] = &["lmsensors/*/*"];
pub(crate) const SUBSYSTEMS: &[&str] = &["hwmon", "thermal"];

/// The largest number of characters of a name.
const LONGEST_NAME: usize = 40;

/// One value of a chip.
pub(crate) struct Sensor {
    device: Device,
    sensor_type: &'static SensorType,
    /// The metric as it is known before any file of the chip is read.
    metric: Metric,
    /// The prefix of the files with the label and the limits.
    feature: String,
    read_range: ReadRange,
    /// The files that may have the value, the best first.
    files: Vec<String>,
    value: FirstValue,
    fault: Option<Attribute>,
    gate: Option<Box<dyn Gate>>,
}

/// Reads the scale and the limits of a feature.
pub(crate) type ReadRange = fn(&SensorType, &Device, &str) -> Range;

impl Sensor {
    /// The sensor of a chip that is called `chip` in ids, with the property, the files that may have its value, the
    /// best first, and the file that says whether the sensor is faulty.
    pub(crate) fn new(
        device: &Device,
        (chip, object): (&str, &Object),
        sensor_type: &'static SensorType,
        property: &str,
        files: Vec<String>,
        fault: Option<String>,
    ) -> Self {
        let is_alarm = std::ptr::eq(sensor_type, &ALARM);
        let maximum = match sensor_type.unit {
            unit::PERCENT => Some(100.0),
            _ => is_alarm.then_some(1.0),
        };
        Self {
            device: device.clone(),
            sensor_type,
            metric: Metric {
                name: property.to_owned().into(),
                description: sensor_type.description.into(),
                formula_text: sensor_type.formula.into(),
                minimum: sensor_type.is_nonnegative().then_some(0.0),
                maximum,
                ..Metric::new(
                    format!("lmsensors/{chip}/{property}"),
                    object.clone(),
                    sensor_type.unit,
                    sensor_type.kind(),
                    Formula::Level(0),
                )
            },
            feature: property.split('_').next().unwrap_or(property).to_owned(),
            read_range,
            value: FirstValue::new(files.iter().map(|file| device.attribute(file))),
            files,
            fault: fault.map(|fault| device.attribute(&fault)),
            gate: None,
        }
    }

    /// Replaces the function that reads the scale and the limits.
    pub(crate) fn with_range(self, read_range: ReadRange) -> Self {
        Self { read_range, ..self }
    }

    /// Sets a condition under which the sensor is not read.
    pub(crate) fn with_gate(self, gate: Option<Box<dyn Gate>>) -> Self {
        Self { gate, ..self }
    }

    /// The metric without label, and with the limits that are known.
    pub(crate) fn metric(&self) -> Metric {
        self.metric.clone()
    }

    /// A name of two words: the name of the files, because labels of several sensors may begin with the same words.
    fn short_name(&self) -> String {
        let first = self.files.first();
        let alarm = first.and_then(|file| file.strip_prefix(&self.feature));
        let alarm = alarm.filter(|_| std::ptr::eq(self.sensor_type, &ALARM));
        let alarm = alarm.map(alarm_name).unwrap_or_default();
        let kind = alarm.split(' ').find(|word| !word.is_empty());
        let words = [Some(&*self.feature), kind].into_iter().flatten();
        capitalised(words.collect::<Vec<_>>().join(" "))
    }

    /// The label of the driver, with a capital letter; without one, the type and the number. An alarm adds its own
    /// name.
    fn name(&self) -> String {
        let label = fact(self.device.path(&format!("{}_label", self.feature)));
        let label = label.unwrap_or_else(|| {
            let (prefix, number) = split_number(&self.feature);
            let sensor_type = SENSOR_TYPES
                .iter()
                .find(|sensor_type| sensor_type.prefix == prefix);
            let sensor_type = sensor_type.map_or(prefix, |sensor_type| sensor_type.label);
            number.map_or(sensor_type.to_owned(), |number| {
                format!("{sensor_type} {number}")
            })
        });
        let first = self.files.first();
        let name = match first.and_then(|file| file.strip_prefix(&self.feature)) {
            Some(alarm) if std::ptr::eq(self.sensor_type, &ALARM) => label + &alarm_name(alarm),
            _ => label,
        };
        capitalised(plain_text(&name, LONGEST_NAME))
    }
}

fn capitalised(mut name: String) -> String {
    if let Some(first) = name.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    name
}

/// The name of an alarm, from the part of its file name after the feature: `_crit_alarm`.
fn alarm_name(part: &str) -> String {
    let words = part.split('_').map(|word| match word {
        "crit" => "critical",
        "lcrit" => "low critical",
        "max" => "maximum",
        "min" => "minimum",
        word => word,
    });
    words.collect::<Vec<_>>().join(" ")
}

impl Source for Sensor {
    fn about(&self) -> About<'_> {
        About::new(NAME, SCOPE).of_devices(SUBSYSTEMS)
    }

    fn discover(&mut self) -> Result<Vec<Metric>, Error> {
        let mut paths = self.files.iter().map(|file| self.device.path(file));
        if !paths.any(|path| path.exists()) {
            return Ok(Vec::new());
        }
        if let Some(gate) = &mut self.gate {
            gate.discover();
        }
        let mut metric = self.metric();
        let name = self.name();
        metric.short = two_words(&name).map(|_| self.short_name().into());
        metric.name = name.into();
        // Reading a limit may access the chip.
        if self.device.may_be_read().is_ok() {
            let range = (self.read_range)(self.sensor_type, &self.device, &self.feature);
            range.apply(&mut metric);
            // Kept for when the device may not be read.
            range.apply(&mut self.metric);
        }
        Ok(vec![metric])
    }

    fn read(&mut self, columns: &mut Vec<Raw>) -> Result<(), Error> {
        let gate = self.gate.as_mut();
        let may_be_read = self.device.may_be_read();
        let may_be_read = may_be_read.and_then(|()| gate.map_or(Ok(()), |gate| gate.may_be_read()));
        columns.push(if let Err(fault) = may_be_read {
            Raw::Fault(fault)
        } else if self.fault.as_mut().is_some_and(is_set) {
            // The diode is open, or no fan is connected.
            Raw::Fault(Fault::Gone)
        } else {
            self.value.read(|text| self.sensor_type.parse_value(text))?
        });
        Ok(())
    }
}

impl Offloadable for Sensor {
    fn metrics(&self) -> Vec<Metric> {
        vec![self.metric()]
    }

    fn path(&self) -> PathBuf {
        let first = self.files.first().map_or("", String::as_str);
        self.device.path(first)
    }
}

fn is_set(flag: &mut Attribute) -> bool {
    flag.read()
        .is_ok_and(|flag| parse::signed(flag.trim_ascii()) == Some(1))
}

/// Reads the files with the scale and the limits of a feature: `temp1_max`.
pub(crate) fn read_range(sensor_type: &SensorType, device: &Device, feature: &str) -> Range {
    let first = |items: &[&str]| {
        let mut limits = items.iter().filter_map(|item| {
            let text = fact(device.path(&format!("{feature}_{item}")))?;
            sensor_type.parse_limit(&text)
        });
        limits.next()
    };
    let (warning, critical) = (first(sensor_type.warning), first(sensor_type.critical));
    Range {
        minimum: first(sensor_type.minimum),
        maximum: first(sensor_type.maximum),
        limits: match sensor_type.has_lower_limits {
            true => Limits::lower(warning, critical),
            false => Limits::upper(warning, critical),
        },
    }
}
