//! Sensors of cores of one speed.

use std::collections::BTreeSet;

use super::{
    super::{
        topology::Groups,
        zone_name::{Part, Speed},
    },
    Names,
};

impl Names<'_> {
    /// The CPUs of a sensor of cores of one speed.
    pub(super) fn of_speed(&self, speed: Speed, index: Option<u32>) -> Option<BTreeSet<u32>> {
        let indices = self.parts.iter().flatten().filter_map(|part| match part {
            Part::Speed(other, index) if *other == speed => Some(*index),
            _ => None,
        });
        let indices: BTreeSet<_> = indices.collect();
        let position = indices.iter().position(|other| *other == index)?;
        let cpus = self.speed_group(speed)?;
        let cores = self.topology.cores(&cpus);
        let divisions = self
            .topology
            .divisions()
            .into_iter()
            .map(|groups| -> Groups {
                let within = groups.iter().map(|group| group & &cpus);
                within.filter(|group| !group.is_empty()).collect()
            });
        let mut divisions = [cores].into_iter().chain(divisions);
        let groups = divisions.find(|groups| indices.len() > 1 && groups.len() == indices.len());
        // More sensors than cores, or fewer than clusters, are of all cores of the speed.
        groups.map_or(Some(cpus), |groups| groups.into_iter().nth(position))
    }

    /// The CPUs of a speed: by their capacities. Without these, the little cores are the first cluster, as on the systems
    /// whose names know two speeds (rk3588, rk3576, mt8186, mt8188, exynos5433).
    fn speed_group(&self, speed: Speed) -> Option<BTreeSet<u32>> {
        let speeds = self.parts.iter().flatten().filter_map(|part| match part {
            Part::Speed(speed, _) => Some(*speed),
            _ => None,
        });
        let has_middle = speeds.clone().any(|speed| speed == Speed::Middle);
        let are_two = !has_middle && speeds.collect::<BTreeSet<_>>().len() == 2;
        let union = |groups: &[BTreeSet<u32>]| groups.iter().flatten().copied().collect();
        let groups = match self.topology.speeds() {
            Some(groups) if groups.len() > 1 => groups,
            _ if are_two => self.topology.divisions().into_iter().next()?,
            _ => return None,
        };
        let (first, others) = groups.split_first()?;
        match (speed, others.split_last()?) {
            (Speed::Little, _) => Some(first.clone()),
            (Speed::Big, _) if !has_middle => Some(union(others)),
            // Of two speeds it is not known which ones these are.
            (_, (_, [])) => None,
            (Speed::Middle, (_, middle)) => Some(union(middle)),
            (Speed::Big, (last, _)) => Some(last.clone()),
        }
    }
}
