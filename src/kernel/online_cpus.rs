//! The CPUs that are online: `/sys/devices/system/cpu/online` and the lines `cpuN` of `/proc/stat`.
//!
//! Both have the same numbers, except in a container: there one of the files may be that of the container, and the other
//! that of its host. A container has some of the CPUs of its host, so that the file with fewer CPUs is its own. lxcfs
//! numbers the CPUs of `/proc` anew, from 0: the directories of sysfs are those of other CPUs then.

use std::{collections::BTreeSet, path::PathBuf};

use crate::{
    kernel::lxcfs,
    source::{Error, Roots, file::File, parse},
};

/// The CPUs that are online.
///
/// A reading costs one pread of the list in sysfs, which is short, until that list changes. Where the list is missing, or
/// `/proc/stat` is that of a container, each reading reads `/proc/stat` as well.
pub(crate) struct OnlineCpus {
    proc: PathBuf,
    /// The list of all CPUs that the machine has, which lxcfs does not provide.
    present: PathBuf,
    list: File,
    stat: File,
    /// The list at the last reading; empty if there is none.
    last_list: Vec<u8>,
    /// Whether `/proc/stat` may change while the list does not.
    is_virtual: bool,
    numbers: BTreeSet<u32>,
    are_of_sysfs: bool,
}

impl OnlineCpus {
    pub(crate) fn new(roots: &Roots) -> Self {
        Self {
            proc: roots.proc.clone(),
            present: roots.sys.join("devices/system/cpu/present"),
            list: File::attribute(roots.sys.join("devices/system/cpu/online")),
            stat: File::new(roots.proc.join("stat")),
            last_list: Vec::new(),
            is_virtual: false,
            numbers: BTreeSet::new(),
            are_of_sysfs: true,
        }
    }

    /// Reads the numbers again. Returns whether they may have changed.
    ///
    /// # Errors
    /// When neither file can be read.
    pub(crate) fn read(&mut self) -> Result<bool, Error> {
        let text = self.list.read().unwrap_or_default();
        if !text.is_empty() && !self.is_virtual && text == self.last_list {
            return Ok(false);
        }
        self.last_list.clear();
        self.last_list.extend_from_slice(text);
        let of_sysfs = parse::list(text);
        let of_stat = numbers_of_stat(&mut self.stat);
        self.is_virtual = self.is_virtual || lxcfs::provides(&self.proc, "stat");
        (self.numbers, self.are_of_sysfs) = match (of_sysfs, of_stat) {
            (Some(of_sysfs), Ok(of_stat)) if !of_stat.is_empty() && of_stat != of_sysfs => {
                self.is_virtual = true;
                match of_stat.len() <= of_sysfs.len() {
                    true => (of_stat, false),
                    false => (of_sysfs, true),
                }
            }
            (Some(of_sysfs), _) => (of_sysfs, true),
            (None, of_stat) => (of_stat?, true),
        };
        if self.is_virtual {
            // Beside the list of lxcfs, the directories are those of the host.
            let present = File::attribute(&self.present)
                .read()
                .ok()
                .and_then(parse::list);
            self.are_of_sysfs &= present.is_none_or(|all| all.len() <= self.numbers.len());
        }
        if !self.is_virtual && !self.last_list.is_empty() {
            // The file is long and rarely read.
            self.stat = File::new(self.stat.path());
        }
        Ok(true)
    }

    /// Their numbers at the last reading; empty if no file tells them.
    pub(crate) fn numbers(&self) -> &BTreeSet<u32> {
        &self.numbers
    }

    /// Whether the directories of sysfs with these numbers are those of these CPUs.
    pub(crate) fn are_of_sysfs(&self) -> bool {
        self.are_of_sysfs
    }
}

/// The numbers of the lines `cpuN`, which come before all others.
fn numbers_of_stat(stat: &mut File) -> Result<BTreeSet<u32>, Error> {
    let lines = parse::ended_lines_while(stat.read()?, |rest| rest.starts_with(b"cpu"));
    let number = |(line, _): (&[u8], bool)| {
        let (name, _) = parse::word(line);
        let number = parse::number(name.strip_prefix(b"cpu")?)?;
        number.try_into().ok()
    };
    Ok(lines.filter_map(number).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::tests::Tree;

    const LIST: &str = "devices/system/cpu/online";

    fn stat(numbers: &[u32]) -> String {
        let lines = numbers
            .iter()
            .map(|number| format!("cpu{number} 1 1 1 1 1 1 1 1 1 1\n"));
        format!(
            "cpu  1 1 1 1 1 1 1 1 1 1\n{}intr 1\n",
            lines.collect::<String>()
        )
    }

    /// Checks the numbers, and whether they are those of sysfs.
    #[track_caller]
    fn check(list: Option<&str>, stat: Option<&str>, expected: &[u32], of_sysfs: bool) {
        let tree = Tree::new();
        for (path, text) in [(LIST, list), ("stat", stat)] {
            if let Some(text) = text {
                tree.write(path, text);
            }
        }
        let mut cpus = OnlineCpus::new(&tree.roots());
        assert!(cpus.read().unwrap());
        assert!(cpus.numbers().iter().eq(expected), "{:?}", cpus.numbers());
        assert_eq!(cpus.are_of_sysfs(), of_sysfs);
    }

    #[test]
    fn the_file_of_the_container_counts() {
        check(Some("0-1\n"), Some(&stat(&[0, 1])), &[0, 1], true);
        // lxcfs provides the file of /proc alone, or that of /sys alone.
        check(Some("0-7\n"), Some(&stat(&[0, 1])), &[0, 1], false);
        check(Some("4,6\n"), Some(&stat(&[0, 1])), &[0, 1], false);
        check(Some("0-1\n"), Some(&stat(&[0, 1, 2, 3])), &[0, 1], true);
    }

    #[test]
    fn directories_of_the_host_stand_beside_a_list_of_the_container() {
        let tree = Tree::new();
        tree.write(LIST, "0-1\n");
        tree.write("stat", &stat(&[0, 1]));
        tree.write("devices/system/cpu/present", "0-3\n");
        let of_sysfs = |tree: &Tree| {
            let mut cpus = OnlineCpus::new(&tree.roots());
            cpus.read().unwrap();
            assert_eq!(cpus.numbers().len(), 2);
            cpus.are_of_sysfs()
        };
        // Two CPUs are offline.
        assert!(of_sysfs(&tree));
        let mount = "9 8 0:61 /proc/stat /proc/stat rw - fuse.lxcfs lxcfs rw\n";
        tree.write("self/mountinfo", mount);
        assert!(!of_sysfs(&tree));
        tree.write("devices/system/cpu/present", "0-1\n");
        assert!(of_sysfs(&tree));
    }

    #[test]
    fn one_file_suffices() {
        check(Some("0-1\n"), None, &[0, 1], true);
        check(Some("0-1\n"), Some("nonsense"), &[0, 1], true);
        check(None, Some(&stat(&[0, 2])), &[0, 2], true);
        check(Some("nonsense\n"), Some(&stat(&[0])), &[0], true);
        let tree = Tree::new();
        let error = OnlineCpus::new(&tree.roots()).read().unwrap_err();
        assert!(error.to_string().contains("stat: "), "{error}");
    }

    #[test]
    fn the_list_alone_is_read_until_it_changes() {
        let tree = Tree::new();
        tree.write(LIST, "0-1\n");
        tree.write("stat", &stat(&[0, 1]));
        let mut cpus = OnlineCpus::new(&tree.roots());
        assert!(cpus.read().unwrap());
        assert_eq!(tree.descriptors(), 1);
        assert!(!cpus.read().unwrap());
        tree.write(LIST, "0\n");
        tree.write("stat", &stat(&[0]));
        assert!(cpus.read().unwrap());
        assert!(cpus.numbers().iter().eq(&[0]));
        // The limit of a container changes without the list of its host.
        tree.write(LIST, "0-7\n");
        for count in [2, 4] {
            tree.write("stat", &stat(&[0, 1, 2, 3][..count]));
            assert!(cpus.read().unwrap());
            assert_eq!(cpus.numbers().len(), count);
        }
    }
}
