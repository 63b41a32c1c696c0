//! The CPUs that are online, as numbers of directories in sysfs.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use crate::{
    kernel::{online_cpus::OnlineCpus, per_cpu::cpus},
    source::{Roots, device::fact},
};

/// The CPUs with a directory in sysfs that are online. A CPU that is offline may still have a file, with its last value or
/// with that of another CPU of its core.
pub(in crate::kernel) struct CpusOfSysfs {
    sys: PathBuf,
    state: Mutex<State>,
}

struct State {
    online: OnlineCpus,
    /// The CPUs with a directory that are not switched off, where no file lists the CPUs.
    directories: Option<BTreeSet<u32>>,
}

impl CpusOfSysfs {
    pub(in crate::kernel) fn new(roots: &Roots) -> Self {
        Self {
            sys: roots.sys.clone(),
            state: Mutex::new(State {
                online: OnlineCpus::new(roots),
                directories: None,
            }),
        }
    }

    /// Reads which CPUs are online.
    pub(in crate::kernel) fn read(&self) {
        self.with(|state| match state.online.read() {
            Ok(_) => state.directories = None,
            Err(_) => {
                state
                    .directories
                    .get_or_insert_with(|| directories(&self.sys));
            }
        });
    }

    /// Whether this CPU was online at the last reading. No CPU of a container is, whose numbers are not those of sysfs.
    pub(in crate::kernel) fn contains(&self, cpu: u32) -> bool {
        self.with(|state| match &state.directories {
            Some(cpus) => cpus.contains(&cpu),
            None => state.online.are_of_sysfs() && state.online.numbers().contains(&cpu),
        })
    }

    /// Whether the numbers of the CPUs are those of sysfs. A container may number its CPUs anew, beside the directories of
    /// its host.
    pub(in crate::kernel) fn are_of_sysfs(&self) -> bool {
        self.with(|state| state.directories.is_some() || state.online.are_of_sysfs())
    }

    /// Forgets the directories, which are listed again when they are needed.
    pub(in crate::kernel) fn forget(&self) {
        self.with(|state| state.directories = None);
    }

    /// The path of the list of CPUs that are online, for messages.
    pub(in crate::kernel) fn path(&self) -> PathBuf {
        self.sys.join("devices/system/cpu/online")
    }

    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
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
        let cpus = CpusOfSysfs::new(&tree.roots());
        cpus.read();
        let found: Vec<_> = (0..8).filter(|&cpu| cpus.contains(cpu)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn the_lists_count_and_then_the_directories() {
        let tree = Tree::new();
        check(&tree, &[]);
        for cpu in 0..4 {
            tree.write(&format!("devices/system/cpu/cpu{cpu}/uevent"), "");
        }
        tree.write("devices/system/cpu/cpu3/online", "0\n");
        check(&tree, &[0, 1, 2]);
        tree.write("devices/system/cpu/online", "0-1,3\n");
        check(&tree, &[0, 1, 3]);
        // The container has two of the CPUs; which ones is not known.
        tree.write("stat", "cpu  1 1 1 1\ncpu0 1 1 1 1\ncpu1 1 1 1 1\nintr 1\n");
        check(&tree, &[]);
    }
}
