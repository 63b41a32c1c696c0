//! Trees with the files that Documentation/ABI/testing/sysfs-class-net describes.

mod containers;
mod devices;
mod ppp;
mod stacks;

use super::*;
use crate::source::tests::Tree;

/// Checks the uplinks of a namespace. Each interface is a name and the entries of its directory: `type=512` is a file,
/// `DEVTYPE=vlan` a line of `uevent`, `master=br0` a link, and `device` a directory.
#[track_caller]
fn check(interfaces: &[&str], expected: &str) {
    check_beside(&[], interfaces, expected);
}

/// The same, with files of /proc/net.
#[track_caller]
fn check_beside(files: &[(&str, &str)], interfaces: &[&str], expected: &str) {
    let tree = Tree::new();
    for (name, text) in files {
        tree.write(&format!("net/{name}"), text);
    }
    let mut names = Vec::new();
    for interface in interfaces {
        let mut words = interface.split(' ');
        let name = words.next().unwrap();
        names.push(name.as_bytes());
        let directory = format!("class/net/{name}");
        if !words.clone().any(|word| word == "hidden") {
            tree.write(&format!("{directory}/mtu"), "1500\n");
            words.for_each(|word| write(&tree, &directory, word));
        }
    }
    let parts = find(&tree.roots(), &names);
    let is_both = |part: &Part| part.is_uplink && part.is_virtual;
    assert!(!parts.iter().any(is_both), "{parts:?}");
    let uplinks = names.iter().zip(parts).filter(|(_, part)| part.is_uplink);
    let uplinks: Vec<_> = uplinks
        .map(|(name, _)| std::str::from_utf8(name).unwrap())
        .collect();
    assert_eq!(uplinks.join(" "), expected);
}

#[test]
fn interfaces_without_hardware_are_virtual_unless_they_are_uplinks() {
    let tree = Tree::new();
    let mut names: Vec<&[u8]> = Vec::new();
    for (name, entries) in [
        ("lo", &["type=772"][..]),
        ("eth0", &["type=1", "device"]),
        // A field bus has hardware, and is no uplink.
        ("can0", &["type=280", "device"]),
        ("ifb0", &["type=1"]),
        ("veth1", &["type=1"]),
    ] {
        names.push(name.as_bytes());
        let directory = format!("class/net/{name}");
        entries
            .iter()
            .for_each(|entry| write(&tree, &directory, entry));
    }
    let are_virtual = |names: &[&[u8]]| -> Vec<bool> {
        let parts = find(&tree.roots(), names);
        parts.iter().map(|part| part.is_virtual).collect()
    };
    assert_eq!(are_virtual(&names), [true, false, false, true, true]);
    // Without hardware, as in a container, it is the way out.
    assert_eq!(are_virtual(&[b"lo", b"veth1"]), [true, false]);
}

fn write(tree: &Tree, directory: &str, word: &str) {
    match word.split_once('=') {
        Some(("DEVTYPE", value)) => {
            let text = format!("DEVTYPE={value}\nINTERFACE=x\n");
            tree.write(&format!("{directory}/uevent"), &text);
        }
        Some(("master", value)) => tree.link(&format!("{directory}/master"), value),
        Some(("subsystem", value)) => {
            let bus = format!("bus/{value}");
            tree.write(&format!("{bus}/uevent"), "");
            tree.link(&format!("{directory}/device/subsystem"), &bus);
        }
        Some((file, value)) => {
            tree.write(&format!("{directory}/{file}"), &format!("{value}\n"));
        }
        None => {
            tree.write(&format!("{directory}/{word}/x"), "");
        }
    }
}
