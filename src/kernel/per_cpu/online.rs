//! The CPUs that are online.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use crate::{
    kernel::per_cpu::cpus,
    source::{Error, device::fact, file::File, parse},
};

/// The CPUs that are online. A CPU that is offline may still have a file, with its last value or with that of
/// another CPU of its core.
///
/// lxcfs shows a container its own list in `/sys/devices/system/cpu/online`, beside the directories of the host's CPUs:
/// the list counts. Where there is no list, the CPUs with a directory that are not switched off are online, and where
/// there is no directory every CPU is.
pub(in crate::kernel) struct OnlineCpus {
    file: File,
    sys: PathBuf,
    last_text: Vec<u8>,
    /// The CPUs of the list.
    listed: BTreeSet<u32>,
    /// The CPUs with a directory, once they were needed; none while the list is there.
    directories: Option<BTreeSet<u32>>,
}

impl OnlineCpus {
    pub(in crate::kernel) fn new(sys: &Path) -> Self {
        Self {
            file: File::attribute(sys.join("devices/system/cpu/online")),
            sys: sys.to_owned(),
            last_text: Vec::new(),
            listed: BTreeSet::new(),
            directories: None,
        }
    }

    /// Reads the list.
    pub(in crate::kernel) fn read(&mut self) -> Result<(), Error> {
        let text = match self.file.read() {
            Ok(text) if !text.trim_ascii().is_empty() => text,
            _ => {
                let sys = &self.sys;
                self.directories.get_or_insert_with(|| directories(sys));
                return Ok(());
            }
        };
        self.directories = None;
        if text != self.last_text {
            let list = parse::list(text);
            self.last_text = text.to_vec();
            self.listed =
                list.ok_or_else(|| Error::malformed(self.file.path(), "no list of numbers"))?;
        }
        Ok(())
    }

    /// Whether this CPU was online at the last reading.
    pub(in crate::kernel) fn contains(&self, cpu: u32) -> bool {
        match &self.directories {
            Some(cpus) => cpus.is_empty() || cpus.contains(&cpu),
            None => self.listed.contains(&cpu),
        }
    }

    /// Forgets the directories, which are listed again when they are needed.
    pub(in crate::kernel) fn forget(&mut self) {
        self.directories = None;
    }

    /// The path of the list.
    pub(in crate::kernel) fn path(&self) -> &Path {
        self.file.path()
    }
}

/// The CPUs with a directory, without those that are switched off.
fn directories(sys: &Path) -> BTreeSet<u32> {
    let cpus = cpus(sys).unwrap_or_default().into_iter();
    let is_on = |cpu: &u32| {
        let online = sys.join(format!("devices/system/cpu/cpu{cpu}/online"));
        fact(online).is_none_or(|online| online != "0")
    };
    cpus.filter(is_on).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::tests::Tree;

    #[track_caller]
    fn check(tree: &Tree, expected: &[u32]) {
        let mut online = OnlineCpus::new(&tree.roots().sys);
        online.read().unwrap();
        let found: Vec<_> = (0..8).filter(|&cpu| online.contains(cpu)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn the_list_counts_and_then_the_directories() {
        let tree = Tree::new();
        check(&tree, &[0, 1, 2, 3, 4, 5, 6, 7]);
        for cpu in 0..4 {
            tree.write(&format!("devices/system/cpu/cpu{cpu}/uevent"), "");
        }
        tree.write("devices/system/cpu/cpu3/online", "0\n");
        check(&tree, &[0, 1, 2]);
        tree.write("devices/system/cpu/online", "\n");
        check(&tree, &[0, 1, 2]);
        tree.write("devices/system/cpu/online", "0-1,3\n");
        check(&tree, &[0, 1, 3]);
        let mut online = OnlineCpus::new(&tree.roots().sys);
        tree.write("devices/system/cpu/online", "many\n");
        assert!(online.read().is_err());
    }
}
