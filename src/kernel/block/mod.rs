//! The block devices of the machine.

pub(super) mod identity;

use std::collections::{HashMap, HashSet};

use crate::{
    metric::{Group, Object},
    source::{Roots, parse},
};

/// A block device that is not empty.
#[derive(Debug)]
pub(super) struct Device {
    /// The name that the kernel uses until the next boot: `sda1`.
    pub(super) kernel_name: String,
    pub(super) number: (u64, u64),
    /// An id that is the same on every boot: that of the device itself, or the path to which it is connected if
    /// the device has no id or several devices claim the same. A partition has the id of its device and
    /// `-part1`.
    pub(super) id: String,
    /// The name that the maker gives it, if known.
    pub(super) model: Option<String>,
    /// The number of a partition.
    pub(super) part: Option<u64>,
    /// Whether its bytes are counted in no other device: it is whole, and hardware.
    pub(super) is_physical: bool,
}

impl Device {
    /// The object of its metrics. A volume and an array without a model have the names that the administrator gave
    /// them.
    pub(super) fn object(&self) -> Object {
        let name = self.model.as_deref();
        let name = name.or_else(|| self.id.strip_prefix("dm-name-"));
        let title = match (name, self.part) {
            (Some(name), Some(part)) => format!("{name}, partition {part}"),
            (Some(name), None) => name.to_owned(),
            (None, _) => self.kernel_name.clone(),
        };
        Object::new(&title, Group::Disks)
    }
}

/// The object of the metrics of all disks.
pub(super) fn all_disks() -> Object {
    Object::new("All disks", Group::Disks)
}

/// The devices in a text of `/proc/diskstats`, without the empty ones, such as a card reader without a card and
/// a loop device without a file.
pub(super) fn devices(roots: &Roots, text: &[u8]) -> Vec<Device> {
    let mut known = HashSet::new();
    let lines = parse::lines(text).filter_map(line);
    // The kernel writes one line for each device. A second line of a name is skipped.
    let lines: Vec<_> = lines
        .filter(|(_, kernel)| known.insert(kernel.clone()))
        .collect();
    let (mut devices, mut parts) = (Vec::new(), Vec::new());
    for (number, kernel) in &lines {
        if let Some((parent, part)) = identity::partition(roots, kernel, &known) {
            parts.push((*number, kernel, parent, part));
        } else if !is_empty(roots, kernel) {
            devices.push(Device {
                kernel_name: kernel.clone(),
                number: *number,
                id: identity::device_id(roots, kernel),
                model: model(roots, kernel),
                part: None,
                is_physical: is_physical(roots, kernel),
            });
        }
    }
    replace_duplicate_ids(roots, &mut devices);
    let wholes = devices.iter().map(|device| {
        let facts = (device.id.clone(), device.model.clone());
        (device.kernel_name.clone(), facts)
    });
    let wholes: HashMap<_, _> = wholes.collect();
    for (number, kernel, parent, part) in parts {
        let Some((parent, model)) = wholes.get(parent) else {
            continue;
        };
        devices.push(Device {
            kernel_name: kernel.clone(),
            number,
            id: format!("{parent}-part{part}"),
            model: model.clone(),
            part: Some(part),
            is_physical: false,
        });
    }
    devices
}

fn replace_duplicate_ids(roots: &Roots, devices: &mut [Device]) {
    for rename in [identity::path_id, |_: &Roots, kernel: &str| {
        kernel.to_owned()
    }] {
        let mut counts: HashMap<String, usize> = HashMap::new();
        for device in devices.iter() {
            let count = counts.entry(device.id.clone()).or_default();
            *count = count.saturating_add(1);
        }
        for device in devices.iter_mut() {
            if counts[&device.id] > 1 {
                device.id = rename(roots, &device.kernel_name);
            }
        }
    }
}

/// The device number and the name in a line.
fn line(line: &[u8]) -> Option<((u64, u64), String)> {
    let mut fields = parse::fields(line);
    let major = parse::number(fields.next()?)?;
    let minor = parse::number(fields.next()?)?;
    let name = String::from_utf8_lossy(fields.next()?).into_owned();
    Some(((major, minor), name))
}

fn is_empty(roots: &Roots, kernel: &str) -> bool {
    let text =
        |path: &str| identity::attribute_text(&identity::directory(roots, kernel).join(path));
    kernel.starts_with("ram")
        || text("size").is_some_and(|size| size == "0")
        // One of several paths to a drive; the drive has a device of its own.
        || text("hidden").is_some_and(|hidden| hidden == "1")
}

fn is_physical(roots: &Roots, kernel: &str) -> bool {
    let directory = identity::directory(roots, kernel);
    directory.join("device").exists()
        && !["loop", "dm", "md"]
            .iter()
            .any(|subsystem| directory.join(subsystem).exists())
}

fn model(roots: &Roots, kernel: &str) -> Option<String> {
    let directory = identity::directory(roots, kernel);
    let model = identity::attribute_text(&directory.join("device/model"))
        .or_else(|| identity::attribute_text(&directory.join("device/name")));
    Some(model?.replace('_', " "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::tests::{Tree, fixture, roots};

    #[test]
    fn devices_of_one_id_are_distinguished_by_path() {
        let tree = Tree::new();
        for (kernel, slot) in [("sda", "0000:00:17.0/ata1"), ("sdb", "0000:00:17.0/ata2")] {
            let real = format!("devices/pci0000:00/{slot}/block/{kernel}");
            tree.write(&format!("{real}/size"), "1000\n");
            tree.write(&format!("{real}/device/wwid"), "t10.SAME\n");
            tree.write(&format!("{real}/{kernel}1/partition"), "1\n");
            tree.link(&format!("block/{kernel}"), &real);
        }
        let check = |text: &str, expected: &[&str]| {
            let devices = devices(&tree.roots(), text.as_bytes());
            let ids: Vec<_> = devices.iter().map(|device| device.id.as_str()).collect();
            assert_eq!(ids, expected);
        };
        check(
            "8 0 sda 0\n8 1 sda1 0\n8 16 sdb 0\n8 17 sdb1 0\n",
            &[
                "pci-0000:00:17.0-ata1",
                "pci-0000:00:17.0-ata2",
                "pci-0000:00:17.0-ata1-part1",
                "pci-0000:00:17.0-ata2-part1",
            ],
        );
        check("8 0 sda 0\n8 1 sda1 0\n", &["t10.SAME", "t10.SAME-part1"]);
        check("8 1 sda1 0\n8\nx y z\n", &["sda1"]);
    }

    #[test]
    fn fixtures() {
        let text = fixture!("server/proc/diskstats");
        let devices = devices(&roots("server"), text.as_bytes());
        let mut ids: Vec<_> = devices.iter().map(|device| &device.id).collect();
        ids.sort();
        ids.dedup();
        // 63 lines, of which 6 loop devices have no file and the optical drive has no disc.
        assert_eq!(
            (text.lines().count(), ids.len(), devices.len()),
            (63, 56, 56)
        );
        let physical = devices.iter().filter(|device| device.is_physical);
        assert_eq!(physical.count(), 38);
    }
}
