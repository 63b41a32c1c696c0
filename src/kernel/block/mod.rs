//! The block devices of the machine.

pub(super) mod identity;
mod listing;
pub(super) mod mount_source;
mod stacking;
pub(super) mod sysfs;

use std::collections::{HashMap, HashSet};

use crate::{
    metric::{Group, Object},
    source::Roots,
};
use identity::Identity;
use listing::Listed;
use stacking::Stacking;

/// A block device that is not empty.
#[derive(Debug)]
pub(super) struct Device {
    /// The name that the kernel uses until the next boot: `sda1`.
    pub(super) kernel_name: String,
    /// 0:0 where the kernel's list does not tell it.
    pub(super) number: (u64, u64),
    /// An id that is the same on every boot: that of the device itself, or the path to which it is connected if
    /// the device has no id. Of several devices of one id, all but the one in the lowest slot have `#2` and so on. A
    /// partition has the id of its device and `-part1`.
    pub(super) id: String,
    /// Which device it is: another one may have the same names later.
    pub(super) identity: Identity,
    /// The name that the maker gives it, if known.
    pub(super) model: Option<String>,
    /// The number of a partition.
    pub(super) part: Option<u64>,
    /// Whether its bytes are counted in the totals: in no other device that is listed.
    pub(super) is_counted: bool,
    /// Whether the kernel is known to count its requests. If it is not, all counters may stay at 0.
    pub(super) is_accounted: bool,
}

/// One of several paths to an NVMe drive, which the kernel hides from everybody but those who count.
#[derive(Debug)]
pub(super) struct Path {
    pub(super) kernel_name: String,
    /// The kernel's name of the drive.
    pub(super) drive: String,
    pub(super) identity: Identity,
    pub(super) is_counted: bool,
}

impl Device {
    /// The name of a whole device: that of the maker, or of a volume that of the administrator, or else that of the
    /// kernel. A partition has the kernel's.
    pub(super) fn name(&self) -> &str {
        let given = self.given_name().filter(|_| self.part.is_none());
        given.unwrap_or(&self.kernel_name)
    }

    /// The object of its metrics.
    pub(super) fn object(&self) -> Object {
        let title = match (self.given_name(), self.part) {
            (Some(name), Some(part)) => format!("{name}, partition {part}"),
            (Some(name), None) => name.to_owned(),
            (None, _) => self.kernel_name.clone(),
        };
        Object::new(&title, Group::Disks)
    }

    fn given_name(&self) -> Option<&str> {
        let model = self.model.as_deref();
        model.or_else(|| self.id.strip_prefix("dm-name-"))
    }
}

/// The object of the metrics of all disks.
pub(super) fn all_disks() -> Object {
    Object::new("All disks", Group::Disks)
}

/// The devices in a text of `/proc/diskstats`, without the empty ones, such as a card reader without a card and
/// a loop device without a file. If the text has none, as in some containers, those in the kernel's other lists.
pub(super) fn devices(roots: &Roots, text: &[u8]) -> Vec<Device> {
    probe(roots, listing::of_kernel(roots, text)).0
}

/// The devices in a text of `/proc/diskstats` and no other, and the hidden paths to drives.
pub(super) fn of_diskstats(roots: &Roots, text: &[u8]) -> (Vec<Device>, Vec<Path>) {
    probe(roots, listing::of_diskstats(text))
}

fn probe(roots: &Roots, lines: Vec<Listed>) -> (Vec<Device>, Vec<Path>) {
    let listed: HashSet<_> = lines.iter().map(|line| line.name.clone()).collect();
    let listed_names = &listed;
    let stacking = Stacking {
        roots,
        listed: listed_names,
    };
    let counted = stacking.counted();
    let (mut devices, mut partitions, mut paths) = (Vec::new(), Vec::new(), Vec::new());
    for line in lines {
        let kernel = &*line.name;
        let is_counted = counted.contains(kernel);
        if let Some((whole, part)) = sysfs::partition(roots, kernel, &listed) {
            let whole = whole.to_owned();
            partitions.push((line, whole, part, is_counted));
        } else if let Some(drive) = stacking::drive_of_path(kernel) {
            paths.push(Path {
                identity: Identity::new(roots, kernel.to_owned(), kernel, None),
                kernel_name: line.name,
                drive,
                is_counted,
            });
        } else if !is_empty(roots, kernel) {
            let id = identity::device_id(roots, kernel);
            devices.push(Device {
                identity: Identity::new(roots, id.clone(), kernel, None),
                id,
                model: model(roots, kernel),
                part: None,
                is_counted,
                is_accounted: is_accounted(roots, kernel),
                number: line.number,
                kernel_name: line.name,
            });
        }
    }
    number_equal_ids(roots, &mut devices);
    let facts = |device: &Device| {
        let facts = (device.id.clone(), device.model.clone(), device.is_accounted);
        (device.kernel_name.clone(), facts)
    };
    let wholes: HashMap<_, _> = devices.iter().map(facts).collect();
    for (line, whole, part, is_counted) in partitions {
        let facts = match wholes.get(&whole) {
            Some(facts) => facts.clone(),
            // The whole device is empty: its partitions have gone with the medium.
            None if listed.contains(&whole) => continue,
            None => (
                identity::device_id(roots, &whole),
                model(roots, &whole),
                is_accounted(roots, &whole),
            ),
        };
        let (whole_id, model, is_accounted) = facts;
        let id = format!("{whole_id}-part{part}");
        // Linux counts the requests to a drive with several paths for the drive and its paths, not for its partitions.
        let has_paths = paths.iter().any(|path| path.drive == whole);
        devices.push(Device {
            identity: Identity::new(roots, id.clone(), &line.name, Some(&whole)),
            id,
            model,
            part: Some(part),
            is_counted,
            is_accounted: is_accounted && !has_paths,
            number: line.number,
            kernel_name: line.name,
        });
    }
    (devices, paths)
}

/// Numbers the devices of one id in the order of their slots: `id`, `id#2`, `id#3`. Bridges of USB may all have one serial
/// number, and several paths lead to one drive.
fn number_equal_ids(roots: &Roots, devices: &mut [Device]) {
    let mut equal: HashMap<String, Vec<&mut Device>> = HashMap::new();
    for device in devices {
        equal.entry(device.id.clone()).or_default().push(device);
    }
    for (id, mut devices) in equal.into_iter().filter(|(_, devices)| devices.len() > 1) {
        devices.sort_by_cached_key(|device| identity::slot_of(roots, &device.kernel_name));
        for (number, device) in (1_u32..).zip(devices).skip(1) {
            device.id = format!("{id}#{number}");
            device.identity.id = device.id.clone();
        }
    }
}

fn is_empty(roots: &Roots, kernel: &str) -> bool {
    let text = |path: &str| sysfs::attribute_text(&sysfs::directory(roots, kernel).join(path));
    stacking::is_of_driver(kernel, "ram")
        || text("size").is_some_and(|size| size == "0")
        // One of several paths to a drive; the drive has a device of its own.
        || text("hidden").is_some_and(|hidden| hidden == "1")
}

/// Whether `queue/iostats` does not say that the accounting is off. Drivers that count by themselves, such as zram, may
/// count nevertheless.
fn is_accounted(roots: &Roots, kernel: &str) -> bool {
    let iostats = sysfs::directory(roots, kernel).join("queue/iostats");
    sysfs::attribute_text(&iostats).is_none_or(|iostats| iostats != "0")
}

fn model(roots: &Roots, kernel: &str) -> Option<String> {
    let directory = sysfs::directory(roots, kernel);
    let model = sysfs::attribute_text(&directory.join("device/model"))
        .or_else(|| sysfs::attribute_text(&directory.join("device/name")));
    Some(model?.replace('_', " "))
}

#[cfg(test)]
mod tests;
