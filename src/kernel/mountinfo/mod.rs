//! Mounted file systems: `/proc/self/mountinfo`.

use std::{
    ffi::OsString,
    fs,
    os::unix::ffi::OsStringExt,
    path::{Path, PathBuf},
};

use super::block::{Device, mount_source::MountSources};
use crate::{
    metric::{Group, Object},
    regular_file,
    source::{Error, Roots, parse},
};

/// A mount of a file system.
#[derive(Debug, PartialEq)]
pub(super) struct Mount {
    /// The mount point, as the observed machine sees it.
    pub(super) point: PathBuf,
    /// The device number; the major number is 0 for file systems that span several devices.
    pub(super) device: (u64, u64),
    pub(super) fs_type: String,
    /// The mount source: `/dev/sda1`, or the name of a data set.
    pub(super) source: String,
}

impl Mount {
    /// Whether a server answers for the file system.
    pub(super) fn is_network(&self) -> bool {
        const NETWORK_TYPES: [&str; 11] = [
            "9p",
            "afs",
            "ceph",
            "cifs",
            "fuse.glusterfs",
            "fuse.rclone",
            "fuse.sshfs",
            "lustre",
            "nfs",
            "nfs4",
            "smb3",
        ];
        NETWORK_TYPES.contains(&self.fs_type.as_str())
    }
}

/// A file system, its id and its name.
pub(super) struct FileSystem {
    /// The UUID, or the mount point if udev has found no UUID.
    pub(super) id: String,
    pub(super) mount: Mount,
    /// The kernel's name of the device, if there is one.
    pub(super) kernel_name: Option<String>,
    /// The label, or the mount point if there is no label.
    pub(super) name: String,
    /// Whether its bytes are in no other file system, so that it is counted in the totals.
    pub(super) is_counted: bool,
}

impl FileSystem {
    /// The object of its metrics.
    pub(super) fn object(&self) -> Object {
        Object::new(&self.name, Group::Disks)
    }
}

/// The mounted file systems on disks, and [those on the network](mounts) if `with_network` is true.
///
/// # Errors
/// If mountinfo cannot be read.
pub(super) fn file_systems(
    roots: &Roots,
    devices: &[Device],
    with_network: bool,
) -> Result<Vec<FileSystem>, Error> {
    let sources = MountSources::new(roots, devices);
    let uuids = links(roots, &sources, "by-uuid");
    let labels = links(roots, &sources, "by-label");
    let named = |links: &[(String, String)], kernel: &Option<String>| {
        let link = links.iter().find(|link| Some(&link.1) == kernel.as_ref());
        link.map(|link| link.0.clone())
    };
    let mut all: Vec<FileSystem> = Vec::new();
    for mount in mounts(&read(roots)?, with_network) {
        let kernel_name = find_kernel_name(&sources, &mount, devices);
        let point = mount.point.to_string_lossy().into_owned();
        let id = named(&uuids, &kernel_name).unwrap_or_else(|| point.clone());
        if all.iter().any(|other| other.id == id) {
            continue;
        }
        all.push(FileSystem {
            id,
            name: named(&labels, &kernel_name).unwrap_or(point),
            is_counted: !mount.is_network()
                && !mount.source.starts_with("/dev/loop")
                && (mount.fs_type != "zfs" || !mount.source.contains('/')),
            kernel_name,
            mount,
        });
    }
    Ok(all)
}

/// Reads the mounts of this process, or, in a container that observes its host, those of the host's init.
fn read(roots: &Roots) -> Result<Vec<u8>, Error> {
    let path = roots.proc.join("self/mountinfo");
    if *roots != Roots::default()
        && let Ok(text) = regular_file::table(&roots.proc.join("1/mountinfo"))
    {
        return Ok(text);
    }
    regular_file::table(&path).map_err(|cause| Error::io(&path, cause))
}

/// The mount points of file systems for which a server or a process answers, and may never answer.
#[cfg(feature = "custom")]
pub(crate) fn network_and_fuse_mounts() -> Vec<PathBuf> {
    let text = regular_file::table(Path::new("/proc/self/mountinfo")).unwrap_or_default();
    let may_hang = |mount: &Mount| mount.is_network() || mount.fs_type.starts_with("fuse");
    let mounts = parse::lines(&text).filter_map(parse_line).filter(may_hang);
    mounts.map(|mount| mount.point).collect()
}

/// The mounts in a text of mountinfo that are on disks of this machine, each file system once. File systems for
/// which a server or another process answers are left out, because they may never answer, and so are images,
/// which are always full.
///
/// With the network file systems come those that autofs has mounted. They are left out otherwise, because
/// autofs does not unmount a file system that is read again and again. The mount points of autofs itself are
/// always left out: they have no size, and reading one would mount something.
pub(super) fn mounts(text: &[u8], with_network: bool) -> Vec<Mount> {
    let mut mounts: Vec<Mount> = Vec::new();
    let mut autofs_points: Vec<PathBuf> = Vec::new();
    for mount in parse::lines(text).filter_map(parse_line) {
        if mount.fs_type == "autofs" {
            autofs_points.push(mount.point);
            continue;
        }
        if !with_network
            && autofs_points
                .iter()
                .any(|autofs| mount.point.starts_with(autofs))
        {
            continue;
        }
        let is_known = mounts.iter().any(|other| match mount.device.0 {
            // A file system that spans devices has a device number for each of its subvolumes or data sets.
            0 => other.source == mount.source,
            _ => other.device == mount.device,
        });
        if (is_local(&mount) || with_network && mount.is_network()) && !is_known {
            mounts.push(mount);
        }
    }
    mounts
}

fn is_local(mount: &Mount) -> bool {
    const IMAGES: [&str; 5] = ["squashfs", "erofs", "iso9660", "cramfs", "romfs"];
    match mount.fs_type.as_str() {
        "zfs" | "bcachefs" => true,
        "btrfs" => mount.source.starts_with("/dev/"),
        fs_type => {
            mount.device.0 != 0 && !fs_type.starts_with("fuse.") && !IMAGES.contains(&fs_type)
        }
    }
}

/// Parses a line, by proc_pid_mountinfo(5): the device number, the mount point, and after a dash the file
/// system type and the source.
fn parse_line(line: &[u8]) -> Option<Mount> {
    let mut fields = parse::fields(line);
    let number = fields.nth(2)?;
    let (major, minor) = parse::split(number, b':')?;
    let point = unescape(fields.nth(1)?);
    fields.find(|field| field == b"-")?;
    let fs_type = String::from_utf8_lossy(fields.next()?).into_owned();
    let source = String::from_utf8_lossy(&unescape(fields.next()?)).into_owned();
    Some(Mount {
        point: OsString::from_vec(point).into(),
        device: (parse::number(major)?, parse::number(minor)?),
        fs_type,
        source,
    })
}

/// The kernel writes a blank, a tab, a newline and a backslash as three octal digits.
fn unescape(field: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field;
    while let [byte, tail @ ..] = rest {
        if let [
            b'\\',
            a @ b'0'..=b'3',
            b @ b'0'..=b'7',
            c @ b'0'..=b'7',
            tail @ ..,
        ] = rest
        {
            // The low bits of an ASCII digit are its value.
            bytes.push((a & 3) << 6 | (b & 7) << 3 | (c & 7));
            rest = tail;
        } else {
            bytes.push(*byte);
            rest = tail;
        }
    }
    bytes
}

fn find_kernel_name(sources: &MountSources, mount: &Mount, devices: &[Device]) -> Option<String> {
    // A file system that spans devices has a number of its own.
    if mount.device.0 == 0 {
        return sources.resolve(&mount.source).into_iter().next();
    }
    let mut devices = devices.iter();
    let device = devices.find(|device| device.number == mount.device);
    device.map(|device| device.kernel_name.clone())
}

/// The names of the links in a directory of udev, and the devices that they point to.
fn links(roots: &Roots, sources: &MountSources, directory: &str) -> Vec<(String, String)> {
    let entries = regular_file::entries(&roots.root.join("dev/disk").join(directory));
    let link = |entry: fs::DirEntry| {
        let name = entry.file_name().into_string().ok()?;
        let path = format!("/dev/disk/{directory}/{name}");
        let device = sources.resolve(&path).into_iter().next()?;
        Some((unescape_udev(&name), device))
    };
    entries.into_iter().flatten().filter_map(link).collect()
}

/// Udev writes special characters of a label as `\x20`.
fn unescape_udev(name: &str) -> String {
    let mut parts = name.split("\\x");
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        match part
            .get(..2)
            .and_then(|hex| u8::from_str_radix(hex, 16).ok())
        {
            Some(byte) => {
                bytes.push(byte);
                bytes.extend(&part.as_bytes()[2..]);
            }
            None => bytes.extend(format!("\\x{part}").bytes()),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
