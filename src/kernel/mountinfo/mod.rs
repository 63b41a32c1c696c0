//! Mounted file systems: `/proc/self/mountinfo`.
//!
//! proc_pid_mountinfo(5); Documentation/filesystems/proc.rst and sharedsubtree.rst.

mod counting;
mod file_system;
mod kind;
mod reach;
mod record;
mod stat;
mod udev;

use std::path::Path;
#[cfg(feature = "custom")]
use std::path::PathBuf;

pub(super) use counting::Counting;
pub(super) use file_system::{FileSystem, file_systems};
use reach::Namespace;
pub(super) use record::Mount;
pub(super) use stat::stat_point;

use crate::{
    regular_file,
    source::{Error, Roots, parse},
};

/// Reads the mounts of this process, or, in a container that observes its host, those of the host's init. Without the
/// right to read those, it reads its own: those below the root directory of the observed machine.
fn read(roots: &Roots) -> Result<Vec<Mount>, Error> {
    let all = |text: &[u8]| parse::lines(text).filter_map(Mount::parse).collect();
    let path = roots.proc.join("self/mountinfo");
    if !is_own(roots)
        && let Ok(text) = regular_file::table(&roots.proc.join("1/mountinfo"))
    {
        return Ok(all(&text));
    }
    let text = regular_file::table(&path).map_err(|cause| Error::io(&path, cause))?;
    let mut mounts = below_root(all(&text), &roots.root);
    if is_own(roots) {
        list_root(&mut mounts);
    }
    Ok(mounts)
}

/// Whether these are the files of this machine and this process.
pub(super) fn is_own(roots: &Roots) -> bool {
    *roots == Roots::default()
}

/// Adds the root directory of this process if no mount in the list is there. After chroot(2), the kernel lists no mount that
/// is not below the root directory; proot changes the paths of a process, and not this list.
fn list_root(mounts: &mut Vec<Mount>) {
    let root = Path::new("/");
    let Ok(stat) = stat_point(root) else {
        return;
    };
    let is_there = |mount: &Mount| match stat.mount_id {
        Some(id) => mount.mount_id == id,
        None => mount.mount_point == root,
    };
    let listed = mounts.iter().find(|mount| is_there(mount));
    if listed.is_some_and(|mount| mount.mount_point == root) {
        return;
    }
    let listed = listed.cloned().unwrap_or_else(|| Mount {
        mount_id: stat.mount_id.unwrap_or_default(),
        device: stat.device,
        ..Mount::default()
    });
    mounts.retain(|mount| mount.mount_point != root);
    mounts.push(Mount {
        mount_point: root.to_owned(),
        ..listed
    });
}

/// The mounts below a directory where the observed machine is mounted, as it sees them; all if none is there.
fn below_root(mounts: Vec<Mount>, root: &Path) -> Vec<Mount> {
    let is_below = |mount: &Mount| root != Path::new("/") && mount.mount_point.starts_with(root);
    if !mounts.iter().any(is_below) {
        return mounts;
    }
    let below = mounts.into_iter().filter_map(|mount| {
        let point = mount.mount_point.strip_prefix(root).ok()?;
        let mount_point = Path::new("/").join(point);
        Some(Mount {
            mount_point,
            ..mount
        })
    });
    below.collect()
}

/// The mount points of file systems for which a server or a process answers, and may never answer.
#[cfg(feature = "custom")]
pub(crate) fn network_and_fuse_mounts() -> Vec<PathBuf> {
    let text = regular_file::table(Path::new("/proc/self/mountinfo")).unwrap_or_default();
    let mounts = parse::lines(&text).filter_map(Mount::parse);
    mounts
        .filter(Mount::may_hang)
        .map(|mount| mount.mount_point)
        .collect()
}

/// Checks that no text makes the parser or the choice of mounts panic.
#[cfg(test)]
pub(super) fn check_text(text: &[u8]) {
    let mounts: Vec<_> = parse::lines(text).filter_map(Mount::parse).collect();
    let mut namespace = Namespace::new(&mounts, true);
    file_system::candidates(&mounts, &mut namespace, true);
    namespace.at(Path::new("/var/lib"));
}

#[cfg(test)]
mod tests;
