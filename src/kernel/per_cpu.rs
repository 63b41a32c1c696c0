//! A quantity that each CPU has, and the average, minimum and maximum over all CPUs.

mod online;
mod sensors;

use std::{
    collections::HashSet,
    fmt::Display,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    kernel::first_value::FirstValue,
    metric::{Group, Metric, Object},
    rate::Formula,
    reading::{Fault, Raw},
    source::{
        About, Error, NewMember, Roots, Source,
        device::{Device, names, split_number},
        family::Members,
        offload::{Offload, Offloadable, SourceQueue},
        pool::Pool,
        property::{Property, Range},
    },
};

pub(super) use online::CpusOfSysfs;
use sensors::{Sensors, SensorsOfCpu};

/// A quantity of CPUs: frequency or temperature.
pub(super) struct CpuQuantity {
    /// The name of the source.
    pub(super) source: &'static str,
    pub(super) scope: &'static [&'static str],
    pub(super) subsystems: &'static [&'static str],
    pub(super) one: Property,
    /// Average, minimum and maximum.
    pub(super) all: [Property; 3],
}

impl CpuQuantity {
    pub(super) const fn about(&self) -> About<'static> {
        About::new(self.source, self.scope).of_devices(self.subsystems)
    }

    /// The metric of one CPU.
    pub(super) fn metric_of_one(&self, cpu: u32, column: usize) -> Metric {
        let (id, object) = (format!("cpu{cpu}"), one_cpu(cpu));
        self.one
            .of("cpu", id.as_bytes(), &object, Formula::Level(column))
    }

    /// The metrics of all CPUs, in the first three columns.
    pub(super) fn metrics_of_all(&self) -> Vec<Metric> {
        let object = all_cpus();
        let properties = self.all.iter().enumerate();
        properties
            .map(|(column, property)| property.of("cpu", b"all", &object, Formula::Level(column)))
            .collect()
    }
}

/// Parses the text of a file with a value.
type Parse = fn(&[u8]) -> Raw;

/// A sensor with the value of a CPU, or of the processor as a whole.
#[derive(Clone)]
pub(super) struct CpuSensor {
    /// None for a sensor of which it is not known which CPU it measures: it counts among all CPUs.
    pub(super) cpu: Option<u32>,
    pub(super) device: Device,
    /// The files that may have the value, the best first.
    pub(super) files: Vec<String>,
    /// Parses the text of a file.
    pub(super) parse: Parse,
    /// Reads the scale and the limits from the device.
    pub(super) read_range: Arc<dyn Fn(&Device) -> Range + Send + Sync>,
    /// Whether it counts among all CPUs.
    pub(super) is_counted: bool,
}

impl CpuSensor {
    fn value(&self) -> FirstValue {
        FirstValue::new(self.files.iter().map(|file| self.device.attribute(file)))
    }

    fn path(&self) -> PathBuf {
        let first = self.files.first().map_or("", String::as_str);
        self.device.path(first)
    }
}

/// The members of the family of a quantity: one for each CPU that has a sensor, and one for all.
pub(super) struct CpuMembers {
    quantity: &'static CpuQuantity,
    online: Arc<CpusOfSysfs>,
    queue: SourceQueue,
    sensors: Arc<Sensors>,
    members: Members<Option<u32>>,
}

impl CpuMembers {
    pub(super) fn new(quantity: &'static CpuQuantity, roots: &Roots, pool: &Pool) -> Self {
        Self {
            quantity,
            online: Arc::new(CpusOfSysfs::new(roots)),
            queue: SourceQueue::new(pool, quantity.source, false),
            sensors: Arc::default(),
            members: Members::default(),
        }
    }

    /// Whether the numbers of the CPUs are those of sysfs: see [`CpusOfSysfs::are_of_sysfs`].
    pub(super) fn are_of_sysfs(&self) -> bool {
        self.online.read();
        self.online.are_of_sysfs()
    }

    /// The new members for the sensors that were found. Members that are known read the sensors of now. A CPU may have
    /// several sensors: then the greatest value counts, as the hottest spot of a core does. A CPU that is offline may have
    /// no sensor for now, and keeps its metrics.
    pub(super) fn find(&mut self, found: Vec<CpuSensor>) -> Vec<NewMember> {
        let mut probe = self.members.probe();
        if !found.is_empty() {
            let (quantity, sensors) = (self.quantity, self.sensors.clone());
            probe.find(&None, || {
                Offload::boxed(&self.queue, AllCpus::new(quantity, &self.online, sensors))
            });
        }
        self.sensors.replace(found);
        for cpu in self.sensors.cpus() {
            let (quantity, sensors) = (self.quantity, self.sensors.clone());
            probe.find(&Some(cpu), || {
                Offload::boxed(
                    &self.queue,
                    SingleCpu::new(quantity, &self.online, cpu, sensors),
                )
            });
        }
        probe.finish_keeping_all()
    }
}

/// The object of the metrics of all CPUs.
pub(super) fn all_cpus() -> Object {
    Object::new("All processors", Group::Processor)
}

/// The object of the metrics of the CPU with this number.
pub(super) fn one_cpu(number: impl Display) -> Object {
    Object::new(&format!("Core {number}"), Group::Processor)
}

/// The sensors of CPUs as those of unknown ones, each once.
pub(super) fn of_unknown_cpus(mut sensors: Vec<CpuSensor>) -> Vec<CpuSensor> {
    let mut paths = HashSet::new();
    sensors.retain(|sensor| sensor.is_counted && paths.insert(sensor.path()));
    for sensor in &mut sensors {
        sensor.cpu = None;
    }
    sensors
}

/// The CPUs that have a directory in sysfs, offline CPUs included.
pub(super) fn cpus(sys: &Path) -> Result<Vec<u32>, Error> {
    let names = names(&sys.join("devices/system/cpu"))?;
    let numbers = names.iter().filter_map(|name| match split_number(name) {
        ("cpu", number) => number,
        _ => None,
    });
    Ok(numbers.collect())
}

/// The average, the minimum and the maximum of some values; the fault if there is none.
pub(super) fn summary(values: &[f64], fault: Fault) -> [Raw; 3] {
    let average = values.iter().sum::<f64>() / values.len() as f64;
    let minimum = values.iter().copied().reduce(f64::min);
    let maximum = values.iter().copied().reduce(f64::max);
    [minimum.map(|_| average), minimum, maximum]
        .map(|value| value.map_or(Raw::Fault(fault), Raw::Number))
}

/// The value of one CPU.
struct SingleCpu {
    quantity: &'static CpuQuantity,
    online: Arc<CpusOfSysfs>,
    cpu: u32,
    sensors: SensorsOfCpu,
}

impl SingleCpu {
    fn new(
        quantity: &'static CpuQuantity,
        online: &Arc<CpusOfSysfs>,
        cpu: u32,
        sensors: Arc<Sensors>,
    ) -> Self {
        Self {
            quantity,
            online: online.clone(),
            cpu,
            sensors: SensorsOfCpu::new(sensors, Some(cpu)),
        }
    }
}

impl Source for SingleCpu {
    fn about(&self) -> About<'_> {
        self.quantity.about()
    }

    fn discover(&mut self) -> Result<Vec<Metric>, Error> {
        self.online.forget();
        let sensors = self.sensors.all();
        let is_there = |sensor: &&CpuSensor| {
            let mut files = sensor.files.iter();
            files.any(|file| sensor.device.path(file).exists())
        };
        let Some(sensor) = sensors.iter().find(is_there) else {
            return Ok(Vec::new());
        };
        let mut metric = self.quantity.metric_of_one(self.cpu, 0);
        (sensor.read_range)(&sensor.device).apply(&mut metric);
        Ok(vec![metric])
    }

    fn read(&mut self, columns: &mut Vec<Raw>) -> Result<(), Error> {
        self.online.read();
        columns.push(match self.online.contains(self.cpu) {
            true => self.sensors.greatest()?,
            false => Raw::Fault(Fault::Gone),
        });
        Ok(())
    }
}

impl Offloadable for SingleCpu {
    fn metrics(&self) -> Vec<Metric> {
        vec![self.quantity.metric_of_one(self.cpu, 0)]
    }

    fn path(&self) -> PathBuf {
        let first = self.sensors.all().into_iter().next();
        first.map_or_else(|| self.online.path(), |sensor| sensor.path())
    }
}

/// Average, minimum and maximum over the CPUs that are online, and the sensors of unknown CPUs.
struct AllCpus {
    quantity: &'static CpuQuantity,
    online: Arc<CpusOfSysfs>,
    sensors: SensorsOfCpu,
}

impl AllCpus {
    fn new(
        quantity: &'static CpuQuantity,
        online: &Arc<CpusOfSysfs>,
        sensors: Arc<Sensors>,
    ) -> Self {
        Self {
            quantity,
            online: online.clone(),
            sensors: SensorsOfCpu::new(sensors, None),
        }
    }
}

impl Source for AllCpus {
    fn about(&self) -> About<'_> {
        self.quantity.about()
    }

    fn discover(&mut self) -> Result<Vec<Metric>, Error> {
        self.online.forget();
        Ok(self.metrics())
    }

    fn read(&mut self, columns: &mut Vec<Raw>) -> Result<(), Error> {
        self.online.read();
        // A CPU that has no value is left out, as long as another CPU has one.
        let online = &self.online;
        let (values, fault) = self.sensors.values(|cpu| online.contains(cpu));
        columns.extend(summary(&values, fault));
        Ok(())
    }
}

impl Offloadable for AllCpus {
    fn metrics(&self) -> Vec<Metric> {
        self.quantity.metrics_of_all()
    }

    fn path(&self) -> PathBuf {
        self.online.path()
    }
}
