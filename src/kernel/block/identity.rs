//! Ids of block devices that are the same on every boot.

use std::{
    collections::HashSet,
    path::{Component, Path},
};

use super::sysfs::{attribute_text, directory, partition, partition_directory};
use crate::source::{Roots, device::Registration, parse};

/// The identity of a device: its id, and which registration of the device it is.
///
/// A device that is made anew has counters of its own, also if it has the name and the id of another one: a volume that
/// is activated again, a stick that is plugged in again, a loop device with another file.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Identity {
    pub(crate) id: String,
    /// The registration of the partition or the whole device; none without sysfs.
    registration: Option<Registration>,
    /// The `diskseq` of the whole device since Linux 5.15: another number for each device, and for each medium in it.
    diskseq: Option<u64>,
}

impl Identity {
    /// The identity of the device that has this name of the kernel now, and this id. `whole` is the name of its whole
    /// device if it is a partition.
    pub(crate) fn new(roots: &Roots, id: String, kernel: &str, whole: Option<&str>) -> Self {
        let own = match whole {
            Some(whole) => partition_directory(roots, whole, kernel),
            None => directory(roots, kernel),
        };
        let diskseq = directory(roots, whole.unwrap_or(kernel)).join("diskseq");
        Self {
            id,
            registration: Registration::of(&own),
            diskseq: attribute_text(&diskseq).and_then(|number| number.parse().ok()),
        }
    }

    /// Whether the device that has this name of the kernel now is this one.
    pub(crate) fn is_of(&self, roots: &Roots, kernel: &str) -> bool {
        let part = partition(roots, kernel, &HashSet::new());
        let whole = part.map(|(whole, _)| whole);
        let now = Self::new(roots, self.id.clone(), kernel, whole);
        if *self != now {
            return false;
        }
        let whole_id = match (part, self.id.rsplit_once("-part")) {
            (Some((_, number)), Some((id, part))) if part == number.to_string() => id,
            (Some(_), _) => return false,
            (None, _) => &self.id,
        };
        let first = whole_id.rsplit_once('#').map_or(whole_id, |(id, _)| id);
        let own = device_id(roots, whole.unwrap_or(kernel));
        [whole_id, first].contains(&&*own)
    }
}

/// The id of a whole device: the name of the logical volume or array; otherwise the id of the maker; otherwise
/// the path to which it is connected. Several devices may have the same.
pub(crate) fn device_id(roots: &Roots, kernel: &str) -> String {
    let directory = directory(roots, kernel);
    let text = |path: &str| attribute_text(&directory.join(path));
    if let Some(name) = text("dm/name") {
        return format!("dm-name-{name}");
    }
    if directory.join("md").is_dir() {
        return match text("md/uuid") {
            Some(uuid) => format!("md-uuid-{uuid}"),
            None => format!("md-name-{kernel}"),
        };
    }
    if let Some(file) = text("loop/backing_file") {
        // The kernel appends this to the path of a file without a name (d_path). The device stays the same.
        let file = file.strip_suffix("_(deleted)").unwrap_or(&file);
        return format!("loop-{file}");
    }
    let worldwide = text("wwid").or_else(|| text("device/wwid"));
    // The boot areas of an SD card are block devices below that of the card, with a name that is longer by `boot0`.
    let area = kernel.strip_prefix("mmcblk").map(|rest| {
        let area = rest.trim_start_matches(|digit: char| digit.is_ascii_digit());
        (!area.is_empty()).then(|| format!("-{area}"))
    });
    let area = area.flatten().unwrap_or_default();
    let serial = || {
        let serial = text("serial").or_else(|| text("device/serial"));
        serial.or_else(|| text("device/device/serial").filter(|_| !area.is_empty()))
    };
    let Some(unique) = worldwide.filter(|id| is_unique(id)).or_else(|| {
        // All namespaces of an NVMe drive have its serial number.
        let namespace = text("nsid").map_or_else(String::new, |id| format!("-ns{id}"));
        let serial = serial().filter(|id| is_unique(id))?;
        Some(format!("{serial}{namespace}"))
    }) else {
        let path = path_id(roots, kernel);
        return if path == kernel { path } else { path + &area };
    };
    unique + &area
}

/// The path to which a whole device is connected, in the format of udev's by-path; the kernel's name if the
/// device is virtual.
fn path_id(roots: &Roots, kernel: &str) -> String {
    let directory = directory(roots, kernel);
    let find = || {
        let devices = roots.sys.join("devices").canonicalize().ok()?;
        let real = directory.canonicalize().ok()?;
        let path_id = format_path_id(real.strip_prefix(devices).ok()?);
        (!path_id.is_empty()).then_some(path_id)
    };
    find().unwrap_or_else(|| kernel.to_owned())
}

/// The place of a whole device among those with the same id: the order of the slots to which they are connected.
pub(crate) fn slot_of(roots: &Roots, kernel: &str) -> Vec<(u64, String)> {
    let real = directory(roots, kernel).canonicalize().unwrap_or_default();
    slot(&format!("{}/{kernel}", real.display()))
}

/// A key that orders paths of sysfs by the slots in them: `ata2` before `ata10`, `sdz` before `sdaa`. The addresses of
/// PCI are hexadecimal, and all of one length.
pub(crate) fn slot(path: &str) -> Vec<(u64, String)> {
    let mut parts = Vec::new();
    for component in path.split('/') {
        if is_pci(component) {
            parts.push((0, component.to_owned()));
            continue;
        }
        let is_same = |one: &u8, next: &u8| one.is_ascii_digit() == next.is_ascii_digit();
        for run in component.as_bytes().chunk_by(is_same) {
            let text = String::from_utf8_lossy(run).into_owned();
            parts.push((parse::number(run).unwrap_or(run.len() as u64), text));
        }
    }
    parts
}

/// A path below /sys/devices, without the numbers that the kernel assigns in the order of detection.
fn format_path_id(path: &Path) -> String {
    let mut parts: Vec<String> = Vec::new();
    for component in path.components() {
        let Component::Normal(name) = component else {
            continue;
        };
        let name = name.to_string_lossy();
        if name == "virtual" {
            return String::new();
        }
        if is_pci(&name) {
            // The firmware numbers the bridges. The last address is that of the device.
            parts = vec![format!("pci-{name}")];
        } else if let [host, rest @ ..] = &*name.split(':').collect::<Vec<_>>()
            && rest.len() == 3
            && rest
                .iter()
                .all(|part| parse::number(part.as_bytes()).is_some())
            && parse::number(host.as_bytes()).is_some()
        {
            parts.push(format!("scsi-{}", rest.join(":")));
        } else if name.starts_with("ata") || name.contains('-') && name.contains(':') {
            parts.push(name.into_owned());
        } else if name.contains('.') && !name.contains(':') {
            parts.push(format!("platform-{name}"));
        }
    }
    parts.join("-")
}

/// Whether it is the address of a PCI function: `0000:00:1f.2`.
fn is_pci(name: &str) -> bool {
    let form = b"0000:00:00.0";
    name.len() == form.len()
        && name.bytes().zip(form).all(|(byte, form)| match form {
            b'0' => byte.is_ascii_hexdigit(),
            _ => byte == *form,
        })
}

/// Whether the id distinguishes the device: some makers leave it empty or all zeros.
fn is_unique(id: &str) -> bool {
    let number = id.split_once('.').map_or(id, |(_, number)| number);
    number
        .bytes()
        .any(|byte| !matches!(byte, b'0' | b'x' | b'_'))
}

#[cfg(test)]
mod tests;
