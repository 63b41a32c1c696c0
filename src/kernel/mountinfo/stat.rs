//! Looks at mount points.

use std::{io, os::unix::fs::MetadataExt, path::Path};

use nix::sys::stat::{major, minor};
use rustix::{
    fs::{AtFlags, CWD, FileType, StatxFlags, statx},
    io::Errno,
};

/// The directory at a mount point now.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct PointStat {
    /// The device number of the directory or file.
    pub(crate) device: (u64, u64),
    /// The id of the mount, since Linux 5.8.
    pub(crate) mount_id: Option<u64>,
    /// Whether it is a directory.
    pub(crate) is_directory: bool,
}

/// Looks at a mount point. Mounts nothing that autofs would mount, and asks no server for what the kernel knows.
///
/// # Errors
/// If the path cannot be reached.
pub(crate) fn stat_point(path: &Path) -> io::Result<PointStat> {
    let flags = AtFlags::NO_AUTOMOUNT | AtFlags::STATX_DONT_SYNC;
    // By rustix, because nix has no statx(2), and the standard library's triggers autofs.
    match statx(CWD, path, flags, StatxFlags::TYPE | StatxFlags::MNT_ID) {
        Ok(stat) => Ok(PointStat {
            device: (stat.stx_dev_major.into(), stat.stx_dev_minor.into()),
            mount_id: (stat.stx_mask & StatxFlags::MNT_ID.bits() != 0).then_some(stat.stx_mnt_id),
            is_directory: FileType::from_raw_mode(stat.stx_mode.into()).is_dir(),
        }),
        // gVisor, and containers whose seccomp filter is older than the call.
        Err(Errno::NOSYS | Errno::PERM) => {
            let metadata = path.metadata()?;
            Ok(PointStat {
                device: (major(metadata.dev()), minor(metadata.dev())),
                mount_id: None,
                is_directory: metadata.is_dir(),
            })
        }
        Err(errno) => Err(errno.into()),
    }
}
