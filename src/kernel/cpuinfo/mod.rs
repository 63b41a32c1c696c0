//! The CPUs of the machine: `/proc/cpuinfo` and the topology in `/sys/devices/system/cpu`.

pub(super) mod record;

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    kernel::{
        cpuinfo::record::{CpuInfoFile, parse_cpuinfo},
        lxcfs,
        online_cpus::OnlineCpus,
        per_cpu::{all_cpus, one_cpu},
    },
    metric::{Kind, Metric, unit},
    rate::Formula,
    reading::{Fault, Raw},
    source::{About, Error, Roots, Source, file::File, parse, property::Property},
};

/// The names and the number of the CPUs.
///
/// They change only when CPUs go offline or come back, and `/proc/cpuinfo` is expensive: it has a kilobyte and
/// more for each CPU, and some kernels wake every CPU and wait, to show its frequency. So a reading reads
/// nothing but the list of the CPUs that are online, until that list changes.
pub(super) struct CpuInfo {
    online: OnlineCpus,
    proc: PathBuf,
    cpus: PathBuf,
    model: PathBuf,
    /// Whether `/proc/cpuinfo` may change while the list of CPUs does not: there is no such list, or the file is that
    /// of a container.
    is_virtual: bool,
    summary: CpuSummary,
    /// The numbers of the CPUs that have columns. The list only grows.
    columns: Vec<u32>,
}

#[derive(Default)]
struct CpuSummary {
    info: CpuInfoFile,
    cores: Option<usize>,
    count: Option<usize>,
}

const NAME: usize = 0;
const CORES: usize = 1;
const COUNT: usize = 2;
/// The column of the first CPU's name.
const FIRST: usize = 3;

const NAME_PROPERTY: Property = Property::text(
    "name",
    "Model",
    "Model of the processor.",
    "model name of /proc/cpuinfo, or the field that has the model on other architectures, or /proc/device-tree/model",
);
const CORES_PROPERTY: Property = Property::new(
    "coreCount",
    "Physical cores",
    "Number of physical cores that are online.",
    "distinct core_cpus_list of /sys/devices/system/cpu/cpu*/topology, or distinct pairs of physical id and core id of /proc/cpuinfo",
    unit::ONE,
    Kind::Gauge,
);
const COUNT_PROPERTY: Property = Property::new(
    "cpuCount",
    "Logical processors",
    "Number of hardware threads that are online.",
    "number of CPUs in /sys/devices/system/cpu/online, of lines cpuN in /proc/stat, or of processor in /proc/cpuinfo; the smallest in a container",
    unit::ONE,
    Kind::Gauge,
);

impl CpuInfo {
    pub(super) fn new(roots: &Roots) -> Self {
        Self {
            online: OnlineCpus::new(roots),
            proc: roots.proc.clone(),
            cpus: roots.sys.join("devices/system/cpu"),
            model: roots.proc.join("device-tree/model"),
            is_virtual: true,
            summary: CpuSummary::default(),
            columns: Vec::new(),
        }
    }

    fn refresh(&mut self) -> Result<(), Error> {
        let online = self.online.read();
        if !self.is_virtual && matches!(online, Ok(false)) {
            return Ok(());
        }
        // The file is not kept open, because it is long and rarely read.
        let mut cpuinfo = File::of_records(self.proc.join("cpuinfo"));
        let mut info = match cpuinfo.read() {
            Ok(text) => parse_cpuinfo(text),
            // The number of CPUs needs no names.
            Err(error) if online.is_err() => return Err(error),
            Err(_) => CpuInfoFile::default(),
        };
        if info.all.is_none() {
            let model = File::new(&self.model).read().ok().map(parse::text);
            info.all = model.filter(|model| !model.is_empty());
        }
        let none = BTreeSet::new();
        let numbers = if online.is_ok() {
            self.online.numbers()
        } else {
            &none
        };
        // One of the files is that of a container: the one with fewer CPUs.
        let counts = [numbers.len(), info.count].into_iter();
        let count = counts.filter(|&count| count > 0).min();
        let cores = match count == Some(numbers.len()) && self.online.are_of_sysfs() {
            true => cores(&self.cpus, numbers),
            false => None,
        };
        let of_cpuinfo = info.cores.filter(|_| count == Some(info.count));
        if count == Some(numbers.len()) {
            info.each.retain(|number, _| numbers.contains(number));
        }
        self.is_virtual = online.is_err()
            || info.count > 0 && count != Some(info.count)
            || count != Some(numbers.len())
            || lxcfs::provides(&self.proc, "cpuinfo");
        self.summary = CpuSummary {
            cores: cores.or(of_cpuinfo),
            count,
            info,
        };
        Ok(())
    }
}

impl Source for CpuInfo {
    fn about(&self) -> About<'_> {
        About::new(
            "cpuinfo",
            &["cpu/*/name", "cpu/all/coreCount", "cpu/all/cpuCount"],
        )
        .of_devices(&["cpu"])
    }

    fn discover(&mut self) -> Result<Vec<Metric>, Error> {
        self.refresh()?;
        let summary = &self.summary;
        let CpuInfoFile { all, each, .. } = &summary.info;
        let new = each.keys().filter(|number| !self.columns.contains(number));
        let new: Vec<_> = new.copied().collect();
        self.columns.extend(new);
        let mut metrics = Vec::new();
        let object = all_cpus();
        let of_all = |property: Property, column| {
            property.of("cpu", b"all", &object, Formula::Level(column))
        };
        if all.is_some() {
            metrics.push(of_all(NAME_PROPERTY, NAME));
        }
        let counts = [
            (CORES_PROPERTY, CORES, summary.cores),
            (COUNT_PROPERTY, COUNT, summary.count),
        ];
        for (property, column, count) in counts {
            if count.is_some() {
                let metric = of_all(property, column);
                metrics.push(Metric {
                    minimum: Some(1.0),
                    ..metric
                });
            }
        }
        let columns = self.columns.iter().enumerate();
        metrics.extend(columns.map(|(index, number)| {
            let formula = Formula::Level(FIRST.saturating_add(index));
            let id = format!("cpu{number}");
            NAME_PROPERTY.of("cpu", id.as_bytes(), &one_cpu(number), formula)
        }));
        Ok(metrics)
    }

    fn read(&mut self, columns: &mut Vec<Raw>) -> Result<(), Error> {
        self.refresh()?;
        let CpuSummary { info, cores, count } = &self.summary;
        columns.push(text(info.all.as_ref()));
        columns.push(number(*cores));
        columns.push(number(*count));
        let each = self.columns.iter();
        columns.extend(each.map(|number| text(info.each.get(number))));
        Ok(())
    }
}

fn text(name: Option<&Arc<str>>) -> Raw {
    name.map_or(Raw::Fault(Fault::Gone), |name| Raw::Text(name.clone()))
}

fn number(count: Option<usize>) -> Raw {
    count.map_or(Raw::Fault(Fault::Gone), |count| Raw::Number(count as f64))
}

/// The number of physical cores among the CPUs that are online, if the kernel has the topology of each CPU.
///
/// All CPUs of one core have the same list. The pairs of ids in `/proc/cpuinfo` are the second choice: ARM has
/// none, and on the first AMD Zen they repeat in each die of a package.
fn cores(cpus: &Path, online: &BTreeSet<u32>) -> Option<usize> {
    let list = |number: &u32| {
        let topology = cpus.join(format!("cpu{number}/topology"));
        // The name before Linux 5.3 is the second.
        let names = ["core_cpus_list", "thread_siblings_list"];
        names.iter().find_map(|name| {
            let mut file = File::attribute(topology.join(name));
            parse::list(file.read().ok()?)
        })
    };
    let lists: Option<BTreeSet<_>> = online.iter().map(list).collect();
    lists.map(|lists| lists.len())
}

#[cfg(test)]
mod tests;
