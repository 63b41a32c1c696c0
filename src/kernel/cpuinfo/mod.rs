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
    online: File,
    cpuinfo: PathBuf,
    cpus: PathBuf,
    model: PathBuf,
    /// The list for which the summary is valid; empty if there is no list, and then each reading renews the
    /// summary.
    last_online: Vec<u8>,
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
    "number of CPUs in /sys/devices/system/cpu/online, or number of processor in /proc/cpuinfo",
    unit::ONE,
    Kind::Gauge,
);

impl CpuInfo {
    pub(super) fn new(roots: &Roots) -> Self {
        let cpus = roots.sys.join("devices/system/cpu");
        Self {
            online: File::attribute(cpus.join("online")),
            cpuinfo: roots.proc.join("cpuinfo"),
            cpus,
            model: roots.proc.join("device-tree/model"),
            last_online: Vec::new(),
            summary: CpuSummary::default(),
            columns: Vec::new(),
        }
    }

    fn refresh(&mut self) -> Result<(), Error> {
        // A container may have no /sys. Then /proc/cpuinfo is the only source.
        let online = self.online.read().unwrap_or_default();
        if !online.is_empty() && online == self.last_online {
            return Ok(());
        }
        self.last_online.clear();
        // The file is not kept open, because it is long and rarely read.
        let mut info = parse_cpuinfo(File::of_records(&self.cpuinfo).read()?);
        if info.all.is_none() {
            let model = File::new(&self.model).read().ok().map(parse::text);
            info.all = model.filter(|model| !model.is_empty());
        }
        let list = parse::list(online);
        let listed = list.as_ref().and_then(|list| cores(&self.cpus, list));
        self.summary = CpuSummary {
            cores: listed.or(info.cores),
            count: list
                .map(|list| list.len())
                .or(Some(info.count).filter(|&count| count > 0)),
            info,
        };
        self.last_online.extend_from_slice(online);
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
mod tests {
    use super::*;
    use crate::{
        rate::Formula,
        source::tests::{Tree, fixture, read, roots},
    };

    fn ids(metrics: &[Metric]) -> Vec<&str> {
        metrics.iter().map(|metric| &*metric.id).collect()
    }

    #[test]
    fn laptop_by_topology() {
        let mut laptop = CpuInfo::new(&roots("laptop"));
        let metrics = laptop.discover().unwrap();
        assert_eq!(
            ids(&metrics)[..4],
            [
                "cpu/all/name",
                "cpu/all/coreCount",
                "cpu/all/cpuCount",
                "cpu/cpu0/name"
            ]
        );
        let name = Raw::Text("Intel(R) Core(TM) i5-7200U CPU @ 2.50GHz".into());
        assert_eq!(
            read(&mut laptop)[..4],
            [name.clone(), Raw::Number(2.0), Raw::Number(4.0), name]
        );
    }

    #[test]
    fn server_by_cpuinfo() {
        let mut server = CpuInfo::new(&roots("server"));
        assert_eq!(server.discover().unwrap().len(), 3 + 128);
        assert_eq!(read(&mut server)[1..3], [64.0, 128.0].map(Raw::Number));
    }

    #[test]
    fn without_sysfs_the_processors_are_counted() {
        let tree = Tree::new();
        tree.write("cpuinfo", fixture!("server/proc/cpuinfo"));
        let mut server = CpuInfo::new(&tree.roots());
        assert_eq!(read(&mut server)[1..3], [64.0, 128.0].map(Raw::Number));
        tree.write("cpuinfo", fixture!("laptop/proc/cpuinfo"));
        assert_eq!(read(&mut server)[1..3], [2.0, 4.0].map(Raw::Number));
        assert_eq!(tree.descriptors(), 0);
    }

    #[test]
    fn a_board_without_names_of_cpus() {
        let tree = Tree::new();
        tree.write("cpuinfo", "processor\t: 0\n\nprocessor\t: 1\n");
        let mut board = CpuInfo::new(&tree.roots());
        assert_eq!(ids(&board.discover().unwrap()), ["cpu/all/cpuCount"]);
        tree.write("device-tree/model", "Some Board\0");
        let metrics = board.discover().unwrap();
        assert_eq!(ids(&metrics), ["cpu/all/name", "cpu/all/cpuCount"]);
        assert_eq!(metrics[1].formula, Formula::Level(COUNT));
        let gone = Raw::Fault(Fault::Gone);
        assert_eq!(
            read(&mut board),
            [Raw::Text("Some Board".into()), gone, Raw::Number(2.0)]
        );
    }

    #[test]
    fn cpuinfo_is_read_again_when_the_cpus_online_change() {
        let tree = Tree::new();
        let block = |number| format!("processor\t: {number}\nmodel name\t: AMD EPYC\n\n");
        tree.write("devices/system/cpu/online", "0-1\n");
        tree.write("cpuinfo", &(block(0) + &block(1)));
        let mut cpus = CpuInfo::new(&tree.roots());
        cpus.discover().unwrap();
        let both = read(&mut cpus);
        assert_eq!(both.len(), FIRST + 2);
        // The list of online CPUs is the same, so cpuinfo is not read.
        tree.write("cpuinfo", &block(0));
        assert_eq!(read(&mut cpus), both);
        tree.write("devices/system/cpu/online", "0\n");
        let one = read(&mut cpus);
        assert_eq!(one[COUNT], Raw::Number(1.0));
        assert_eq!(one[FIRST], both[FIRST]);
        assert_eq!(one[FIRST + 1], Raw::Fault(Fault::Gone));
        tree.write("devices/system/cpu/online", "0-1\n");
        tree.write("cpuinfo", &(block(0) + &block(1)));
        assert_eq!(read(&mut cpus), both);
    }
}
