//! Tells files of procfs and sysfs, which answer at once, from other files, which may hang.
//!
//! The path alone does not tell: `/proc/self/root/home/me/file` and `/sys/../home/me/file` lead to other file
//! systems, and so does a mount below `/sys`. openat2(2) resolves the path and refuses to leave the file system.

use std::{fs::File, io, os::fd::OwnedFd};

use nix::{
    fcntl::{AT_FDCWD, OFlag, OpenHow, ResolveFlag, openat, openat2},
    sys::stat::Mode,
};

const ROOTS: [&str; 2] = ["/proc", "/sys"];

/// Follows no magic link, crosses no mount, and does not leave the root by `..`.
const WITHIN: ResolveFlag = ResolveFlag::RESOLVE_BENEATH
    .union(ResolveFlag::RESOLVE_NO_MAGICLINKS)
    .union(ResolveFlag::RESOLVE_NO_XDEV);

/// Whether a path leads to a file of procfs or sysfs. A path whose file does not exist yet counts, too.
pub(super) fn is_one(path: &str) -> bool {
    let Some((root, below)) = split(path) else {
        return false;
    };
    let opened = openat_within(root, below, OFlag::O_PATH);
    match opened {
        Ok(_) => true,
        // The existing part of the path stays inside.
        Err(cause) => cause.kind() == io::ErrorKind::NotFound,
    }
}

/// Opens a file of procfs or sysfs.
///
/// # Errors
/// The file cannot be opened, or the path leads to another file system by now.
pub(super) fn open(path: &str) -> io::Result<File> {
    let (root, below) = split(path).ok_or(io::ErrorKind::NotFound)?;
    let flags = OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
    openat_within(root, below, flags).map(File::from)
}

/// Splits a path into its root and the path below.
fn split(path: &str) -> Option<(&'static str, &str)> {
    ROOTS.into_iter().find_map(|root| {
        let below = path.strip_prefix(root)?.strip_prefix('/')?;
        Some((root, below.trim_start_matches('/')))
    })
}

fn openat_within(root: &str, below: &str, flags: OFlag) -> io::Result<OwnedFd> {
    let directory = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let root = openat(AT_FDCWD, root, directory, Mode::empty())?;
    let how = OpenHow::new().flags(flags | OFlag::O_CLOEXEC);
    Ok(openat2(&root, below, how.resolve(WITHIN))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        let check = |path: &str, expected| {
            assert_eq!(is_one(path), expected, "{path}");
            if expected && !path.contains("nothing") {
                assert!(open(path).is_ok(), "{path}");
            }
        };
        check("/proc/loadavg", true);
        check("//proc/loadavg", false);
        check("/proc//loadavg", true);
        check("/proc/self/stat", true);
        check("/proc/net/dev", true);
        check("/sys/kernel/../kernel/uevent_seqnum", true);
        check("/sys/devices/system/cpu/online", true);
        check("/proc/nothing", true);
        check("/proc/1/nothing", true);
        check("/sys/../etc/passwd", false);
        check("/proc/self/root/etc/passwd", false);
        check("/proc/self/cwd/Cargo.toml", false);
        check("/proc/self/fd/0", false);
        check("/proc/self/exe", false);
        check("/process/x", false);
        check("/sys", false);
        check("/home/me/file", false);
        assert!(open("/proc/self/root/etc/passwd").is_err());
        assert!(open("/etc/passwd").is_err());
    }
}
