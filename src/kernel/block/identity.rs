//! Ids of block devices that are the same on every boot.

use std::{
    collections::HashSet,
    path::{Component, Path, PathBuf},
};

use crate::{
    regular_file,
    source::{Roots, parse},
};

/// The directory of a whole device in sysfs, where a slash in the name is an exclamation mark.
pub(crate) fn directory(roots: &Roots, name: &str) -> PathBuf {
    roots.sys.join("block").join(name.replace('/', "!"))
}

/// The parent device and the number of a partition; none for a whole device.
pub(crate) fn partition<'a>(
    roots: &Roots,
    name: &'a str,
    names: &HashSet<String>,
) -> Option<(&'a str, u64)> {
    if directory(roots, name).is_dir() {
        return None;
    }
    // The name of a partition is that of its device with a number appended.
    let prefixes = name.char_indices().map(|(end, _)| &name[..end]);
    let mut parents = prefixes.filter(|prefix| names.contains(*prefix));
    parents.find_map(|parent| {
        let partition = directory(roots, parent).join(name.replace('/', "!"));
        let number = parse::number(attribute_text(&partition.join("partition"))?.as_bytes())?;
        Some((parent, number))
    })
}

/// The id of a whole device: the name of the logical volume or array; otherwise the id of the maker; otherwise
/// the path to which it is connected.
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
        return format!("loop-{file}");
    }
    let worldwide = text("wwid").or_else(|| text("device/wwid"));
    let serial = || text("serial").or_else(|| text("device/serial"));
    let Some(unique) = worldwide.filter(|id| is_unique(id)).or_else(|| {
        // All namespaces of an NVMe drive have its serial number.
        let namespace = text("nsid").map_or_else(String::new, |id| format!("-ns{id}"));
        let serial = serial().filter(|id| is_unique(id))?;
        Some(format!("{serial}{namespace}"))
    }) else {
        return path_id(roots, kernel);
    };
    // The boot areas of an SD card are block devices with the card's serial number.
    let area = kernel.strip_prefix("mmcblk").map(|rest| {
        let area = rest.trim_start_matches(|digit: char| digit.is_ascii_digit());
        (!area.is_empty()).then(|| format!("-{area}"))
    });
    unique + &area.flatten().unwrap_or_default()
}

/// The path to which a whole device is connected, in the format of udev's by-path; the kernel's name if the
/// device is virtual.
pub(crate) fn path_id(roots: &Roots, kernel: &str) -> String {
    let directory = directory(roots, kernel);
    let find = || {
        let devices = roots.sys.join("devices").canonicalize().ok()?;
        let real = directory.canonicalize().ok()?;
        let path_id = format_path_id(real.strip_prefix(devices).ok()?);
        (!path_id.is_empty()).then_some(path_id)
    };
    find().unwrap_or_else(|| kernel.to_owned())
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

/// The text of a small file. Each run of blanks becomes one underscore: the model in a SCSI name is padded with
/// blanks.
pub(crate) fn attribute_text(path: &Path) -> Option<String> {
    let bytes = regular_file::table(path).ok()?;
    let text = parse::text(&bytes);
    let words: Vec<_> = text.split_whitespace().collect();
    (!words.is_empty()).then(|| words.join("_"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::tests::Tree;

    #[track_caller]
    fn check_path_id(path: &str, expected: &str) {
        assert_eq!(format_path_id(Path::new(path)), expected);
    }

    #[test]
    fn path_ids() {
        check_path_id(
            "pci0000:00/0000:00:1d.4/0000:3d:00.0/nvme/nvme0/nvme0n1",
            "pci-0000:3d:00.0",
        );
        check_path_id(
            "pci0000:00/0000:00:17.0/ata2/host1/target1:0:0/1:0:0:0/block/sda",
            "pci-0000:00:17.0-ata2-scsi-0:0:0",
        );
        check_path_id(
            "pci0000:00/0000:00:14.0/usb2/2-3/2-3:1.0/host4/target4:0:0/4:0:0:1/block/sdb",
            "pci-0000:00:14.0-2-3:1.0-scsi-0:0:1",
        );
        check_path_id(
            "platform/soc/fe340000.mmc/mmc_host/mmc0/mmc0:aaaa/block/mmcblk0",
            "platform-fe340000.mmc",
        );
        check_path_id("virtual/block/loop0", "");
    }

    #[track_caller]
    fn check(files: &[(&str, &str)], kernel: &str, expected: &str) {
        let tree = Tree::new();
        for (path, text) in files {
            tree.write(&format!("block/{kernel}/{path}"), text);
        }
        assert_eq!(device_id(&tree.roots(), kernel), expected);
    }

    #[test]
    fn names() {
        check(&[("dm/name", "vg0-home\n")], "dm-3", "dm-name-vg0-home");
        check(&[("md/level", "raid1\n")], "md127", "md-name-md127");
        check(&[("md/uuid", "a-b\n")], "md127", "md-uuid-a-b");
        check(&[("loop/backing_file", "/x.img\n")], "loop3", "loop-/x.img");
        check(
            &[("device/wwid", "t10.ATA     Samsung SSD 860     S3Z8NB0K\n")],
            "sda",
            "t10.ATA_Samsung_SSD_860_S3Z8NB0K",
        );
        check(
            &[
                ("wwid", "eui.0000000000000000\n"),
                ("device/serial", "S64D\n"),
                ("nsid", "1\n"),
            ],
            "nvme0n1",
            "S64D-ns1",
        );
        check(&[("serial", "1716")], "vda", "1716");
        check(&[("device/serial", "0x00000000\n")], "mmcblk0", "mmcblk0");
        check(
            &[("device/serial", "0x1234abcd\n")],
            "mmcblk0",
            "0x1234abcd",
        );
        check(
            &[("device/serial", "0x1234abcd\n")],
            "mmcblk0boot1",
            "0x1234abcd-boot1",
        );
        check(&[], "zram0", "zram0");
    }
}
