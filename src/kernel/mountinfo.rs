//! The file systems that are mounted: `/proc/self/mountinfo`.

use std::{
    ffi::OsString,
    fs,
    os::unix::ffi::OsStringExt,
    path::{Path, PathBuf},
};

use super::block::Device;
use crate::{
    regular_file,
    source::{Error, Roots, parse},
};

/// A file system on a disk of this machine, mounted.
#[derive(Debug, PartialEq)]
pub(super) struct Mount {
    /// Where, as its own machine sees it.
    pub(super) point: PathBuf,
    /// The device, 0 for file systems that span several.
    pub(super) device: (u64, u64),
    pub(super) fs_type: String,
    /// What was mounted: `/dev/sda1`, or the name of a data set.
    pub(super) source: String,
}

impl Mount {
    /// Whether a server is asked.
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

/// A file system, and what it is called.
pub(super) struct FileSystem {
    /// The UUID; where udev has not found one, the place where it is mounted.
    pub(super) id: String,
    pub(super) mount: Mount,
    /// The device's name in the kernel, if it has one.
    pub(super) kernel_name: Option<String>,
    /// The label, otherwise the place.
    pub(super) name: String,
    /// Whether its bytes are in no other file system.
    pub(super) is_counted: bool,
}

/// The file systems on disks that are mounted now, and those [on the network](mounts) if they are wanted.
///
/// # Errors
/// When the kernel does not say which.
pub(super) fn file_systems(
    roots: &Roots,
    devices: &[Device],
    with_network: bool,
) -> Result<Vec<FileSystem>, Error> {
    let uuids = links(&roots.root.join("dev/disk/by-uuid"));
    let labels = links(&roots.root.join("dev/disk/by-label"));
    let named = |links: &[(String, String)], kernel: &Option<String>| {
        let link = links.iter().find(|link| Some(&link.1) == kernel.as_ref());
        link.map(|link| link.0.clone())
    };
    let mut all: Vec<FileSystem> = Vec::new();
    for mount in mounts(&read(roots)?, with_network) {
        let kernel_name = find_kernel_name(&mount, devices);
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

/// Of this process, or, in a container that looks at its host, of the host's first.
fn read(roots: &Roots) -> Result<Vec<u8>, Error> {
    let path = roots.proc.join("self/mountinfo");
    if *roots != Roots::default()
        && let Ok(text) = regular_file::table(&roots.proc.join("1/mountinfo"))
    {
        return Ok(text);
    }
    regular_file::table(&path).map_err(|cause| Error::io(&path, cause))
}

/// Where file systems are mounted of which a server or a program answers, and may not.
#[cfg(feature = "custom")]
pub(crate) fn network_and_fuse_mounts() -> Vec<PathBuf> {
    let text = regular_file::table(Path::new("/proc/self/mountinfo")).unwrap_or_default();
    let may_hang = |mount: &Mount| mount.is_network() || mount.fs_type.starts_with("fuse");
    let mounts = parse::lines(&text).filter_map(parse_line).filter(may_hang);
    mounts.map(|mount| mount.point).collect()
}

/// The mounts in a text of mountinfo that are on disks of this machine, each file system once:
/// none of those that ask a server or another program, which may never answer, and no images,
/// which are always full.
///
/// With those on the network come those that autofs has mounted, which it would never unmount when
/// somebody asked them again and again. Its own places have no room, and would mount something.
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
            // What spans devices has a number of its own for each of its parts.
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

/// By proc_pid_mountinfo(5): the number, the place, and after a dash the fs_type and the source.
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
            // The low bits of a digit are its number.
            bytes.push((a & 3) << 6 | (b & 7) << 3 | (c & 7));
            rest = tail;
        } else {
            bytes.push(*byte);
            rest = tail;
        }
    }
    bytes
}

fn find_kernel_name(mount: &Mount, devices: &[Device]) -> Option<String> {
    let file = mount.source.strip_prefix("/dev/").unwrap_or_default();
    let mapped = file
        .strip_prefix("mapper/")
        .map(|name| format!("dm-name-{name}"));
    let has_device = |device: &&Device| match mount.device.0 {
        0 => device.kernel_name == file || mapped.as_ref() == Some(&device.id),
        _ => device.number == mount.device,
    };
    devices
        .iter()
        .find(has_device)
        .map(|device| device.kernel_name.clone())
}

/// The names in a directory of udev, and the devices that they lead to.
fn links(directory: &Path) -> Vec<(String, String)> {
    let entries = regular_file::entries(directory).into_iter().flatten();
    entries
        .filter_map(|entry| {
            let target = fs::read_link(entry.path()).ok()?;
            let name = entry.file_name().into_string().ok()?;
            Some((
                unescape_udev(&name),
                target.file_name()?.to_str()?.to_owned(),
            ))
        })
        .collect()
}

/// Udev writes what is not plain in a label as `\x20`.
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
