//! The energy counters (RAPL) of the packages of the processor and of their parts.
//!
//! <https://docs.kernel.org/power/powercap/powercap.html>

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{
    metric::{Group, Kind, Metric, Object, unit},
    rate::Formula,
    reading::Raw,
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

/// The new zones. The counters of the firmware for the same packages (`intel-rapl-mmio`) are left out.
fn find(
    class: &Path,
    losses: &Losses,
    members: &mut Members<ZoneKey>,
) -> Result<Vec<NewMember>, Error> {
    let mut probe = members.probe();
    for zone in names(class)? {
        // intel-rapl:0 is a package and intel-rapl:0:1 a part of it. Zones of AMD have the same names.
        let Some((package, part)) = zone.strip_prefix("intel-rapl:").map(split) else {
            continue;
        };
        let name = |zone: &str| fact(class.join(zone).join("name"));
        let (Some(whole), Some(part_name)) = (name(&format!("intel-rapl:{package}")), name(&zone))
        else {
            continue;
        };
        let id = part.map_or(whole.clone(), |_| format!("{whole}:{part_name}"));
        let title = match whole.strip_prefix("package-") {
            Some(number) => format!("CPU package {number}"),
            None => whole,
        };
        let title = part.map_or(title.clone(), |_| format!("{title}, {part_name}"));
        let Ok(directory) = fs::canonicalize(class.join(&zone)) else {
            continue;
        };
        let device = Device::new(directory, None, losses);
        probe.find(&(id.clone(), device.registration()), || {
            Box::new(RaplZone {
                id,
                object: Object::new(&title, Group::Power),
                path: device.path("energy_uj"),
                energy: device.attribute("energy_uj"),
            })
        });
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
        columns.push(Raw::Counter(energy));
        columns.push(Raw::Number(energy as f64 / 1e6));
        Ok(())
    }
}
