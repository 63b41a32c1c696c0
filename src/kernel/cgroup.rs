//! The limits of the control groups above the service: `memory.max` and `cpu.max` of cgroup v2.
//!
//! <https://docs.kernel.org/admin-guide/cgroup-v2.html>

mod ancestors;

use crate::{
    metric::{Group, Kind, Metric, Object, unit},
    rate::Formula,
    reading::{Fault, Raw},
    source::{About, Error, Roots, Source, parse, property::Property},
};

use ancestors::{Ancestor, ancestors};

/// The tightest limits: those of a container, of a slice or of a user, which hold for all programs in it.
pub(super) struct CgroupLimits {
    roots: Roots,
    ancestors: Vec<Ancestor>,
    /// The limit of the memory at the last reading, and at the last discovery. It can be set at any time.
    memory_limit: Option<u64>,
    listed_memory_limit: Option<u64>,
}

const MEMORY: usize = 0;
const CPU: usize = 1;

/// The column of the memory in use.
const USED: usize = 1;

/// Each property with the index of its object and the name of its object in ids.
#[rustfmt::skip]
const PROPERTIES: [(usize, &str, Property); 4] = [
    (MEMORY, "memory", Property::new("total", "Total", "Memory that the programs of this control group may use together.", "smallest memory.max of the control groups above the unit of the service, in /sys/fs/cgroup", unit::BYTES, Kind::Gauge)),
    (MEMORY, "memory", Property::new("used", "Used", "Memory that the programs of the control group with that limit use, with the files that they have read.", "memory.current of the control group with the smallest memory.max in /sys/fs/cgroup", unit::BYTES, Kind::Gauge)),
    (MEMORY, "memory", Property::new("usedPercent", "Used percentage", "Share of the memory that the programs of this control group may use together which is in use.", "memory.current / memory.max of the control group with the smallest memory.max in /sys/fs/cgroup", unit::PERCENT, Kind::Gauge)),
    (CPU, "cpu", Property::new("cpuCount", "Processors", "Number of processors whose time the programs of this control group may use together.", "smallest quota / period of cpu.max of the control groups above the unit of the service, in /sys/fs/cgroup", unit::ONE, Kind::Gauge).precision(2)),
];

impl CgroupLimits {
    pub(super) fn new(roots: &Roots) -> Self {
        Self {
            roots: roots.clone(),
            ancestors: Vec::new(),
            memory_limit: None,
            listed_memory_limit: None,
        }
    }

    /// The smallest `memory.max`, and `memory.current` of its control group; none without a limit.
    fn memory(&mut self) -> Option<[Result<u64, Fault>; 2]> {
        let limits = self.ancestors.iter_mut().filter_map(|ancestor| {
            let limit = ancestor.memory_max.limit(memory_max)?;
            Some((limit, &mut ancestor.memory_current))
        });
        // A limit that cannot be read might be the smallest.
        let (limit, current) = limits.min_by_key(|(limit, _)| limit.ok())?;
        let used = current.value(|text| parse::number(text.trim_ascii()));
        let used = used.and_then(|used| Ok(used.min(limit?)));
        Some([limit, used])
    }

    /// The smallest quota of CPU time, in CPUs; none without a limit.
    fn cpus(&mut self) -> Option<Result<f64, Fault>> {
        let limits = self
            .ancestors
            .iter_mut()
            .filter_map(|ancestor| ancestor.cpu_max.limit(cpu_max));
        limits.reduce(|one, other| Ok(one?.min(other?)))
    }
}

impl Source for CgroupLimits {
    fn about(&self) -> About<'_> {
        About::new("cgroup", &["memory/limit/*", "cpu/limit/*"])
    }

    fn discover(&mut self) -> Result<Vec<Metric>, Error> {
        self.ancestors = ancestors(&self.roots)?;
        let memory = self.memory();
        self.memory_limit = memory.and_then(|[limit, _]| limit.ok());
        self.listed_memory_limit = self.memory_limit;
        let is_limited = [memory.is_some(), self.cpus().is_some()];
        let objects = [
            Object::new("Memory limit", Group::Memory),
            Object::new("Processor limit", Group::Processor),
        ];
        let metric = |(column, (object, source, property)): (usize, &(usize, &str, Property))| {
            let formula = Formula::Level(column);
            is_limited[*object].then(|| property.of(source, b"limit", &objects[*object], formula))
        };
        let mut metrics: Vec<_> = PROPERTIES.iter().enumerate().filter_map(metric).collect();
        if memory.is_some() {
            metrics[USED].maximum = self.memory_limit.map(|bytes| bytes as f64);
        }
        Ok(metrics)
    }

    fn changed(&self) -> bool {
        self.memory_limit != self.listed_memory_limit
    }

    fn read(&mut self, columns: &mut Vec<Raw>) -> Result<(), Error> {
        let gone = Err(Fault::Gone);
        let [total, used] = self.memory().unwrap_or([gone; 2]);
        self.memory_limit = total.ok();
        let percent = match (used, total) {
            (Ok(_), Ok(0)) => Err(Fault::Gone),
            (used, total) => {
                used.and_then(|used| total.map(|total| 100.0 * used as f64 / total as f64))
            }
        };
        let bytes = |bytes: u64| bytes as f64;
        let levels = [
            total.map(bytes),
            used.map(bytes),
            percent,
            self.cpus().unwrap_or(Err(Fault::Gone)),
        ];
        columns.extend(levels.map(|level| level.map_or_else(Raw::Fault, Raw::Number)));
        Ok(())
    }
}

/// The limit in a text of `memory.max`: bytes, or `max` without one, which is none.
///
/// ```text
/// 2147483648
/// ```
fn memory_max(text: &[u8]) -> Option<Result<u64, Fault>> {
    match text.trim_ascii() {
        b"max" => None,
        number => Some(parse::number(number).ok_or(Fault::Malformed)),
    }
}

/// The limit in a text of `cpu.max`, in CPUs: the quota in each period, both in microseconds. The quota is `max` without a
/// limit, which is none.
///
/// ```text
/// 150000 100000
/// ```
fn cpu_max(text: &[u8]) -> Option<Result<f64, Fault>> {
    let mut fields = parse::fields(text.trim_ascii());
    let quota = fields.next().filter(|quota| *quota != b"max");
    let [quota, period] = match quota {
        None if !text.trim_ascii().is_empty() => return None,
        quota => [quota, fields.next()].map(|field| field.and_then(parse::number)),
    };
    let cpus = match (quota, period) {
        (Some(quota), Some(period @ 1..)) => Ok(quota as f64 / period as f64),
        _ => Err(Fault::Malformed),
    };
    Some(cpus)
}

#[cfg(test)]
mod tests;
