//! The network interfaces: `/proc/net/dev` and `/sys/class/net`.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
};

use crate::{
    metric::{Group, Object},
    regular_file,
    source::{Error, Roots, parse},
};

/// A network interface.
#[derive(Debug)]
pub(super) struct Interface {
    pub(super) name: Vec<u8>,
    /// Whether its bytes are counted in no other interface.
    pub(super) is_counted: bool,
}

impl Interface {
    /// The object of its metrics.
    pub(super) fn object(&self) -> Object {
        object(&self.name)
    }
}

/// The object of the metrics of the interface with this name.
pub(super) fn object(name: &[u8]) -> Object {
    Object::new(&String::from_utf8_lossy(name), Group::Network)
}

/// The interfaces that are present now.
///
/// # Errors
/// If `/proc/net/dev` cannot be read.
pub(super) fn list(roots: &Roots) -> Result<Vec<Interface>, Error> {
    let path = roots.proc.join("net/dev");
    let text = regular_file::table(&path).map_err(|cause| Error::io(&path, cause))?;
    Ok(parse_interfaces(roots, &text))
}

/// The interfaces in a text of `/proc/net/dev`.
pub(super) fn parse_interfaces(roots: &Roots, text: &[u8]) -> Vec<Interface> {
    let mut known = HashSet::new();
    let names = parse::lines(text).filter_map(|line| Some(split_line(line)?.0));
    // The kernel writes one line for each interface. A second line of a name is skipped.
    let names = names.filter(|name| known.insert(*name)).map(<[u8]>::to_vec);
    let mut interfaces: Vec<_> = names
        .map(|name| Interface {
            is_counted: sysfs_directory(roots, &name).join("device").exists(),
            name,
        })
        .collect();
    if !interfaces.iter().any(|interface| interface.is_counted) {
        // A container has no hardware. It is connected through the interfaces that have no other one below
        // them.
        for interface in &mut interfaces {
            interface.is_counted =
                interface.name != b"lo" && !is_stacked(&sysfs_directory(roots, &interface.name));
        }
    }
    interfaces
}

/// The name in a line, and the rest. A name has no colon in it. The header lines have bars and no colon before
/// the first bar.
pub(super) fn split_line(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = line.iter().position(|byte| matches!(byte, b':' | b'|'))?;
    let rest = line[end..].strip_prefix(b":")?;
    let name = line[..end].trim_ascii_start();
    (!name.is_empty()).then_some((name, rest))
}

/// The directory of an interface in sysfs.
pub(super) fn sysfs_directory(roots: &Roots, name: &[u8]) -> PathBuf {
    let name = String::from_utf8_lossy(name).into_owned();
    roots.sys.join("class/net").join(name)
}

/// Whether its packets pass through other interfaces too: a bridge, a bond, a VLAN, a tun device.
fn is_stacked(directory: &Path) -> bool {
    let entries = regular_file::entries(directory).into_iter().flatten();
    let mut names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    names.any(|name| {
        name.starts_with("lower_") || ["bridge", "bonding", "tun_flags"].contains(&name.as_str())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::tests::Tree;

    #[track_caller]
    fn check(files: &[&str], expected: &str) {
        let tree = Tree::new();
        for file in files {
            tree.write(&format!("class/net/{file}"), "");
        }
        let text = b"Inter-| Receive\n face |bytes\n  lo: 1\n eth0: 1\neth1: 1\n br0: 1\nveth9:1\n";
        let interfaces = parse_interfaces(&tree.roots(), text);
        assert_eq!(interfaces.len(), 5);
        let counted = interfaces.iter().filter(|interface| interface.is_counted);
        let names: Vec<_> = counted
            .map(|interface| interface.object().title.to_string())
            .collect();
        assert_eq!(names.join(" "), expected);
    }

    #[test]
    fn hardware_is_counted_and_virtual_interfaces_are_not() {
        check(
            &["eth0/device/uevent", "eth1/device/uevent", "br0/bridge/x"],
            "eth0 eth1",
        );
        check(&["br0/lower_eth0/x", "veth9/tun_flags"], "eth0 eth1");
    }
}
