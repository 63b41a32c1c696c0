//! The kernel's lists of devices: a cheap check whether an expensive probe is needed.

use std::{
    collections::hash_map::DefaultHasher,
    fs,
    hash::{Hash, Hasher},
    io,
    os::unix::fs::{DirEntryExt, MetadataExt},
    path::PathBuf,
};

use crate::{
    regular_file,
    source::{Roots, parse},
};

/// The lists of the devices of each [subsystem](crate::source::About::subsystems).
#[derive(Clone, Debug)]
pub struct DeviceLists {
    roots: Roots,
}

impl DeviceLists {
    /// The lists below these roots.
    pub fn new(roots: &Roots) -> Self {
        Self {
            roots: roots.clone(),
        }
    }

    /// A number that changes when a device of the subsystem comes or goes; none for a subsystem without a list.
    ///
    /// It includes inode numbers: in sysfs, a new link or directory has a new one, so that a new device differs from
    /// an earlier one of the same name.
    pub fn fingerprint(&self, subsystem: &str) -> Option<u64> {
        let Roots { proc, sys, root } = &self.roots;
        let mut fingerprint = Fingerprint::default();
        match subsystem {
            "net" => {
                fingerprint.words(proc.join("net/dev"), |line| {
                    let end = line.iter().position(|&byte| byte == b':')?;
                    line.get(..end)
                });
                fingerprint.directory(sys.join("class/net"));
            }
            "block" => {
                // Only non-empty devices, with their sizes: shows that a loop device or a card reader was filled.
                fingerprint.text(proc.join("partitions"));
                fingerprint.words(proc.join("diskstats"), |line| parse::fields(line).nth(2));
                fingerprint.directories(sys.join("block"));
                let own = self.roots == Roots::default();
                let mounter = if own { "self" } else { "1" };
                fingerprint.text(proc.join(mounter).join("mountinfo"));
                if !own {
                    fingerprint.text(proc.join("self/mountinfo"));
                }
                fingerprint.directory(root.join("dev/disk/by-uuid"));
                fingerprint.directory(root.join("dev/disk/by-label"));
            }
            "cpu" => {
                fingerprint.directory(sys.join("devices/system/cpu"));
                fingerprint.text(sys.join("devices/system/cpu/online"));
            }
            "drm" => {
                fingerprint.directories(sys.join("class/drm"));
                fingerprint.directory(sys.join("bus/pci/drivers/nvidia"));
            }
            // No subsystem of uevents: the kernel announces no swap area. The amounts in use are left out.
            "swap" => {
                fingerprint.words(proc.join("swaps"), |line| parse::fields(line).next());
            }
            "hwmon" | "thermal" | "power_supply" | "powercap" => {
                fingerprint.directories(sys.join("class").join(subsystem));
            }
            _ => return None,
        }
        Some(fingerprint.0.finish())
    }
}

/// A hash of everything that the lists say.
#[derive(Default)]
struct Fingerprint(DefaultHasher);

impl Fingerprint {
    /// Adds the names in a directory, and their inode numbers.
    fn directory(&mut self, path: PathBuf) {
        let entries = fs::read_dir(path).map_err(|cause| self.error(&cause));
        for entry in entries.into_iter().flatten().flatten() {
            (entry.file_name(), entry.ino()).hash(&mut self.0);
        }
        self.0.write_u8(0);
    }

    /// Adds the names in a directory of links to directories, and the inode numbers of the latter.
    fn directories(&mut self, path: PathBuf) {
        let entries = fs::read_dir(path).map_err(|cause| self.error(&cause));
        for entry in entries.into_iter().flatten().flatten() {
            let inode = fs::metadata(entry.path()).ok().map(|target| target.ino());
            (entry.file_name(), inode).hash(&mut self.0);
        }
        self.0.write_u8(0);
    }

    /// Adds a whole text.
    fn text(&mut self, path: PathBuf) {
        self.words(path, |line| Some(line));
    }

    /// Adds a part of each line of a text.
    fn words(&mut self, path: PathBuf, word: impl Fn(&[u8]) -> Option<&[u8]>) {
        match regular_file::table(&path) {
            Ok(text) => parse::lines(&text).for_each(|line| word(line).hash(&mut self.0)),
            Err(cause) => self.error(&cause),
        }
        self.0.write_u8(0);
    }

    fn error(&mut self, cause: &io::Error) {
        cause.raw_os_error().hash(&mut self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{source::tests::Tree, sources::all};

    #[test]
    fn every_subsystem_has_a_list() {
        let lists = DeviceLists::new(&Roots::default());
        for source in all(&Roots::default()) {
            for subsystem in source.about().subsystems {
                let first = lists.fingerprint(subsystem);
                assert!(first.is_some(), "{subsystem}");
                // Interfaces and mounts of other tests come and go.
                if !["net", "block"].contains(subsystem) {
                    assert_eq!(lists.fingerprint(subsystem), first, "{subsystem}");
                }
            }
        }
        assert_eq!(lists.fingerprint("tty"), None);
    }

    #[track_caller]
    fn check(subsystem: &str, change: impl FnOnce(&Tree), is_changed: bool) {
        let tree = Tree::new();
        tree.write("class/hwmon/hwmon0/name", "x");
        tree.write("devices/BAT0/type", "Battery\n");
        tree.link("class/power_supply/BAT0", "devices/BAT0");
        tree.write("class/net/eth0/x", "");
        tree.write("devices/gpu/drm/card0/dev", "226:0\n");
        tree.link("class/drm/card0", "devices/gpu/drm/card0");
        tree.write("net/dev", "Inter-|\n face |bytes\n eth0: 1 2\n");
        tree.write("diskstats", "8 0 sda 1 2 3\n");
        tree.write("partitions", "8 0 100 sda\n");
        tree.write("devices/dm-0/size", "100\n");
        tree.link("block/dm-0", "devices/dm-0");
        tree.write("1/mountinfo", "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n");
        let lists = DeviceLists::new(&tree.roots());
        let before = lists.fingerprint(subsystem);
        assert_eq!(lists.fingerprint(subsystem), before);
        change(&tree);
        assert_eq!(lists.fingerprint(subsystem) != before, is_changed);
    }

    #[test]
    fn a_fifo_is_not_waited_for() {
        let tree = Tree::new();
        let path = tree.roots().proc.join("partitions");
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRUSR).unwrap();
        let lists = DeviceLists::new(&tree.roots());
        assert!(lists.fingerprint("block").is_some());
    }

    #[test]
    fn the_fingerprint_changes_with_the_devices() {
        let write = |path: &'static str, text: &'static str| {
            move |tree: &Tree| drop(tree.write(path, text))
        };
        check("hwmon", |_| {}, false);
        check("hwmon", write("class/hwmon/hwmon1/name", "y"), true);
        check("hwmon", write("class/hwmon/hwmon0/name", "y"), false);
        check(
            "hwmon",
            write("class/thermal/thermal_zone0/type", "y"),
            false,
        );
        check(
            "thermal",
            write("class/thermal/thermal_zone0/type", "y"),
            true,
        );
        let again = |tree: &Tree| {
            let chip = tree.roots().sys.join("class/hwmon/hwmon0");
            fs::rename(&chip, tree.roots().sys.join("old")).unwrap();
            fs::create_dir(&chip).unwrap();
        };
        check("hwmon", again, true);
        let replaced = |tree: &Tree| {
            let sys = tree.roots().sys;
            fs::rename(sys.join("devices/BAT0"), sys.join("old")).unwrap();
            fs::create_dir(sys.join("devices/BAT0")).unwrap();
        };
        check("power_supply", replaced, true);
        // Counters are no part of it.
        check(
            "net",
            write("net/dev", "Inter-|\n face |bytes\n eth0: 5 6\n"),
            false,
        );
        check(
            "net",
            write("net/dev", "Inter-|\n face |bytes\n eth1: 1 2\n"),
            true,
        );
        check("net", write("class/net/eth1/x", ""), true);
        check("block", write("diskstats", "8 0 sda 4 5 6\n"), false);
        check("block", write("diskstats", "8 0 sda 1\n8 1 sda1 1\n"), true);
        check("block", write("partitions", "8 0 200 sda\n"), true);
        check("block", write("1/mountinfo", ""), true);
        let anew = |tree: &Tree| {
            let device = tree.roots().sys.join("devices/dm-0");
            fs::rename(&device, tree.roots().sys.join("old")).unwrap();
            fs::create_dir(&device).unwrap();
        };
        check("block", anew, true);
        check("cpu", write("devices/system/cpu/online", "0-1\n"), true);
        let in_place = |tree: &Tree| {
            let card = tree.roots().sys.join("devices/gpu/drm/card0");
            fs::rename(&card, tree.roots().sys.join("old")).unwrap();
            fs::create_dir(&card).unwrap();
        };
        check("drm", |_| {}, false);
        check("drm", in_place, true);
    }
}
