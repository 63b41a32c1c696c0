//! Files of a container that lxcfs mounts over those of the host.
//!
//! lxcfs provides `cpuinfo`, `meminfo`, `stat`, `uptime`, `loadavg`, `diskstats` and `swaps` of `/proc`, and since
//! version 4 `/sys/devices/system/cpu/online`. Files beside them tell of the host: where they contradict each other, the
//! file of lxcfs counts.
//!
//! <https://github.com/lxc/lxcfs>

use std::{fs, os::unix::fs::MetadataExt, path::Path};

use crate::regular_file;

/// Whether another file system than that of the kernel provides this file of `/proc`.
pub(super) fn provides(proc: &Path, file: &str) -> bool {
    let device = |path: &Path| fs::metadata(path).map(|metadata| metadata.dev()).ok();
    let (of_proc, of_file) = (device(proc), device(&proc.join(file)));
    let is_another = of_proc.is_some() && of_file.is_some() && of_proc != of_file;
    is_another || mounts(proc, file)
}

/// Whether the mounts tell so, where `proc` is that of another mount namespace.
fn mounts(proc: &Path, file: &str) -> bool {
    let text = regular_file::table(&proc.join("self/mountinfo")).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let place = format!("/proc/{file}");
    // 36 35 0:61 /proc/meminfo /proc/meminfo rw,nosuid - fuse.lxcfs lxcfs rw
    text.lines().any(|line| {
        let is_place = line.split(' ').nth(4) == Some(&*place);
        let kind = line.split_once(" - ").map(|(_, rest)| rest);
        is_place && kind.is_some_and(|kind| kind.starts_with("fuse."))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::tests::Tree;

    #[test]
    fn files_that_lxcfs_provides() {
        let tree = Tree::new();
        tree.write("meminfo", "");
        assert!(!provides(&tree.root, "meminfo"));
        let mount = "9 8 0:61 /proc/meminfo /proc/meminfo rw - fuse.lxcfs lxcfs rw\n";
        tree.write("self/mountinfo", mount);
        assert!(provides(&tree.root, "meminfo"));
        assert!(!provides(&tree.root, "stat"));
    }
}
