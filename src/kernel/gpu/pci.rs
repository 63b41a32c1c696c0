//! Names of PCI devices, from the list of the PCI ID project.
//!
//! <https://pci-ids.ucw.cz>

use std::path::Path;

use crate::{
    regular_file,
    source::{Roots, file::File, parse},
};

/// The paths of the list in distributions.
const LISTS: [&str; 2] = ["usr/share/hwdata/pci.ids", "usr/share/misc/pci.ids"];

/// The name of the device at `path` in sysfs; its numbers if the list does not have it, none if it is not a PCI
/// device.
pub(super) fn name(roots: &Roots, path: &Path) -> Option<String> {
    let (vendor, device) = numbers(path)?;
    let name = name_of(roots, &vendor, &device);
    Some(name.unwrap_or_else(|| format!("PCI {vendor}:{device}")))
}

/// The name of the device at `path` in sysfs, if it is a PCI device that the list has.
pub(super) fn listed_name(roots: &Roots, path: &Path) -> Option<String> {
    let (vendor, device) = numbers(path)?;
    name_of(roots, &vendor, &device)
}

/// The numbers of the vendor and of the device.
fn numbers(path: &Path) -> Option<(String, String)> {
    // The kernel has read the ids when it found the device; 0x1002.
    let id = |file| {
        let mut file = File::attribute(path.join(file));
        let text = parse::text(file.read().ok()?);
        text.strip_prefix("0x").map(str::to_owned)
    };
    Some((id("vendor")?, id("device")?))
}

fn name_of(roots: &Roots, vendor: &str, device: &str) -> Option<String> {
    let list = LISTS
        .iter()
        .find_map(|list| regular_file::table(&roots.root.join(list)).ok())?;
    look_up(&list, vendor, device)
}

/// The names of a vendor and a device, which are given as four hexadecimal digits each.
///
/// The line of a vendor consists of the digits, two blanks and the name. The lines of its devices follow and
/// begin with a tab. Lines with two tabs name the cards that have the device.
pub(super) fn look_up(list: &[u8], vendor: &str, device: &str) -> Option<String> {
    let after = |line: &[u8], id: &str| {
        let name = line.strip_prefix(id.as_bytes())?.strip_prefix(b"  ")?;
        Some(String::from_utf8_lossy(name.trim_ascii()).into_owned())
    };
    let mut lines = parse::lines(list);
    let vendor = lines.find_map(|line| after(line, vendor))?;
    let device = lines
        .take_while(|line| matches!(line, [b'\t' | b'#', ..] | []))
        .find_map(|line| after(line.strip_prefix(b"\t")?, device))?;
    Some(format!("{} {device}", short(&vendor)))
}

/// The short name of a vendor, if brackets enclose one: `Advanced Micro Devices, Inc. [AMD/ATI]`.
fn short(vendor: &str) -> &str {
    let bracketed = vendor
        .strip_suffix(']')
        .and_then(|name| name.split_once('['));
    match bracketed {
        Some((_, name)) => name,
        None => vendor,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::tests::fixture;

    #[track_caller]
    fn check(vendor: &str, device: &str, expected: Option<&str>) {
        let list = fixture!("desktop/usr/share/hwdata/pci.ids");
        assert_eq!(
            look_up(list.as_bytes(), vendor, device).as_deref(),
            expected
        );
    }

    #[test]
    fn names() {
        check(
            "1002",
            "73bf",
            Some("AMD/ATI Navi 21 [Radeon RX 6800/6800 XT / 6900 XT]"),
        );
        check("8086", "5916", Some("Intel Corporation HD Graphics 620"));
        check("8086", "73bf", None);
        check("1002", "5916", None);
        // 1043 is a subsystem (two tabs), not a device.
        check("1002", "1043", None);
        check("ffff", "73bf", None);
        check("", "", None);
    }
}
