//! A sysfs attribute that each CPU has, and the average, minimum and maximum over all CPUs.

use std::{
    collections::BTreeSet,
    fmt::Display,
    mem,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use crate::{
    metric::{Group, Metric, Object},
    rate::Formula,
    reading::{Fault, Raw},
    source::{
        About, Error, Provider, Roots, Source,
        device::{Attribute, Device, Losses, names, split_number},
        family::{self, Members},
        file::File,
        offload::{Offload, Offloadable, SourceQueue},
        parse,
        pool::Pool,
        property::{Property, Range},
    },
};

/// A quantity of CPUs: frequency or temperature.
pub(super) struct CpuQuantity {
    /// The name of the source.
    pub(super) source: &'static str,
    pub(super) scope: &'static [&'static str],
    pub(super) subsystems: &'static [&'static str],
    pub(super) one: Property,
    /// Average, minimum and maximum.
    pub(super) all: [Property; 3],
    /// Parses the text of a file.
    pub(super) value: fn(&[u8]) -> Raw,
}

impl CpuQuantity {
    const fn about(&self) -> About<'static> {
        About::new(self.source, self.scope).of_devices(self.subsystems)
    }
}

/// The attribute with the value of a CPU.
pub(super) struct CpuAttribute {
    pub(super) cpu: u32,
    pub(super) device: Device,
    pub(super) file: String,
    /// Reads the scale and the limits from the device.
    pub(super) read_range: Box<dyn Fn(&Device) -> Range + Send>,
}

/// The family of a quantity: a member for each CPU that `find` returns an attribute for, and one for all.
pub(super) fn family(
    quantity: &'static CpuQuantity,
    roots: &Roots,
    pool: &Pool,
    losses: Losses,
    mut find: impl FnMut() -> Result<Vec<CpuAttribute>, Error> + Send + 'static,
) -> Provider {
    let sys = roots.sys.clone();
    let mut members = Members::default();
    let new_cpus = NewCpus::default();
    let queue = SourceQueue::new(pool, quantity.source, false);
    family::of_devices(quantity.about(), losses, move || {
        let attributes = find()?;
        let mut probe = members.probe();
        if !attributes.is_empty() {
            probe.find(&None, || {
                Offload::boxed(&queue, AllCpus::new(quantity, &sys, new_cpus.clone()))
            });
        }
        for attribute in attributes {
            let device = attribute.device.registration();
            probe.find(&Some((attribute.cpu, device)), || {
                let mut new_cpus = new_cpus.lock().unwrap_or_else(PoisonError::into_inner);
                new_cpus.push((attribute.cpu, attribute.device.attribute(&attribute.file)));
                Offload::boxed(&queue, SingleCpu::new(quantity, &sys, attribute))
            });
        }
        // A CPU that is offline may have no attribute for now.
        Ok(probe.finish_keeping_all())
    })
}

/// The object of the metrics of all CPUs.
pub(super) fn all_cpus() -> Object {
    Object::new("All processors", Group::Processor)
}

/// The object of the metrics of the CPU with this number.
pub(super) fn one_cpu(number: impl Display) -> Object {
    Object::new(&format!("Core {number}"), Group::Processor)
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

/// The CPUs that are online. A CPU that is offline may still have a file, with its last value or with that of
/// another CPU of its core.
struct OnlineCpus {
    file: File,
    last_text: Vec<u8>,
    cpus: BTreeSet<u32>,
}

impl OnlineCpus {
    fn new(sys: &Path) -> Self {
        Self {
            file: File::attribute(sys.join("devices/system/cpu/online")),
            last_text: Vec::new(),
            cpus: BTreeSet::new(),
        }
    }

    fn cpus(&mut self) -> Result<&BTreeSet<u32>, Error> {
        let text = self.file.read()?;
        if text != self.last_text || text.is_empty() {
            self.last_text = text.to_vec();
            let list = parse::list(&self.last_text);
            self.cpus =
                list.ok_or_else(|| Error::malformed(self.file.path(), "no list of numbers"))?;
        }
        Ok(&self.cpus)
    }
}

/// The value of one CPU.
struct SingleCpu {
    quantity: &'static CpuQuantity,
    online: OnlineCpus,
    attribute: CpuAttribute,
    value: Attribute,
}

impl SingleCpu {
    fn new(quantity: &'static CpuQuantity, sys: &Path, attribute: CpuAttribute) -> Self {
        Self {
            quantity,
            online: OnlineCpus::new(sys),
            value: attribute.device.attribute(&attribute.file),
            attribute,
        }
    }

    fn metric(&self) -> Metric {
        let cpu = self.attribute.cpu;
        let (id, object) = (format!("cpu{cpu}"), one_cpu(cpu));
        let property = self.quantity.one;
        property.of("cpu", id.as_bytes(), &object, Formula::Level(0))
    }
}

impl Source for SingleCpu {
    fn about(&self) -> About<'_> {
        self.quantity.about()
    }

    fn discover(&mut self) -> Result<Vec<Metric>, Error> {
        if !self.path().exists() {
            return Ok(Vec::new());
        }
        let mut metric = self.metric();
        let range = (self.attribute.read_range)(&self.attribute.device);
        range.apply(&mut metric);
        Ok(vec![metric])
    }

    fn read(&mut self, columns: &mut Vec<Raw>) -> Result<(), Error> {
        columns.push(if self.online.cpus()?.contains(&self.attribute.cpu) {
            (self.quantity.value)(self.value.read()?)
        } else {
            Raw::Fault(Fault::Gone)
        });
        Ok(())
    }
}

impl Offloadable for SingleCpu {
    fn metrics(&self) -> Vec<Metric> {
        vec![self.metric()]
    }

    fn path(&self) -> PathBuf {
        self.attribute.device.path(&self.attribute.file)
    }
}

/// The CPUs that [`AllCpus`] has not added yet. They are passed on through this list because a thread of the
/// pool may be reading `AllCpus`.
type NewCpus = Arc<Mutex<Vec<(u32, Attribute)>>>;

/// Average, minimum and maximum over the CPUs that are online.
struct AllCpus {
    quantity: &'static CpuQuantity,
    online: OnlineCpus,
    values: Vec<(u32, Attribute)>,
    new_cpus: NewCpus,
}

impl AllCpus {
    fn new(quantity: &'static CpuQuantity, sys: &Path, new_cpus: NewCpus) -> Self {
        Self {
            quantity,
            online: OnlineCpus::new(sys),
            values: Vec::new(),
            new_cpus,
        }
    }
}

impl Source for AllCpus {
    fn about(&self) -> About<'_> {
        self.quantity.about()
    }

    fn discover(&mut self) -> Result<Vec<Metric>, Error> {
        Ok(self.metrics())
    }

    fn read(&mut self, columns: &mut Vec<Raw>) -> Result<(), Error> {
        let new_cpus =
            mem::take(&mut *self.new_cpus.lock().unwrap_or_else(PoisonError::into_inner));
        for (cpu, value) in new_cpus {
            // The device of the CPU was registered again, or another sensor measures it now.
            self.values.retain(|(known, _)| *known != cpu);
            self.values.push((cpu, value));
        }
        let online = self.online.cpus()?;
        let mut values = Vec::new();
        let mut reason = Fault::Gone;
        for (cpu, value) in &mut self.values {
            if !online.contains(cpu) {
                continue;
            }
            match value.read().map(self.quantity.value) {
                Ok(Raw::Number(value)) => values.push(value),
                Ok(Raw::Fault(fault)) => reason = fault,
                Ok(_) => reason = Fault::Malformed,
                Err(error) => reason = error.fault(),
            }
        }
        let average = values.iter().sum::<f64>() / values.len() as f64;
        let minimum = values.iter().copied().reduce(f64::min);
        let maximum = values.iter().copied().reduce(f64::max);
        // A CPU that has no value is left out, as long as another CPU has one.
        columns.extend(
            [minimum.map(|_| average), minimum, maximum]
                .map(|value| value.map_or(Raw::Fault(reason), Raw::Number)),
        );
        Ok(())
    }
}

impl Offloadable for AllCpus {
    fn metrics(&self) -> Vec<Metric> {
        let object = all_cpus();
        let properties = self.quantity.all.iter().enumerate();
        properties
            .map(|(column, property)| property.of("cpu", b"all", &object, Formula::Level(column)))
            .collect()
    }

    fn path(&self) -> PathBuf {
        self.online.file.path().to_owned()
    }
}
