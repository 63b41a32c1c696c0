//! The lists of block devices that the kernel has: `/proc/diskstats`, `/proc/partitions` and sysfs.

use std::{collections::HashSet, path::Path};

use super::identity;
use crate::{
    regular_file,
    source::{Roots, parse},
};

/// A whole device or a partition in a list of the kernel.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Listed {
    /// 0:0 if the list does not tell it.
    pub(super) number: (u64, u64),
    /// The name that the kernel uses until the next boot, with slashes: `sda1`, `cciss/c0d0`.
    pub(super) name: String,
}

/// The devices in a text of `/proc/diskstats`. The kernel writes one line for each device; a second line of a name is
/// left out.
pub(super) fn of_diskstats(text: &[u8]) -> Vec<Listed> {
    lines(text, 2)
}

/// The devices of the machine. A container may have no `/proc/diskstats`, or an empty one; then `/proc/partitions`
/// lists the devices, and otherwise sysfs does.
pub(super) fn of_kernel(roots: &Roots, diskstats: &[u8]) -> Vec<Listed> {
    let some = |list: Vec<Listed>| Some(list).filter(|list| !list.is_empty());
    let in_partitions = || {
        let text = regular_file::table(&roots.proc.join("partitions"));
        some(lines(&text.unwrap_or_default(), 3))
    };
    some(of_diskstats(diskstats))
        .or_else(in_partitions)
        .unwrap_or_else(|| of_sysfs(&roots.sys.join("block")))
}

/// The lines of a table whose first fields are the major and the minor number, and whose field `name` is the name.
fn lines(text: &[u8], name: usize) -> Vec<Listed> {
    let mut known = HashSet::new();
    let line = |line| {
        let fields: Vec<_> = parse::fields(line).take(name.saturating_add(1)).collect();
        let [major, minor] = [0, 1].map(|field| parse::number(fields.get(field)?));
        Some(Listed {
            number: (major?, minor?),
            name: String::from_utf8_lossy(fields.get(name)?).into_owned(),
        })
    };
    let lines = parse::lines(text).filter_map(line);
    lines
        .filter(|listed| known.insert(listed.name.clone()))
        .collect()
}

/// The directories of the whole devices, each followed by its partitions.
fn of_sysfs(block: &Path) -> Vec<Listed> {
    let listed = |directory: &Path| {
        let number = regular_file::table(&directory.join("dev")).ok();
        let number = number.and_then(|number| {
            let (major, minor) = parse::split(number.trim_ascii(), b':')?;
            Some((parse::number(major)?, parse::number(minor)?))
        });
        Some(Listed {
            number: number.unwrap_or_default(),
            name: directory.file_name()?.to_str()?.replace('!', "/"),
        })
    };
    let directories = |directory: &Path| {
        let entries = regular_file::entries(directory).unwrap_or_default();
        let mut paths: Vec<_> = entries.into_iter().map(|entry| entry.path()).collect();
        paths.sort_by_cached_key(|path| identity::slot(&path.to_string_lossy()));
        paths
    };
    let is_partition = |path: &std::path::PathBuf| path.join("partition").exists();
    let mut all = Vec::new();
    for whole in directories(block) {
        all.extend(listed(&whole));
        let partitions = directories(&whole).into_iter().filter(is_partition);
        all.extend(partitions.filter_map(|partition| listed(&partition)));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::tests::Tree;

    #[test]
    fn the_first_list_that_has_devices_counts() {
        let tree = Tree::new();
        let check = |diskstats: &str, expected: &[(&str, (u64, u64))]| {
            let listed = of_kernel(&tree.roots(), diskstats.as_bytes());
            let listed = listed.iter().map(|device| (&*device.name, device.number));
            assert_eq!(listed.collect::<Vec<_>>(), expected);
        };
        check("", &[]);
        tree.write("block/sda/sda10/partition", "10\n");
        tree.write("block/sda/sda2/partition", "2\n");
        tree.write("block/sda/sda2/dev", "8:2\n");
        tree.write("block/sda/queue/iostats", "1\n");
        tree.write("block/cciss!c0d0/dev", "104:0\n");
        let of_sysfs = [
            ("sda", (0, 0)),
            ("sda2", (8, 2)),
            ("sda10", (0, 0)),
            ("cciss/c0d0", (104, 0)),
        ];
        check("", &of_sysfs);
        let partitions = "major minor  #blocks  name\n\n   8        0  500 sda\n";
        tree.write("partitions", partitions);
        check("", &[("sda", (8, 0))]);
        let diskstats = "8 16 sdb 1 2\nx y z\n8 32\n8 16 sdb 3 4\n";
        check(diskstats, &[("sdb", (8, 16))]);
    }
}
