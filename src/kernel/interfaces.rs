//! The interfaces that there are: `/proc/net/dev` and `/sys/class/net`.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
};

use crate::{
    regular_file,
    source::{Error, Roots, parse},
};

/// An interface.
#[derive(Debug)]
pub(super) struct Interface {
    pub(super) name: Vec<u8>,
    /// Whether its bytes are counted in no other interface.
    pub(super) is_counted: bool,
}

impl Interface {
    /// Its name, to show.
    pub(super) fn label(&self) -> String {
        String::from_utf8_lossy(&self.name).into_owned()
    }
}

/// The interfaces there are now.
///
/// # Errors
/// When the kernel does not say which.
pub(super) fn list(roots: &Roots) -> Result<Vec<Interface>, Error> {
    let path = roots.proc.join("net/dev");
    let text = regular_file::table(&path).map_err(|cause| Error::io(&path, cause))?;
    Ok(parse_interfaces(roots, &text))
}

/// The interfaces in a text of `/proc/net/dev`.
pub(super) fn parse_interfaces(roots: &Roots, text: &[u8]) -> Vec<Interface> {
    let mut known = HashSet::new();
    let names = parse::lines(text).filter_map(|line| Some(split_line(line)?.0));
    // An interface has one line.
    let names = names.filter(|name| known.insert(*name)).map(<[u8]>::to_vec);
    let mut interfaces: Vec<_> = names
        .map(|name| Interface {
            is_counted: sysfs_directory(roots, &name).join("device").exists(),
            name,
        })
        .collect();
    if !interfaces.iter().any(|interface| interface.is_counted) {
        // In a container there is no hardware: what stands on no other interface is its way out.
        for interface in &mut interfaces {
            interface.is_counted =
                interface.name != b"lo" && !is_stacked(&sysfs_directory(roots, &interface.name));
        }
    }
    interfaces
}

/// The name of a line and what follows. A name has no colon in it; the lines above the first
/// interface have none, but bars.
pub(super) fn split_line(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = line.iter().position(|byte| matches!(byte, b':' | b'|'))?;
    let rest = line[end..].strip_prefix(b":")?;
    let name = line[..end].trim_ascii_start();
    (!name.is_empty()).then_some((name, rest))
}

/// Where sysfs tells of an interface.
pub(super) fn sysfs_directory(roots: &Roots, name: &[u8]) -> PathBuf {
    let name = String::from_utf8_lossy(name).into_owned();
    roots.sys.join("class/net").join(name)
}

/// Whether its packets go through others as well: a bridge, a bond, a VLAN, a tunnel's end.
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
        let names: Vec<_> = counted.map(Interface::label).collect();
        assert_eq!(names.join(" "), expected);
    }

    #[test]
    fn hardware_is_counted_and_what_stands_on_it_is_not() {
        check(
            &["eth0/device/uevent", "eth1/device/uevent", "br0/bridge/x"],
            "eth0 eth1",
        );
        check(&["br0/lower_eth0/x", "veth9/tun_flags"], "eth0 eth1");
    }
}
