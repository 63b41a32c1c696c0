//! The CPUs that each sensor of a processor measures.
//!
//! The cooling devices of a thermal zone tell which CPUs the kernel slows down when the zone is hot. Otherwise the name
//! of the zone tells it, together with the names of the others and with the topology.

mod speeds;

use std::collections::{BTreeMap, BTreeSet};

use super::{
    topology::{Groups, Topology},
    zone_name::{Extent, Part, is_other_part, part},
};

/// A sensor that may be of the processor.
#[derive(Debug, Default)]
pub(super) struct Candidate {
    /// The type of the thermal zone, or the label of the sensor.
    pub(super) name: String,
    /// The CPUs that the kernel slows down when it is hot; empty if not known.
    pub(super) cooled: BTreeSet<u32>,
}

/// The sensors of the CPUs, as indices of candidates.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Placement {
    /// The sensors nearest to each CPU.
    pub(super) of_cpus: BTreeMap<u32, Vec<usize>>,
    /// Sensors of CPUs of which it is not known which these are. Without CPUs, those of the whole processor.
    pub(super) of_unknown: Vec<usize>,
}

/// A sensor with the CPUs that it measures.
struct Placed {
    index: usize,
    /// None if not known.
    cpus: Option<BTreeSet<u32>>,
    /// Whether only its cooling devices tell of a processor, and its extent. The first rank counts.
    rank: (bool, Extent),
}

/// Places each sensor.
pub(super) fn place(candidates: &[Candidate], topology: &Topology) -> Placement {
    let names = Names::new(candidates, topology);
    let placed: Vec<_> = (0..candidates.len())
        .filter_map(|index| names.place(index))
        .collect();
    let mut placement = Placement::default();
    for cpu in &names.all {
        let of_cpu = placed.iter().filter_map(|sensor| {
            let cpus = sensor.cpus.as_ref().filter(|cpus| cpus.contains(cpu))?;
            Some(((sensor.rank.0, cpus.len(), sensor.rank.1), sensor.index))
        });
        let of_cpu: Vec<_> = of_cpu.collect();
        if let Some((nearest, _)) = of_cpu.iter().min() {
            let nearest = of_cpu.iter().filter(|(nearness, _)| nearness == nearest);
            let nearest = nearest.map(|(_, index)| *index).collect();
            placement.of_cpus.insert(*cpu, nearest);
        }
    }
    let is_unknown = |sensor: &&Placed| names.all.is_empty() || sensor.cpus.is_none();
    let unknown: Vec<_> = placed.iter().filter(is_unknown).collect();
    let first = unknown.iter().map(|sensor| sensor.rank).min();
    let unknown = unknown.iter().filter(|sensor| Some(sensor.rank) == first);
    placement.of_unknown = unknown.map(|sensor| sensor.index).collect();
    placement
}

/// The names of all sensors, because the meaning of a number depends on the others.
struct Names<'a> {
    candidates: &'a [Candidate],
    parts: Vec<Option<Part>>,
    topology: &'a Topology,
    /// The CPUs that are online.
    all: BTreeSet<u32>,
    /// The number after the last CPU, offline ones included as far as they are known.
    end: u32,
    /// The CPU numbers of names with one number.
    singles: BTreeSet<u32>,
    /// The numbers of names with more than one: the first two.
    pairs: BTreeSet<(u32, u32)>,
    has_triples: bool,
}

impl<'a> Names<'a> {
    fn new(candidates: &'a [Candidate], topology: &'a Topology) -> Self {
        let parts: Vec<_> = candidates
            .iter()
            .map(|candidate| part(&candidate.name))
            .collect();
        let all = topology.all();
        let known = topology.policies.iter().flatten().chain(&all);
        let end = known.max().map_or(0, |last| last.saturating_add(1));
        let mut names = Self {
            candidates,
            topology,
            all,
            end,
            singles: BTreeSet::new(),
            pairs: BTreeSet::new(),
            has_triples: false,
            parts: Vec::new(),
        };
        for part in parts.iter().flatten() {
            let Part::Numbered(numbers) = part else {
                continue;
            };
            let parsed: Vec<u32> = numbers
                .iter()
                .filter_map(|number| number.parse().ok())
                .collect();
            match parsed[..] {
                [single] => names.singles.extend(Some(single)),
                [first, second, ..] => {
                    names.pairs.insert((first, second));
                    names.has_triples |= parsed.len() > 2;
                }
                [] => {}
            }
        }
        Self { parts, ..names }
    }

    fn place(&self, index: usize) -> Option<Placed> {
        let candidate = &self.candidates[index];
        let cooled = &candidate.cooled & &self.all;
        let (rank, cpus) = match &self.parts[index] {
            Some(Part::Whole(extent)) => ((false, *extent), Some(self.all.clone())),
            Some(Part::Package) => ((false, Extent::Package), Some(self.package(index))),
            Some(part) => ((false, Extent::Cpus), self.cpus(part, cooled)),
            // The kernel slows CPUs down for many parts: the name of another one is no CPU's.
            None if cooled.is_empty() || is_other_part(&candidate.name) => return None,
            None => ((true, Extent::Cpus), Some(cooled)),
        };
        Some(Placed { index, cpus, rank })
    }

    /// The CPUs of a part, within those that are cooled for it.
    fn cpus(&self, part: &Part, cooled: BTreeSet<u32>) -> Option<BTreeSet<u32>> {
        let named = match part {
            Part::Numbered(numbers) => self.numbered(numbers),
            Part::Clusters(numbers) => self.clusters(numbers),
            Part::Speed(speed, index) => self.of_speed(*speed, *index),
            Part::Whole(_) | Part::Package => Some(self.all.clone()),
        };
        if cooled.is_empty() {
            return named;
        }
        // `cpu0-thermal` is the sensor of all CPUs that are cooled for it, unless each of them has its own.
        let is_single = matches!(part, Part::Numbered(numbers) if numbers.len() == 1);
        let is_own = !is_single || cooled.is_subset(&self.singles);
        named
            .filter(|named| is_own && named.is_subset(&cooled))
            .or(Some(cooled))
    }

    /// The package of a sensor: the drivers make their zones in the order of the packages.
    fn package(&self, index: usize) -> BTreeSet<u32> {
        let is_package = |part: &&Option<Part>| **part == Some(Part::Package);
        let count = self.parts.iter().filter(is_package).count();
        let before = self.parts.iter().take(index).filter(is_package).count();
        let packages = self.topology.packages();
        match packages.len() == count {
            true => packages.into_iter().nth(before).unwrap_or_default(),
            false => self.all.clone(),
        }
    }

    fn numbered(&self, numbers: &[String]) -> Option<BTreeSet<u32>> {
        let parsed = numbers.iter().map(|number| number.parse().ok());
        let parsed: Option<Vec<u32>> = parsed.collect();
        match (&parsed?[..], numbers) {
            ([number], [digits]) => self.single(*number, digits),
            ([first, last], _) if self.are_ranges() => Some((*first..=*last).collect()),
            ([cluster, core, ..], _) => self.core_of_cluster(*cluster, *core),
            _ => None,
        }
    }

    /// The CPUs of a name with one number.
    fn single(&self, number: u32, digits: &str) -> Option<BTreeSet<u32>> {
        // `cpu4567-thermal` is of four CPUs.
        let list: Vec<_> = digits
            .chars()
            .filter_map(|digit| digit.to_digit(10))
            .collect();
        let is_list = list.len() > 1 && list.is_sorted_by(|one, other| one < other);
        if is_list && number >= self.end && list.last().is_some_and(|&last| last < self.end) {
            return Some(list.into_iter().collect());
        }
        let count = self.singles.len();
        let is_from_zero = self.singles.iter().copied().eq(0..count as u32);
        if count < self.all.len() && is_from_zero {
            let mut divisions = self.topology.divisions().into_iter();
            if count == 1 {
                return Some(self.all.clone());
            }
            if let Some(groups) = divisions.find(|groups| groups.len() == count) {
                return groups.into_iter().nth(number as usize);
            }
        }
        (number < self.end).then(|| BTreeSet::from([number]))
    }

    /// Whether pairs of numbers are ranges of CPUs, as on msm8916 (`cpu0-1-thermal`, `cpu2-3-thermal`), and not a cluster
    /// and a core, as on x1e80100 (`cpu0-1-top-thermal`).
    fn are_ranges(&self) -> bool {
        let is_range = |&(first, last): &(u32, u32)| first < last && last < self.end;
        let mut sorted = self.pairs.iter().zip(self.pairs.iter().skip(1));
        !self.has_triples
            && self.pairs.iter().all(is_range)
            && sorted.all(|((_, last), (first, _))| last < first)
    }

    /// The CPUs of a core, by the number of its cluster and its number there.
    fn core_of_cluster(&self, cluster: u32, core: u32) -> Option<BTreeSet<u32>> {
        let clusters = self.pairs.iter().map(|(cluster, _)| *cluster).max()?;
        let clusters = clusters.saturating_add(1) as usize;
        let mut divisions = self.topology.divisions();
        divisions.push(vec![self.all.clone()]);
        let cores = divisions
            .into_iter()
            .filter(|groups| groups.len() == clusters);
        let mut cores = cores.map(|groups| -> Vec<Groups> {
            groups
                .iter()
                .map(|group| self.topology.cores(group))
                .collect()
        });
        let place = |cores: &[Groups], (cluster, core): (u32, u32)| {
            cores.get(cluster as usize)?.get(core as usize).cloned()
        };
        let fits =
            |cores: &Vec<Groups>| self.pairs.iter().all(|&pair| place(cores, pair).is_some());
        if let Some(cores) = cores.find(fits) {
            return place(&cores, (cluster, core));
        }
        // Without clusters in the topology, the CPUs are in the order of the names.
        let position = self
            .pairs
            .iter()
            .position(|pair| *pair == (cluster, core))?;
        let cpu = self.all.iter().nth(position).copied();
        let cpu = cpu.filter(|_| self.pairs.len() == self.all.len())?;
        Some(BTreeSet::from([cpu]))
    }

    /// The CPUs of clusters by their numbers.
    fn clusters(&self, numbers: &[u32]) -> Option<BTreeSet<u32>> {
        let all = self.parts.iter().flatten().filter_map(|part| match part {
            Part::Clusters(numbers) => Some(numbers),
            _ => None,
        });
        let all: BTreeSet<u32> = all.flatten().copied().collect();
        if numbers.is_empty() || all.iter().eq(&[0]) {
            return Some(self.all.clone());
        }
        let last = *all.last()? as usize;
        let mut divisions = self.topology.divisions().into_iter();
        let groups = divisions.find(|groups| last < groups.len())?;
        let of_numbers = numbers
            .iter()
            .filter_map(|&number| groups.get(number as usize));
        Some(of_numbers.flatten().copied().collect())
    }
}

#[cfg(test)]
mod tests;
