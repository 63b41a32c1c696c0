//! The energy counters (RAPL) of the packages of the processor and of their parts.
//!
//! <https://docs.kernel.org/power/powercap/powercap.html>

use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
};

use crate::{
    metric::{Group, Kind, Metric, Object, unit},
    rate::Formula,
    reading::{Fault, Raw},
    source::{
        About, Error, NewMember, Provider, Roots, Source,
        device::{Attribute, Device, Losses, Registration, fact, names},
        family::{self, Members},
        parse,
        property::Property,
    },
};

/// A RAPL zone.
struct RaplZone {
    /// Its object in ids.
    id: String,
    object: Object,
    path: PathBuf,
    energy: Attribute,
    /// The first count, while the counter has not moved.
    unmoved: Unmoved,
}

/// Whether the counter has ever moved: hypervisors answer for it with a constant.
enum Unmoved {
    Unread,
    At(u64),
    Moved,
}

const POWER: Property = Property::new(
    "power",
    "Power",
    "Electrical power that this part of the processor uses.",
    "growth of energy_uj (µJ) of the zone in /sys/class/powercap per second, which only root may read since Linux 5.10; reset where it wraps at max_energy_range_uj",
    unit::WATTS,
    Kind::Rate,
);
const ENERGY: Property = Property::new(
    "energy",
    "Energy",
    "Energy that this part of the processor has used since its counter last began at 0.",
    "energy_uj (µJ) of the zone in /sys/class/powercap, which only root may read since Linux 5.10 and which wraps at max_energy_range_uj",
    unit::JOULES,
    Kind::Total,
);

/// The family of the RAPL zones.
pub(super) fn family(roots: &Roots) -> Provider {
    let class = roots.sys.join("class/powercap");
    let mut members = Members::default();
    let scope = &["power/*/power", "power/*/energy"];
    let about = About::new("power", scope).of_devices(&["powercap"]);
    let losses = Losses::default();
    family::of_devices(about, losses.clone(), move || {
        find(&class, &losses, &mut members)
    })
}

/// The object of a zone in ids, and its registration: a counter of another registration is no baseline.
type ZoneKey = (String, Option<Registration>);

/// The interfaces to the counters, the best first. Each has a package (`intel-rapl:0`) and its parts (`intel-rapl:0:1`).
/// AMD has the names of the first, and the package of both is one counter: the second counts where it is alone.
const INTERFACES: [&str; 2] = ["intel-rapl:", "intel-rapl-mmio:"];

/// The new zones.
fn find(
    class: &Path,
    losses: &Losses,
    members: &mut Members<ZoneKey>,
) -> Result<Vec<NewMember>, Error> {
    let mut probe = members.probe();
    let zones = names(class)?;
    let mut wholes = HashSet::new();
    for interface in INTERFACES {
        let name = |zone: &str| fact(class.join(format!("{interface}{zone}")).join("name"));
        let mut new_wholes = HashSet::new();
        for zone in zones.iter().filter_map(|zone| zone.strip_prefix(interface)) {
            let (package, part) = split(zone);
            let (Some(whole), Some(part_name)) = (name(package), name(zone)) else {
                continue;
            };
            let Ok(directory) = fs::canonicalize(class.join(format!("{interface}{zone}"))) else {
                continue;
            };
            let device = Device::new(directory, None, losses);
            let path = device.path("energy_uj");
            if wholes.contains(&whole) || !path.exists() {
                continue;
            }
            new_wholes.insert(whole.clone());
            let id = part.map_or(whole.clone(), |_| format!("{whole}:{part_name}"));
            let title = match whole.strip_prefix("package-") {
                Some(number) => format!("CPU package {number}"),
                None => whole,
            };
            let title = part.map_or(title.clone(), |_| format!("{title}, {part_name}"));
            probe.find(&(id.clone(), device.registration()), || {
                Box::new(RaplZone {
                    id,
                    object: Object::new(&title, Group::Power),
                    path,
                    energy: device.attribute("energy_uj"),
                    unmoved: Unmoved::Unread,
                })
            });
        }
        wholes.extend(new_wholes);
    }
    Ok(probe.finish())
}

fn split(zone: &str) -> (&str, Option<&str>) {
    match zone.split_once(':') {
        Some((package, part)) => (package, Some(part)),
        None => (zone, None),
    }
}

impl RaplZone {
    fn metrics(&self) -> Vec<Metric> {
        let of = |property: Property, formula| {
            property.of("power", self.id.as_bytes(), &self.object, formula)
        };
        let rate = Formula::Rate {
            counter: 0,
            scale: 1e-6,
        };
        vec![of(POWER, rate), of(ENERGY, Formula::Level(1))]
    }
}

impl Source for RaplZone {
    fn about(&self) -> About<'_> {
        About::new("power", &["power/*/power", "power/*/energy"]).of_devices(&["powercap"])
    }

    fn may_have(&self, is_meant: &dyn Fn(&str) -> bool) -> bool {
        self.metrics().iter().any(|metric| is_meant(&metric.id))
    }

    fn discover(&mut self) -> Result<Vec<Metric>, Error> {
        // The metrics depend only on the presence of the file: the service may have no permission to read it.
        let is_there = self.path.exists();
        Ok(if is_there { self.metrics() } else { Vec::new() })
    }

    fn read(&mut self, columns: &mut Vec<Raw>) -> Result<(), Error> {
        let energy = parse::ended_number(self.energy.read()?);
        let energy = energy.ok_or_else(|| Error::malformed(&self.path, "no number"))?;
        self.unmoved = match self.unmoved {
            Unmoved::Unread => Unmoved::At(energy),
            Unmoved::At(first) if first == energy => {
                columns.push(Raw::Fault(Fault::Stale));
                columns.push(total(energy));
                return Ok(());
            }
            _ => Unmoved::Moved,
        };
        columns.push(Raw::Counter(energy));
        columns.push(total(energy));
        Ok(())
    }
}

/// The energy in joules. A counter at 0 has not measured.
fn total(energy: u64) -> Raw {
    match energy {
        0 => Raw::Fault(Fault::Stale),
        energy => Raw::Number(energy as f64 / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::source::tests::{
        Tree,
        members::{new_members, readings},
        read,
    };

    fn zone(tree: &Tree, zone: &str, name: &str, energy: u64) {
        let directory = format!("class/powercap/{zone}");
        tree.write(&format!("{directory}/name"), &format!("{name}\n"));
        tree.write(&format!("{directory}/energy_uj"), &format!("{energy}\n"));
    }

    fn energies(tree: &Tree) -> BTreeMap<String, String> {
        let readings = readings(vec![family(&tree.roots())]).into_iter();
        let energies = readings.filter_map(|(id, reading)| {
            let id = id.strip_prefix("power/")?.strip_suffix("/energy")?;
            Some((id.to_owned(), format!("{reading:?}")))
        });
        energies.collect()
    }

    #[test]
    fn a_package_is_counted_by_one_interface() {
        let tree = Tree::new();
        zone(&tree, "intel-rapl-mmio:0", "package-0", 7_000_000);
        zone(&tree, "intel-rapl-mmio:0:0", "dram", 8_000_000);
        let number = |number: f64| format!("Ok(Number({number:?}))");
        let found = energies(&tree);
        assert_eq!(
            found.keys().collect::<Vec<_>>(),
            ["package-0", "package-0:dram"]
        );
        assert_eq!(found["package-0"], number(7.0));
        zone(&tree, "intel-rapl:0", "package-0", 1_000_000);
        zone(&tree, "intel-rapl:0:0", "core", 2_000_000);
        zone(&tree, "intel-rapl:1", "psys", 3_000_000);
        zone(&tree, "intel-rapl-mmio:1", "package-1", 9_000_000);
        let found = energies(&tree);
        let expected = ["package-0", "package-0:core", "package-1", "psys"];
        assert_eq!(found.keys().collect::<Vec<_>>(), expected);
        assert_eq!(
            [&found["package-0"], &found["package-1"]],
            [&number(1.0), &number(9.0)]
        );
    }

    #[test]
    fn a_counter_that_never_moves_has_no_power() {
        let tree = Tree::new();
        zone(&tree, "intel-rapl:0", "package-0", 0);
        let mut member = new_members(&mut family(&tree.roots())).remove(0);
        let stale = Raw::Fault(Fault::Stale);
        assert_eq!(read(member.as_mut()), [Raw::Counter(0), stale.clone()]);
        assert_eq!(read(member.as_mut()), [stale.clone(), stale]);
        zone(&tree, "intel-rapl:0", "package-0", 5_000_000);
        let moved = [Raw::Counter(5_000_000), Raw::Number(5.0)];
        assert_eq!(read(member.as_mut()), moved);
        // It may stand still later.
        assert_eq!(read(member.as_mut()), moved);
    }
}
