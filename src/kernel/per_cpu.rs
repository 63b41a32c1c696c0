//! What each CPU has a file of its own for, and the average, minimum and maximum of all.

use std::{
    collections::BTreeSet,
    mem,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use crate::{
    metric::Metric,
    rate::Formula,
    reading::{Fault, Raw},
    source::{
        About, Error, Provider, Roots, Source,
        device::{Attribute, Device, fact, names, split_number},
        family::{self, Members},
        file::File,
        offload::{Offload, Offloadable, SourceQueue},
        parse,
        pool::Pool,
        property::Property,
    },
};

/// A quantity: frequency, temperature.
pub(super) struct Quantity {
    /// The name of the source.
    pub(super) source: &'static str,
    pub(super) scope: &'static [&'static str],
    pub(super) subsystems: &'static [&'static str],
    pub(super) one: Property,
    /// Average, minimum and maximum.
    pub(super) all: [Property; 3],
    /// What the text of a file says.
    pub(super) value: fn(&[u8]) -> Raw,
}

impl Quantity {
    const fn about(&self) -> About<'static> {
        About::new(self.source, self.scope).of_devices(self.subsystems)
    }
}

/// Where a CPU's value is.
pub(super) struct Spot {
    pub(super) cpu: u32,
    pub(super) device: Device,
    pub(super) file: String,
    /// The files with the smallest and the largest value that can occur.
    pub(super) limits: [Option<String>; 2],
}

/// The family of a quantity: a member for each CPU that `find` has a spot for, and one for all.
pub(super) fn family(
    quantity: &'static Quantity,
    roots: &Roots,
    pool: &Pool,
    mut find: impl FnMut() -> Result<Vec<Spot>, Error> + Send + 'static,
) -> Provider {
    let sys = roots.sys.clone();
    let mut members = Members::default();
    let news = News::default();
    let queue = SourceQueue::new(pool, quantity.source, false);
    family::of_devices(quantity.about(), move || {
        let spots = find()?;
        let mut probe = members.probe();
        if !spots.is_empty() {
            probe.find(&None, || {
                Offload::boxed(&queue, All::new(quantity, &sys, news.clone()))
            });
        }
        for spot in spots {
            probe.find(&Some(spot.cpu), || {
                let mut news = news.lock().unwrap_or_else(PoisonError::into_inner);
                news.push((spot.cpu, spot.device.attribute(&spot.file)));
                Offload::boxed(&queue, One::new(quantity, &sys, spot))
            });
        }
        // A CPU that is offline may have no spot for now.
        Ok(probe.finish_keeping_all())
    })
}

/// The CPUs that the kernel has directories for, those included that are offline.
pub(super) fn cpus(sys: &Path) -> Result<Vec<u32>, Error> {
    let names = names(&sys.join("devices/system/cpu"))?;
    let numbers = names.iter().filter_map(|name| match split_number(name) {
        ("cpu", number) => number,
        _ => None,
    });
    Ok(numbers.collect())
}

/// Which CPUs are online. One that is not may still have a file, with what it last ran at or what
/// another CPU of its core has.
struct Online {
    file: File,
    seen: Vec<u8>,
    cpus: BTreeSet<u32>,
}

impl Online {
    fn new(sys: &Path) -> Self {
        Self {
            file: File::attribute(sys.join("devices/system/cpu/online")),
            seen: Vec::new(),
            cpus: BTreeSet::new(),
        }
    }

    fn cpus(&mut self) -> Result<&BTreeSet<u32>, Error> {
        let text = self.file.read()?;
        if text != self.seen || text.is_empty() {
            self.seen = text.to_vec();
            let list = parse::list(&self.seen);
            self.cpus =
                list.ok_or_else(|| Error::malformed(self.file.path(), "no list of numbers"))?;
        }
        Ok(&self.cpus)
    }
}

/// The value of one CPU.
struct One {
    quantity: &'static Quantity,
    online: Online,
    spot: Spot,
    value: Attribute,
}

impl One {
    fn new(quantity: &'static Quantity, sys: &Path, spot: Spot) -> Self {
        Self {
            quantity,
            online: Online::new(sys),
            value: spot.device.attribute(&spot.file),
            spot,
        }
    }

    fn metric(&self) -> Metric {
        let cpu = self.spot.cpu;
        let (object, whose) = (format!("cpu{cpu}"), format!("CPU {cpu}"));
        let property = self.quantity.one;
        property.of("cpu", object.as_bytes(), &whose, Formula::Level(0))
    }

    fn limit(&self, file: &Option<String>) -> Option<f64> {
        let text = fact(self.spot.device.path(file.as_ref()?))?;
        match (self.quantity.value)(text.as_bytes()) {
            Raw::Number(limit) if limit > 0.0 => Some(limit),
            _ => None,
        }
    }
}

impl Source for One {
    fn about(&self) -> About<'_> {
        self.quantity.about()
    }

    fn discover(&mut self) -> Result<Vec<Metric>, Error> {
        if !self.path().exists() {
            return Ok(Vec::new());
        }
        let metric = self.metric();
        let [minimum, maximum] = &self.spot.limits;
        Ok(vec![Metric {
            minimum: self.limit(minimum).or(metric.minimum),
            maximum: self.limit(maximum).or(metric.maximum),
            ..metric
        }])
    }

    fn read(&mut self, columns: &mut Vec<Raw>) -> Result<(), Error> {
        columns.push(if self.online.cpus()?.contains(&self.spot.cpu) {
            (self.quantity.value)(self.value.read()?)
        } else {
            Raw::Fault(Fault::Gone)
        });
        Ok(())
    }
}

impl Offloadable for One {
    fn metrics(&self) -> Vec<Metric> {
        vec![self.metric()]
    }

    fn path(&self) -> PathBuf {
        self.spot.device.path(&self.spot.file)
    }
}

/// The CPUs that [`All`] has yet to hear of: it may be busy with a reading on the pool.
type News = Arc<Mutex<Vec<(u32, Attribute)>>>;

/// Average, minimum and maximum of the CPUs that are online.
struct All {
    quantity: &'static Quantity,
    online: Online,
    values: Vec<(u32, Attribute)>,
    news: News,
}

impl All {
    fn new(quantity: &'static Quantity, sys: &Path, news: News) -> Self {
        Self {
            quantity,
            online: Online::new(sys),
            values: Vec::new(),
            news,
        }
    }
}

impl Source for All {
    fn about(&self) -> About<'_> {
        self.quantity.about()
    }

    fn discover(&mut self) -> Result<Vec<Metric>, Error> {
        Ok(self.metrics())
    }

    fn read(&mut self, columns: &mut Vec<Raw>) -> Result<(), Error> {
        let news = mem::take(&mut *self.news.lock().unwrap_or_else(PoisonError::into_inner));
        self.values.extend(news);
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
        // One that has none for once is left out, as long as there is another.
        columns.extend(
            [minimum.map(|_| average), minimum, maximum]
                .map(|value| value.map_or(Raw::Fault(reason), Raw::Number)),
        );
        Ok(())
    }
}

impl Offloadable for All {
    fn metrics(&self) -> Vec<Metric> {
        let properties = self.quantity.all.iter().enumerate();
        properties
            .map(|(column, property)| property.of("cpu", b"all", "CPU", Formula::Level(column)))
            .collect()
    }

    fn path(&self) -> PathBuf {
        self.online.file.path().to_owned()
    }
}
