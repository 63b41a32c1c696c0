//! Devices on top of devices: in which of them a byte is counted once.
//!
//! A partition, a volume, an array and a cache hand each request on to the devices below. The kernel links these in the
//! directory `slaves` of the upper device and the upper device in `holders` of the lower ones (`bd_link_disk_holder` in
//! block/holder.c). Device mapper, md, bcache and DRBD do so.

use std::{collections::HashSet, fs};

use super::sysfs::{directory, partition};
use crate::{regular_file, source::Roots};

/// A device at the bottom of the stack, as far as the list of devices shows it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Bottom {
    /// A drive, or a device that stands on drives which are not listed.
    Drive,
    /// A device without hardware of which the kernel does not tell where its bytes go: of a server, as of nbd, of a
    /// program, as of ublk, of a ZFS pool, or nowhere, as of dm-zero.
    Virtual,
}

/// The stack of the listed devices.
pub(super) struct Stacking<'a> {
    pub(super) roots: &'a Roots,
    /// The names of all devices in the list.
    pub(super) listed: &'a HashSet<String>,
}

impl Stacking<'_> {
    /// The names of the devices in which bytes are counted. Virtual devices are counted only where no drive is listed,
    /// as in a container or on a machine without disks: elsewhere, their bytes are in general those of a drive.
    pub(super) fn counted(&self) -> HashSet<&str> {
        let bottoms = self.listed.iter();
        let bottoms = bottoms.filter_map(|name| Some((self.bottom(name)?, &**name)));
        let (drives, others): (Vec<_>, Vec<_>) =
            bottoms.partition(|(bottom, _)| *bottom == Bottom::Drive);
        let counted = if drives.is_empty() { others } else { drives };
        counted.into_iter().map(|(_, name)| name).collect()
    }

    /// Whether a listed device is at the bottom; none if its bytes are in a listed device below, or in memory, or in a
    /// file.
    fn bottom(&self, name: &str) -> Option<Bottom> {
        let mut seen = HashSet::new();
        let below = self.below(name);
        let is_elsewhere = |below: &String| self.is_counted_below(below, &mut seen);
        if is_memory_or_file(name) || below.iter().any(is_elsewhere) {
            return None;
        }
        let has_hardware = || match self.directory_exists(name) {
            true => self.has_device(name),
            false => !has_virtual_name(name),
        };
        Some(match !below.is_empty() || has_hardware() {
            true => Bottom::Drive,
            false => Bottom::Virtual,
        })
    }

    /// Whether the bytes of a device below another one are in a listed device, in memory or in a file.
    fn is_counted_below(&self, name: &str, seen: &mut HashSet<String>) -> bool {
        // The kernel makes no cycle of holders; a fixture might.
        if !seen.insert(name.to_owned()) {
            return false;
        }
        let is_counted_below = |below: &String| self.is_counted_below(below, seen);
        self.listed.contains(name)
            || is_memory_or_file(name)
            || self.below(name).iter().any(is_counted_below)
    }

    /// The devices directly below this one: the whole device of a partition, the paths to an NVMe drive, and otherwise
    /// the slaves.
    fn below(&self, name: &str) -> Vec<String> {
        if let Some((whole, _)) = partition(self.roots, name, self.listed) {
            return vec![whole.to_owned()];
        }
        let slaves = directory(self.roots, name).join("slaves");
        let slaves = regular_file::entries(&slaves);
        let slaves = slaves.into_iter().flatten().filter_map(|slave| {
            let slave = slave.file_name().into_string().ok()?;
            Some(slave.replace('!', "/"))
        });
        let is_path = |path: &&String| {
            name.starts_with("nvme") && drive_of_path(path).as_deref() == Some(name)
        };
        let paths = self.listed.iter().filter(is_path).cloned();
        slaves.chain(paths).collect()
    }

    fn directory_exists(&self, name: &str) -> bool {
        directory(self.roots, name).is_dir()
    }

    /// Whether the device has a parent that is no block driver's own, such as ublk's. The drives of ATA over Ethernet
    /// have none.
    fn has_device(&self, name: &str) -> bool {
        let device = directory(self.roots, name).join("device");
        let has_parent = fs::symlink_metadata(device).is_ok();
        has_parent && !name.starts_with("ublkb") || name.starts_with("etherd/")
    }
}

/// The drive to which a hidden NVMe device is a path: `nvme0n1` of `nvme0c1n1`. The first number is that of the
/// subsystem, the second that of the controller (`nvme_mpath_set_disk_name` in drivers/nvme/host).
pub(super) fn drive_of_path(name: &str) -> Option<String> {
    let (subsystem, rest) = name.strip_prefix("nvme")?.split_once('c')?;
    let (controller, namespace) = rest.split_once('n')?;
    let is_number =
        |text: &str| !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit());
    [subsystem, controller, namespace]
        .into_iter()
        .all(is_number)
        .then(|| format!("nvme{subsystem}n{namespace}"))
}

/// Whether it is a RAM disk, compressed memory, or a loop device, whose file is on another file system.
fn is_memory_or_file(name: &str) -> bool {
    ["ram", "zram", "loop"]
        .iter()
        .any(|driver| is_of_driver(name, driver))
}

/// Whether the name is one that a driver without hardware gives.
fn has_virtual_name(name: &str) -> bool {
    const DRIVERS: [&str; 10] = [
        "dm-", "md", "md_d", "bcache", "drbd", "nbd", "nullb", "ploop", "ublkb", "zd",
    ];
    DRIVERS.iter().any(|driver| is_of_driver(name, driver))
}

/// Whether the name is that of the driver and a number, perhaps of a partition.
pub(super) fn is_of_driver(name: &str, driver: &str) -> bool {
    let number = name.strip_prefix(driver);
    number.is_some_and(|number| number.starts_with(|digit: char| digit.is_ascii_digit()))
}

#[cfg(test)]
mod tests;
