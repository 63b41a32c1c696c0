//! The block devices that the source of a mount names: the kernel shows the path that was given to mount(2).

use std::{
    fs,
    os::unix::fs::{FileTypeExt, MetadataExt},
    path::{Component, Path, PathBuf},
};

use nix::sys::stat::{major, minor};

use super::{Device, sysfs};
use crate::{
    regular_file,
    source::{Roots, parse},
};

/// The devices that sources of mounts may name.
pub(in crate::kernel) struct MountSources<'a> {
    roots: &'a Roots,
    devices: &'a [Device],
}

impl<'a> MountSources<'a> {
    pub(in crate::kernel) fn new(roots: &'a Roots, devices: &'a [Device]) -> Self {
        Self { roots, devices }
    }

    /// The kernel's names of the devices: none of a data set, a server or a device that is not known, and several of
    /// bcachefs, whose source is `/dev/sda1:/dev/sdb1`.
    pub(in crate::kernel) fn resolve(&self, source: &str) -> Vec<String> {
        // The paths in by-path have colons, too.
        let paths = source.split(":/").enumerate();
        let path = |(index, path): (usize, &str)| match index {
            0 => path.to_owned(),
            _ => format!("/{path}"),
        };
        let devices = paths.map(|part| self.device(&path(part)));
        devices.collect::<Option<_>>().unwrap_or_default()
    }

    /// The kernel's names of all devices of the file system that has this one, as btrfs and bcachefs show them in
    /// sysfs; none if no file system shows this one.
    pub(in crate::kernel) fn members(&self, kernel: &str) -> Vec<String> {
        let kernel = kernel.replace('/', "!");
        let file_systems = ["btrfs", "bcachefs"].into_iter().flat_map(|fs_type| {
            let directory = self.roots.sys.join("fs").join(fs_type);
            regular_file::entries(&directory).unwrap_or_default()
        });
        let mut members = file_systems.map(|file_system| members_of(&file_system.path()));
        let members = members.find(|members| members.contains(&kernel));
        let members = members.unwrap_or_default().into_iter();
        members.map(|member| member.replace('!', "/")).collect()
    }

    fn device(&self, source: &str) -> Option<String> {
        match source {
            // The initial root of a kernel without an initramfs.
            "/dev/root" | "rootfs" => self.path(&self.root_parameter()?),
            source => self.path(&path_of_tag(source)),
        }
    }

    fn path(&self, path: &str) -> Option<String> {
        let path = self.follow(path)?;
        let name = path.strip_prefix("/dev").ok()?.to_str()?;
        self.node(name, &path)
            .or_else(|| self.mapped(name))
            .or_else(|| self.partition(name))
            .or_else(|| self.file_system(name))
            .or_else(|| self.in_udev(name))
    }

    /// The path to which the links lead, as the observed machine sees it. Only links below `/dev` are read: another file
    /// system might not answer.
    fn follow(&self, path: &str) -> Option<PathBuf> {
        const MOST_LINKS: usize = 16;
        let mut path = normalize(Path::new(path));
        for _ in 0..MOST_LINKS {
            let parent = path.parent().filter(|parent| parent.starts_with("/dev"))?;
            let Ok(target) = fs::read_link(self.in_root(&path)) else {
                return Some(path);
            };
            let target = match target.strip_prefix(&self.roots.root) {
                Ok(inside) => Path::new("/").join(inside),
                Err(_) => target,
            };
            path = normalize(&parent.join(target));
        }
        None
    }

    fn in_root(&self, path: &Path) -> PathBuf {
        self.roots.root.join(path.strip_prefix("/").unwrap_or(path))
    }

    /// The device whose name or number the node below `/dev` has.
    fn node(&self, name: &str, path: &Path) -> Option<String> {
        let directory = self.roots.sys.join("class/block");
        let is_known = self.devices.iter().any(|device| device.kernel_name == name)
            || directory.join(name.replace('/', "!")).exists();
        if is_known {
            return Some(name.to_owned());
        }
        if let Some(number) = name.strip_prefix("block/") {
            return self.numbered(number_of(number)?);
        }
        let node = fs::symlink_metadata(self.in_root(path)).ok()?;
        let number = (major(node.rdev()), minor(node.rdev()));
        node.file_type()
            .is_block_device()
            .then(|| self.numbered(number))?
    }

    /// The device with this number.
    fn numbered(&self, number: (u64, u64)) -> Option<String> {
        let mut devices = self.devices.iter();
        let device = devices.find(|device| number != (0, 0) && device.number == number);
        device.map(|device| device.kernel_name.clone()).or_else(|| {
            let (major, minor) = number;
            let link = format!("dev/block/{major}:{minor}");
            let directory = fs::read_link(self.roots.sys.join(link)).ok()?;
            Some(directory.file_name()?.to_str()?.replace('!', "/"))
        })
    }

    /// The volume of device mapper: `mapper/vg-home`, and of LVM `vg/home`, where hyphens are doubled in the former.
    fn mapped(&self, name: &str) -> Option<String> {
        let of_lvm = || {
            let (group, volume) = name.split_once('/')?;
            let doubled = |name: &str| name.replace('-', "--");
            Some(format!("{}-{}", doubled(group), doubled(volume)))
        };
        let named = name
            .strip_prefix("mapper/")
            .or_else(|| name.strip_prefix("disk/by-id/dm-name-"));
        let id = match (named, name.strip_prefix("disk/by-id/dm-uuid-")) {
            (Some(named), _) => return self.with_attribute("dm/name", named),
            (None, Some(uuid)) => return self.with_attribute("dm/uuid", uuid),
            (None, None) => of_lvm()?,
        };
        self.with_attribute("dm/name", &id)
    }

    fn with_attribute(&self, attribute: &str, value: &str) -> Option<String> {
        let has_it = |device: &&Device| {
            let directory = sysfs::directory(self.roots, &device.kernel_name);
            device.kernel_name.starts_with("dm-")
                && regular_file::table(&directory.join(attribute))
                    .is_ok_and(|text| text.trim_ascii() == value.as_bytes())
        };
        let device = self.devices.iter().find(has_it)?;
        Some(device.kernel_name.clone())
    }

    /// The partition whose name or UUID, of GPT, its uevent has.
    fn partition(&self, name: &str) -> Option<String> {
        let (directory, value) = name.strip_prefix("disk/by-")?.split_once('/')?;
        let key = match directory {
            "partuuid" => "PARTUUID",
            "partlabel" => "PARTNAME",
            _ => return None,
        };
        let wanted = format!("{key}={}", unescape(value));
        let has_it = |device: &&Device| {
            let kernel = &*device.kernel_name;
            let whole = sysfs::partition(self.roots, kernel, &Default::default());
            whole.is_some_and(|(whole, _)| {
                let partition = sysfs::partition_directory(self.roots, whole, kernel);
                let uevent = regular_file::table(&partition.join("uevent")).unwrap_or_default();
                parse::lines(&uevent).any(|line| line == wanted.as_bytes())
            })
        };
        let device = self.devices.iter().find(has_it)?;
        Some(device.kernel_name.clone())
    }

    /// A device of the mounted file system with this UUID.
    fn file_system(&self, name: &str) -> Option<String> {
        let uuid = name.strip_prefix("disk/by-uuid/")?;
        let mut directories = ["btrfs", "bcachefs"]
            .iter()
            .map(|fs_type| self.roots.sys.join("fs").join(fs_type).join(uuid));
        let members = directories.find_map(|directory| members_of(&directory).into_iter().next());
        Some(members?.replace('!', "/"))
    }

    /// The device of which udev has noted this link. A container may have these notes and no links.
    fn in_udev(&self, name: &str) -> Option<String> {
        let directory = self.roots.root.join("run/udev/data");
        let link = format!("S:{name}");
        let notes = regular_file::entries(&directory).unwrap_or_default();
        notes.into_iter().find_map(|note| {
            let number = note.file_name();
            let number = number_of(number.to_str()?.strip_prefix('b')?)?;
            let text = regular_file::table(&note.path()).ok()?;
            let mut lines = parse::lines(&text);
            lines.find(|line| *line == link.as_bytes())?;
            self.numbered(number)
        })
    }

    /// The path of the root file system on the kernel's command line. The last one counts.
    fn root_parameter(&self) -> Option<String> {
        let line = regular_file::table(&self.roots.proc.join("cmdline")).ok()?;
        let line = String::from_utf8_lossy(&line).into_owned();
        let mut words = line.split_whitespace();
        let root = words.rfind(|word| word.starts_with("root="))?;
        let root = root.strip_prefix("root=")?;
        if number_of(root).is_some() {
            return Some(format!("/dev/block/{root}"));
        }
        let path = path_of_tag(root);
        (path != "/dev/root").then_some(path)
    }
}

/// The names of the devices of a file system in `/sys/fs/btrfs/UUID/devices` or `/sys/fs/bcachefs/UUID/dev-0/block`.
fn members_of(file_system: &Path) -> Vec<String> {
    let entries = |directory: &Path| regular_file::entries(directory).unwrap_or_default();
    let listed = entries(&file_system.join("devices")).into_iter();
    let listed = listed.filter_map(|device| device.file_name().into_string().ok());
    let linked = entries(file_system).into_iter().filter_map(|entry| {
        let name = entry.file_name().into_string().ok()?;
        name.strip_prefix("dev-")?;
        let device = fs::read_link(entry.path().join("block")).ok()?;
        Some(device.file_name()?.to_str()?.to_owned())
    });
    listed.chain(linked).collect()
}

/// The path of udev's link for `UUID=…` and its like; another source itself.
fn path_of_tag(source: &str) -> String {
    let tag = source.split_once('=').and_then(|(tag, value)| {
        let directory = match tag {
            "UUID" => "by-uuid",
            "LABEL" => "by-label",
            "PARTUUID" => "by-partuuid",
            "PARTLABEL" => "by-partlabel",
            "ID" => "by-id",
            _ => return None,
        };
        let value = value.trim_matches('"');
        Some(format!("/dev/disk/{directory}/{value}"))
    });
    tag.unwrap_or_else(|| source.to_owned())
}

/// A number such as `8:1`.
fn number_of(text: &str) -> Option<(u64, u64)> {
    let (major, minor) = parse::split(text.as_bytes(), b':')?;
    Some((parse::number(major)?, parse::number(minor)?))
}

/// An absolute path without `.` and `..`.
fn normalize(path: &Path) -> PathBuf {
    let mut normal = PathBuf::from("/");
    for component in path.components() {
        match component {
            Component::Normal(name) => normal.push(name),
            Component::ParentDir => {
                normal.pop();
            }
            Component::RootDir | Component::CurDir | Component::Prefix(_) => {}
        }
    }
    normal
}

/// A name in which udev has written special characters as `\x20`.
fn unescape(name: &str) -> String {
    let mut parts = name.split("\\x");
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let byte = part.get(..2).map(|hex| u8::from_str_radix(hex, 16));
        match (byte, part.get(2..)) {
            (Some(Ok(byte)), Some(rest)) => {
                bytes.push(byte);
                bytes.extend(rest.bytes());
            }
            _ => bytes.extend(format!("\\x{part}").bytes()),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests;
