//! Whether sysfs shows the network namespace of procfs.

use std::collections::BTreeMap;

use super::{link::Link, table_path};
use crate::{
    regular_file,
    source::{Roots, parse},
};

/// Whether `/sys/class/net` shows the namespace whose interfaces `/proc/net/dev` has.
///
/// `/proc/net` is of the namespace of the reader, sysfs is of the namespace in which it was mounted: that of the host in
/// some containers. There an `eth0` of the container would be taken for the `eth0` of the host. The namespaces differ if a
/// name has different indices in both.
pub(super) fn is_shown(roots: &Roots, names: &[Vec<u8>]) -> bool {
    let indices = indices(roots);
    // The loopback interface has the index 1 in each namespace.
    let names = names.iter().filter(|name| *name != b"lo");
    let pairs = names.filter_map(|name| {
        let in_procfs = indices.get(name)?;
        Some((*in_procfs, Link::new(roots, name, true).index()?))
    });
    let mut pairs = pairs.take(PAIRS);
    pairs.all(|(in_procfs, in_sysfs)| in_procfs == in_sysfs)
}

/// The number of interfaces whose indices are compared.
const PAIRS: usize = 4;

/// The indices of interfaces in procfs: those with multicast groups of IPv4 in `igmp`, which has `2 eth0 : 1 V3`, and
/// those with an address of IPv6 in `if_inet6`, which has the address, the index, the prefix length, the scope and the flags
/// in hexadecimal, and the name.
fn indices(roots: &Roots) -> BTreeMap<Vec<u8>, u64> {
    let table = |file| regular_file::table(&table_path(roots, file)).unwrap_or_default();
    let mut indices = BTreeMap::new();
    for line in parse::lines(&table("igmp")) {
        // The lines of the groups begin with tabs.
        let mut fields = parse::fields(line);
        let is_interface = line.first().is_some_and(u8::is_ascii_digit);
        if let (true, Some(index), Some(name)) = (is_interface, fields.next(), fields.next())
            && let Some(index) = parse::number(index)
        {
            indices.insert(name.to_vec(), index);
        }
    }
    for line in parse::lines(&table("if_inet6")) {
        let mut fields = parse::fields(line);
        if let (Some(index), Some(name)) = (fields.nth(1), fields.nth(3))
            && let Some(index) = std::str::from_utf8(index).ok()
            && let Ok(index) = u64::from_str_radix(index, 16)
        {
            indices.insert(name.to_vec(), index);
        }
    }
    indices
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::tests::Tree;

    #[track_caller]
    fn check(files: &[(&str, &str)], expected: bool) {
        let tree = Tree::new();
        tree.write("class/net/eth0/ifindex", "2\n");
        for (path, text) in files {
            tree.write(path, text);
        }
        assert_eq!(
            is_shown(&tree.roots(), &[b"lo".to_vec(), b"eth0".to_vec()]),
            expected
        );
    }

    #[test]
    fn sysfs_of_another_namespace_has_other_indices() {
        const GROUPS: &str = "Idx\tDevice    : Count Querier\n1\tlo        :     1      V3\n\t\t\t\t010000E0     1 0:00000000\t\t0\n";
        let igmp = |index| format!("{GROUPS}{index}\teth0      :     1      V3\n");
        let inet6 = |index: u64| {
            format!("fe800000000000000000000000000001 {index:02x} 40 20 80     eth0\n")
        };
        check(&[], true);
        check(&[("class/net/docker0/ifindex", "3\n")], true);
        check(&[("net/igmp", &igmp(2))], true);
        check(&[("net/igmp", &igmp(17))], false);
        check(&[("net/if_inet6", &inet6(2))], true);
        check(&[("net/if_inet6", &inet6(17))], false);
        check(&[("net/igmp", "x"), ("net/if_inet6", "x")], true);
    }
}
