//! The file systems that are mounted: which mount stands for each, its id and its name.

use std::{cmp::Reverse, collections::HashMap, io::ErrorKind, path::Path};

use super::{
    Counting, Mount, Namespace, counting::Storage, is_own, kind::Kind, read, stat_point,
    udev::Links,
};
use crate::{
    kernel::block::Device,
    metric::{Group, Object},
    source::{Error, Roots},
};

/// A file system, its id and its name.
pub(crate) struct FileSystem {
    /// The UUID, or the mount point if udev has found no UUID.
    pub(crate) id: String,
    /// Its mounts that can be reached, the one that stands for it first.
    pub(crate) mounts: Vec<Mount>,
    /// The kernel's names of its devices; none where they are not known.
    pub(crate) kernel_names: Vec<String>,
    /// The label, or the mount point if there is no label.
    pub(crate) name: String,
    pub(crate) counting: Counting,
    /// The storage of its files.
    kind: Kind,
}

/// The most mounts of a file system that are kept: as many as may fail before the next is tried.
const MOST_MOUNTS: usize = 4;

impl FileSystem {
    /// The object of its metrics.
    pub(crate) fn object(&self) -> Object {
        Object::new(&self.name, Group::Disks)
    }

    /// Whether the directories of a mount have the device number of the mount. Those of a subvolume or a data set have
    /// their own.
    pub(crate) fn has_device_number(&self) -> bool {
        let device = self.mounts.first().map(|mount| mount.device.0);
        self.kind == Kind::Network || device.is_some_and(|major| major != 0)
    }
}

/// The mounted file systems on disks, and those on the network if `with_network` is true: each once, by the mount that
/// stands for it.
///
/// # Errors
/// If mountinfo cannot be read.
pub(crate) fn file_systems(
    roots: &Roots,
    devices: &[Device],
    with_network: bool,
) -> Result<Vec<FileSystem>, Error> {
    let mounts = read(roots)?;
    let mut namespace = Namespace::new(&mounts, !is_own(roots));
    let links = Links::read(roots, devices);
    let mut all: Vec<FileSystem> = Vec::new();
    for candidates in candidates(&mounts, &mut namespace, with_network) {
        let candidates = directories(roots, &namespace, candidates);
        let Some((first, kind)) = candidates
            .first()
            .and_then(|mount| Some((*mount, mount.kind()?)))
        else {
            continue;
        };
        let names = links.devices(first);
        let point = first.mount_point.to_string_lossy().into_owned();
        let ids = [links.uuid(first, &names), Some(point.clone())];
        // A copy of a file system has the UUID of the original.
        let is_free = |id: &String| all.iter().all(|other| other.id != *id);
        let Some(id) = ids.into_iter().flatten().find(is_free) else {
            continue;
        };
        let mut storage = Storage {
            roots,
            devices,
            namespace: &mut namespace,
        };
        all.push(FileSystem {
            id,
            name: links.label(first, &names).unwrap_or(point),
            counting: storage.counting(first, &names),
            kernel_names: names,
            mounts: candidates.into_iter().take(MOST_MOUNTS).cloned().collect(),
            kind,
        });
    }
    Ok(all)
}

/// The mounts of each file system that a path leads to, those that are to stand for it first. File systems for which a
/// server or another process answers are left out, because they may never answer.
///
/// With the network file systems come those that autofs has mounted. They are left out otherwise, because autofs does not
/// unmount a file system that is read again and again. The mount points of autofs itself are always left out: they have
/// no size, and reading one would mount something.
pub(super) fn candidates<'a>(
    mounts: &'a [Mount],
    namespace: &mut Namespace<'a>,
    with_network: bool,
) -> Vec<Vec<&'a Mount>> {
    let mut groups: Vec<Vec<&Mount>> = Vec::new();
    let (mut by_device, mut by_source) = (HashMap::new(), HashMap::new());
    let mut autofs: Vec<&Path> = Vec::new();
    for (number, mount) in mounts.iter().enumerate() {
        let point = &*mount.mount_point;
        if mount.fs_type == "autofs" {
            autofs.push(point);
        }
        let is_listed = match mount.kind() {
            None => false,
            Some(Kind::Network) => with_network || point == Path::new("/"),
            Some(_) => with_network || !autofs.iter().any(|autofs| point.starts_with(autofs)),
        };
        if !is_listed || !namespace.is_reachable(number) {
            continue;
        }
        let source = mount
            .is_named_by_source()
            .then_some((&*mount.fs_type, &*mount.mount_source));
        let known = by_device.get(&mount.device).copied();
        let known = known.or_else(|| by_source.get(&source?).copied());
        let group = known.unwrap_or(groups.len());
        by_device.entry(mount.device).or_insert(group);
        if let Some(source) = source {
            by_source.entry(source).or_insert(group);
        }
        match groups.get_mut(group) {
            Some(group) => group.push(mount),
            None => groups.push(vec![mount]),
        }
    }
    for group in &mut groups {
        group.sort_by_cached_key(|mount| {
            let is_root = mount.mount_point == Path::new("/");
            Reverse((is_root, namespace.is_certain(mount), is_whole(mount)))
        });
    }
    groups
}

/// The mounts of a file system whose mount points are directories, and those of which this is not known. A mount point
/// that this process can reach comes before one that it cannot.
///
/// A single file of a file system is mounted over another one in containers. It shows the space of the file system of the
/// host, which is none of the container's.
fn directories<'a>(
    roots: &Roots,
    namespace: &Namespace<'_>,
    candidates: Vec<&'a Mount>,
) -> Vec<&'a Mount> {
    /// The most mount points that are looked at.
    const MOST: usize = 256;
    let is_own = is_own(roots);
    // The mount points of another machine may not be here.
    if let [mount] = &*candidates
        && is_whole(mount)
        && !is_own
    {
        return candidates;
    }
    let (mut reached, mut others) = (Vec::new(), Vec::new());
    for mount in candidates.into_iter().take(MOST) {
        // Elsewhere, this blocks for no disk.
        let may_block = mount.may_hang() || !namespace.is_certain(mount);
        let stat = (!may_block).then(|| stat_point(&mount.path(roots)));
        let is_other = |id: u64| is_own && id != mount.mount_id;
        match stat {
            Some(Ok(point)) if point.mount_id.is_some_and(is_other) => {}
            Some(Ok(point)) if point.is_directory => reached.push(mount),
            Some(Ok(_)) => {}
            Some(Err(cause))
                if cause.kind() == ErrorKind::NotFound && (is_own || !is_whole(mount)) => {}
            Some(Err(_)) | None => others.push(mount),
        }
        if reached.len() >= MOST_MOUNTS {
            break;
        }
    }
    reached.append(&mut others);
    reached
}

/// Whether a mount shows the space of the whole file system: a quota may limit that of a directory.
fn is_whole(mount: &Mount) -> bool {
    mount.root == Path::new("/") || mount.has_subvolumes()
}
