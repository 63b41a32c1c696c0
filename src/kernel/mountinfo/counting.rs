//! Which file systems are counted in the totals, so that each byte is counted once.

use std::path::Path;

use super::{Mount, kind::Kind, reach::Namespace};
use crate::{
    kernel::block::{Device, sysfs},
    regular_file,
    source::Roots,
};

/// The part of a file system in the totals.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Counting {
    /// By itself.
    Whole,
    /// With the other data sets of a ZFS pool, which share its free space.
    DataSet {
        /// The pool.
        pool: String,
    },
    /// Only if no other file system that is counted has the same size: it is made of directories of one, which may or may
    /// not be mounted here.
    Layers,
    /// Not at all: its bytes are in memory, in a file of another file system, or on another machine.
    Elsewhere,
}

/// The devices and servers below the file systems.
pub(super) struct Storage<'a, 'b> {
    pub(super) roots: &'a Roots,
    pub(super) devices: &'a [Device],
    pub(super) namespace: &'a mut Namespace<'b>,
}

/// Where the bytes of a device are.
#[derive(Clone, Copy, PartialEq)]
enum Bottom {
    Drive,
    MemoryOrFile,
}

impl Storage<'_, '_> {
    /// How the file system of a mount on these devices is counted.
    pub(super) fn counting(&mut self, mount: &Mount, devices: &[String]) -> Counting {
        match mount.kind() {
            Some(Kind::Disk) => match mount.pool() {
                Some(pool) => Counting::DataSet {
                    pool: pool.to_owned(),
                },
                None if self.is_on_drive(mount, devices) => Counting::Whole,
                None => Counting::Elsewhere,
            },
            Some(Kind::Root) if self.is_layer_in_memory(mount) => Counting::Elsewhere,
            Some(Kind::Root) => Counting::Layers,
            Some(Kind::Host | Kind::Network) | None => Counting::Elsewhere,
        }
    }

    /// Whether some of the devices of a file system have their bytes on a drive.
    fn is_on_drive(&mut self, mount: &Mount, devices: &[String]) -> bool {
        const DEPTH: usize = 8;
        devices.is_empty()
            || devices
                .iter()
                .any(|device| self.bottom(mount, device, DEPTH) == Bottom::Drive)
    }

    /// Where the bytes of a device are, which has at most `depth` devices below it.
    fn bottom(&mut self, mount: &Mount, device: &str, depth: usize) -> Bottom {
        let Some(depth) = depth.checked_sub(1) else {
            return Bottom::Drive;
        };
        let listed = self.devices.iter().map(|device| device.kernel_name.clone());
        let partition = sysfs::partition(self.roots, device, &listed.collect());
        let whole = partition.map_or(device, |(whole, _)| whole);
        if is_of_driver(whole, "zram") || is_of_driver(whole, "ram") {
            return Bottom::MemoryOrFile;
        }
        let directory = sysfs::directory(self.roots, whole);
        if is_of_driver(whole, "loop") {
            let file = regular_file::table(&directory.join("loop/backing_file"));
            let file = file
                .ok()
                .map(|file| String::from_utf8_lossy(&file).trim_end().to_owned());
            return self.bottom_of_file(mount, file.as_deref(), depth);
        }
        let slaves = regular_file::entries(&directory.join("slaves")).unwrap_or_default();
        let slaves: Vec<_> = slaves
            .into_iter()
            .map(|slave| slave.file_name().to_string_lossy().replace('!', "/"))
            .collect();
        let is_on_drive = |slave: &String| self.bottom(mount, slave, depth) == Bottom::Drive;
        match slaves.is_empty() || slaves.iter().any(is_on_drive) {
            true => Bottom::Drive,
            false => Bottom::MemoryOrFile,
        }
    }

    /// Where the bytes of a loop device are. Its file may be on a file system of the host that this container does not
    /// see: then nothing else here has its bytes.
    fn bottom_of_file(&mut self, mount: &Mount, file: Option<&str>, depth: usize) -> Bottom {
        let is_root = mount.mount_point == Path::new("/");
        let Some(file) = file else {
            return if is_root {
                Bottom::Drive
            } else {
                Bottom::MemoryOrFile
            };
        };
        if let Some(device) = file.strip_prefix("/dev/")
            && self.devices.iter().any(|other| other.kernel_name == device)
        {
            return self.bottom(mount, device, depth);
        }
        // The path of the host leads here to the file system itself.
        let below = self.namespace.at(Path::new(file));
        match below.is_none_or(|below| below.device == mount.device) {
            true => Bottom::Drive,
            false => Bottom::MemoryOrFile,
        }
    }

    /// Whether the upper layer of a root directory is in memory, as on a live system.
    fn is_layer_in_memory(&mut self, mount: &Mount) -> bool {
        let upper = mount.super_option("upperdir").map(Path::new);
        let below = upper.and_then(|upper| self.namespace.at(upper));
        below.is_some_and(Mount::is_in_memory)
    }
}

/// Whether the name is that of a driver and a number.
fn is_of_driver(name: &str, driver: &str) -> bool {
    let number = name.strip_prefix(driver).unwrap_or_default();
    !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit())
}
