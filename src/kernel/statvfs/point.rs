//! The mount points of a file system, and the calls that read one.

use std::{
    io,
    path::PathBuf,
    sync::{
        OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
};

use nix::sys::statvfs::statvfs;

use super::space::{SpaceUsage, Statvfs};
use crate::{
    kernel::mountinfo::{self, FileSystem, stat_point},
    reading::Fault,
    source::{Error, Roots},
};

/// A mount point of a file system.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct MountPoint {
    pub(super) path: PathBuf,
    /// The device number, if the directories of the file system have it.
    pub(super) device: Option<(u64, u64)>,
    /// The id of the mount, if this process sees the mounts that it has read of.
    pub(super) mount_id: Option<u64>,
}

impl MountPoint {
    /// The mount points of a file system, the one that stands for it first.
    pub(super) fn all(roots: &Roots, file_system: &FileSystem) -> Vec<Self> {
        let has_device = file_system.has_device_number();
        let is_own = mountinfo::is_own(roots);
        let mounts = file_system.mounts.iter();
        mounts
            .map(|mount| Self {
                path: mount.path(roots),
                device: has_device.then_some(mount.device),
                mount_id: is_own.then_some(mount.mount_id),
            })
            .collect()
    }
}

/// Reads a file system at the first of its mount points that answers.
pub(super) struct Points {
    points: Vec<MountPoint>,
    /// The number of the mount point that answered last.
    current: AtomicUsize,
    /// The file system that answered first.
    identity: OnceLock<Identity>,
}

/// The identity of a file system: the device number of the directory, and `f_fsid`. Another file system may be mounted at its
/// place later, perhaps with its device number.
#[derive(Debug, PartialEq)]
struct Identity {
    device: (u64, u64),
    f_fsid: u64,
}

impl Points {
    pub(super) fn new(points: Vec<MountPoint>) -> Self {
        Self {
            points,
            current: AtomicUsize::new(0),
            identity: OnceLock::new(),
        }
    }

    /// Reads the space of the file system, if it is still mounted.
    pub(super) fn read_usage(&self) -> Result<SpaceUsage, Fault> {
        let current = self.current.load(Ordering::Relaxed);
        let mut fault = Fault::Gone;
        for number in (current..self.points.len()).chain(0..current) {
            let Some(point) = self.points.get(number) else {
                continue;
            };
            match self.read_at(point) {
                Ok(usage) => {
                    self.current.store(number, Ordering::Relaxed);
                    return Ok(usage);
                }
                // The fault of the mount that stands for the file system tells most.
                Err(other) if number == current => fault = other,
                Err(_) => {}
            }
        }
        Err(fault)
    }

    fn read_at(&self, point: &MountPoint) -> Result<SpaceUsage, Fault> {
        let fault = |cause: io::Error| Error::io(&point.path, cause).fault();
        // Without these checks, the file system below the mount point would answer once this one is unmounted.
        let stat = stat_point(&point.path).map_err(fault)?;
        let is_other = |expected: Option<(u64, u64)>| expected.is_some_and(|id| id != stat.device);
        let is_other_mount = point
            .mount_id
            .is_some_and(|id| stat.mount_id.is_some_and(|is| is != id));
        if is_other(point.device) || is_other_mount {
            return Err(Fault::Gone);
        }
        let answer = statvfs(&point.path).map_err(|errno| fault(errno.into()))?;
        let answer = Statvfs {
            f_frsize: answer.fragment_size(),
            f_blocks: answer.blocks(),
            f_bfree: answer.blocks_free(),
            f_bavail: answer.blocks_available(),
            f_files: answer.files(),
            f_ffree: answer.files_free(),
            f_fsid: answer.filesystem_id(),
        };
        let identity = Identity {
            device: stat.device,
            f_fsid: answer.f_fsid,
        };
        if *self.identity.get_or_init(|| Identity { ..identity }) != identity {
            return Err(Fault::Gone);
        }
        SpaceUsage::new(&answer, stat.device)
    }
}
