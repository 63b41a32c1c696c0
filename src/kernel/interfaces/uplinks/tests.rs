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
    let are_uplinks = find(&tree.roots(), &names);
    let uplinks = names.iter().zip(are_uplinks).filter(|(_, is)| *is);
    let uplinks: Vec<_> = uplinks
        .map(|(name, _)| std::str::from_utf8(name).unwrap())
        .collect();
    assert_eq!(uplinks.join(" "), expected);
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
