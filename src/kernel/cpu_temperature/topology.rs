//! The topology of the CPUs, as far as sysfs has it.
//!
//! <https://docs.kernel.org/admin-guide/cputopology.html>

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use crate::{
    kernel::{
        cpufreq::policies,
        per_cpu::{CpusOfSysfs, cpus},
    },
    source::{Error, Roots, device::fact, parse},
};

/// A CPU that is online. What sysfs does not have is 0 or none.
#[derive(Clone, Debug)]
pub(super) struct Cpu {
    pub(super) number: u32,
    /// `physical_package_id`
    pub(super) package: u32,
    /// `die_id`
    pub(super) die: u32,
    /// `cluster_id`
    cluster: Option<u32>,
    /// `core_id`
    pub(super) core: u32,
    /// `cpu_capacity`: the relative speed of the CPU.
    pub(super) capacity: Option<u64>,
}

/// Groups of CPUs, in order.
pub(super) type Groups = Vec<BTreeSet<u32>>;

/// The CPUs that are online, and their groups.
#[derive(Debug, Default)]
pub(super) struct Topology {
    /// In the order of their numbers.
    pub(super) cpus: Vec<Cpu>,
    /// The CPUs of each cpufreq policy, offline ones included.
    pub(super) policies: Groups,
}

impl Topology {
    pub(super) fn read(roots: &Roots) -> Result<Self, Error> {
        let sys = &*roots.sys;
        let online = CpusOfSysfs::new(roots);
        online.read();
        // In a container whose CPUs are not those of sysfs, all CPUs of the host are taken.
        let is_online = |cpu: &u32| !online.are_of_sysfs() || online.contains(*cpu);
        let cpus = cpus(sys)?.into_iter().filter(is_online);
        let policies = policies(sys).unwrap_or_default();
        Ok(Self {
            cpus: cpus.map(|cpu| Cpu::read(sys, cpu)).collect(),
            policies: policies.into_iter().map(|policy| policy.cpus).collect(),
        })
    }

    /// All CPUs.
    pub(super) fn all(&self) -> BTreeSet<u32> {
        self.cpus.iter().map(|cpu| cpu.number).collect()
    }

    /// The CPUs of each package, in the order of `physical_package_id`.
    pub(super) fn packages(&self) -> Groups {
        self.groups(|cpu| Some(cpu.package))
    }

    /// The CPUs of each die, in the order of package and die.
    pub(super) fn dies(&self) -> Groups {
        self.groups(|cpu| Some((cpu.package, cpu.die)))
    }

    /// The groups of CPUs that may be meant by a number of a cluster, the most likely ones first. Linux shows the
    /// clusters of ARM as packages, or by `cluster_id`, depending on its version; the policies of cpufreq are clusters
    /// on most systems on a chip.
    pub(super) fn divisions(&self) -> Vec<Groups> {
        let cores = self.groups(|cpu| Some(cpu.core_key())).len();
        let clusters = self.groups(|cpu| Some((cpu.package, cpu.cluster?)));
        let online = self.all();
        let policies = self.policies.iter();
        let policies = policies.map(|policy| policy & &online);
        let policies: Groups = policies.filter(|policy| !policy.is_empty()).collect();
        let is_division = |groups: &Groups| {
            let count: usize = groups.iter().map(BTreeSet::len).sum();
            groups.len() > 1 && groups.len() < cores && count == online.len()
        };
        let divisions = [clusters, self.packages(), policies];
        divisions.into_iter().filter(is_division).collect()
    }

    /// The cluster of a CPU, as the first division that may show clusters has it.
    pub(super) fn cluster_of(&self, cpu: u32) -> Option<BTreeSet<u32>> {
        let division = self.divisions().into_iter().next()?;
        division.into_iter().find(|cluster| cluster.contains(&cpu))
    }

    /// The cores of a group of CPUs, in the order of their ids: the CPUs of each.
    pub(super) fn cores(&self, group: &BTreeSet<u32>) -> Groups {
        self.groups(|cpu| group.contains(&cpu.number).then_some(cpu.core_key()))
    }

    /// The CPUs of one capacity, the slowest first; none if a capacity is not known.
    pub(super) fn speeds(&self) -> Option<Groups> {
        let all = self.cpus.iter().map(|cpu| cpu.capacity);
        all.collect::<Option<Vec<_>>>()?;
        Some(self.groups(|cpu| cpu.capacity))
    }

    fn groups<K: Ord>(&self, key: impl Fn(&Cpu) -> Option<K>) -> Groups {
        let mut groups: BTreeMap<K, BTreeSet<u32>> = BTreeMap::new();
        for cpu in &self.cpus {
            if let Some(key) = key(cpu) {
                groups.entry(key).or_default().insert(cpu.number);
            }
        }
        groups.into_values().collect()
    }
}

impl Cpu {
    /// The core: on ARM, `core_id` counts in each cluster.
    fn core_key(&self) -> (u32, u32, Option<u32>, u32) {
        (self.package, self.die, self.cluster, self.core)
    }

    fn read(sys: &Path, number: u32) -> Self {
        let directory = sys.join(format!("devices/system/cpu/cpu{number}"));
        // An id that the firmware does not tell is -1.
        let id = |file: &str| -> Option<u32> {
            fact(directory.join("topology").join(file))?.parse().ok()
        };
        Self {
            number,
            package: id("physical_package_id").unwrap_or(0),
            die: id("die_id").unwrap_or(0),
            cluster: id("cluster_id"),
            // Without a topology each CPU is a core.
            core: id("core_id").unwrap_or_else(|| match directory.join("topology").is_dir() {
                true => 0,
                false => number,
            }),
            capacity: fact(directory.join("cpu_capacity")).and_then(|text| text.parse().ok()),
        }
    }
}

/// The CPUs that share the last cache of a CPU: on AMD those of a core complex.
pub(super) fn cache_sharers(sys: &Path, cpu: u32) -> Option<BTreeSet<u32>> {
    let cache = sys.join(format!("devices/system/cpu/cpu{cpu}/cache"));
    let indices = (0..8).map(|index| cache.join(format!("index{index}")));
    let mut third =
        indices.filter(|index| fact(index.join("level")).is_some_and(|level| level == "3"));
    parse::list(fact(third.next()?.join("shared_cpu_list"))?.as_bytes())
}
