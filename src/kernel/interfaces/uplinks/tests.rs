//! Trees with the files that Documentation/ABI/testing/sysfs-class-net describes.

mod containers;
mod devices;
mod ppp;
mod stacks;

use crate::{kernel::interfaces::Interfaces, source::tests::Tree};

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
    let mut table = String::new();
    for interface in interfaces {
        let mut words = interface.split(' ');
        let name = words.next().unwrap();
        table.push_str(&format!("{name}: 1\n"));
        let directory = format!("class/net/{name}");
        if !words.clone().any(|word| word == "hidden") {
            tree.write(&format!("{directory}/mtu"), "1500\n");
            words.for_each(|word| write(&tree, &directory, word));
        }
    }
    tree.write("net/dev", &table);
    let found = Interfaces::new(&tree.roots()).find().unwrap();
    assert!(!found.iter().any(|each| each.is_uplink && each.is_virtual));
    let uplinks = found.iter().filter(|each| each.is_uplink);
    let uplinks: Vec<_> = uplinks
        .map(|each| str::from_utf8(&each.name).unwrap())
        .collect();
    assert_eq!(uplinks.join(" "), expected);
}

#[test]
fn interfaces_without_hardware_are_virtual_unless_they_are_uplinks() {
    let tree = Tree::new();
    let mut names = Vec::new();
    for (name, entries) in [
        ("lo", &["type=772"][..]),
        ("eth0", &["type=1", "device"]),
        // A field bus has hardware, and is no uplink.
        ("can0", &["type=280", "device"]),
        ("ifb0", &["type=1"]),
        ("veth1", &["type=1"]),
    ] {
        names.push(name);
        let directory = format!("class/net/{name}");
        entries
            .iter()
            .for_each(|entry| write(&tree, &directory, entry));
    }
    let mut interfaces = Interfaces::new(&tree.roots());
    let mut are_virtual = |names: &[&str]| -> Vec<bool> {
        let lines = names.iter().map(|name| format!("{name}: 1\n"));
        tree.write("net/dev", &lines.collect::<String>());
        let found = interfaces.find().unwrap();
        found.iter().map(|each| each.is_virtual).collect()
    };
    assert_eq!(are_virtual(&names), [true, false, false, true, true]);
    // Without hardware, as in a container, it is the way out.
    assert_eq!(are_virtual(&["lo", "veth1"]), [true, false]);
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
