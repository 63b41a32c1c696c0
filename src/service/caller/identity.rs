//! Identifies a process by the signs of a sandbox: a file in its root, its control group, its AppArmor label.
//!
//! A process chooses its root, which may be a network mount or FUSE: opening a file there may block.

use std::{
    fs::{self, File},
    io,
    os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd},
};

use nix::{
    errno::Errno,
    fcntl::{AT_FDCWD, OFlag, openat},
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::stat::Mode,
};
// nix has no pidfd_open(2).
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use crate::regular_file;

use super::{
    Identity, flatpak,
    snap::{self, Snap},
};

/// The largest `.flatpak-info`, `cgroup` or `fdinfo` that is read, in bytes.
const MAX_FILE_BYTES: u64 = 64 << 10;

/// The process of a caller, held by a pidfd, which shows whether the process has ended and its pid may be reused.
#[derive(Debug)]
pub(super) struct CallerProcess {
    pid: Pid,
    descriptor: OwnedFd,
}

impl CallerProcess {
    /// Opens the process of a pid, if there is one.
    pub(super) fn from_pid(pid: u32) -> Option<Self> {
        let pid = Pid::from_raw(pid.try_into().ok()?)?;
        let descriptor = pidfd_open(pid, PidfdFlags::empty()).ok()?;
        Some(Self { pid, descriptor })
    }

    /// The process of a pidfd; `None` if it has ended, or is in another pid namespace.
    pub(super) fn from_pidfd(descriptor: OwnedFd) -> Option<Self> {
        let path = format!("/proc/self/fdinfo/{}", descriptor.as_raw_fd());
        let fdinfo = regular_file::read(path.as_ref(), MAX_FILE_BYTES).ok()?;
        let fdinfo = String::from_utf8(fdinfo).ok()?;
        let number = fdinfo.lines().find_map(|line| line.strip_prefix("Pid:"))?;
        let pid = number.trim().parse().ok().filter(|&number| number > 0);
        let pid = Pid::from_raw(pid?)?;
        Some(Self { pid, descriptor })
    }

    pub(super) fn pid(&self) -> i32 {
        self.pid.as_raw_nonzero().get()
    }

    fn has_ended(&self) -> bool {
        let mut ended = [PollFd::new(self.descriptor.as_fd(), PollFlags::POLLIN)];
        poll(&mut ended, PollTimeout::ZERO) != Ok(0)
    }

    /// Whether the process has the mount namespace and the root of this service. Only the links in `/proc` are read:
    /// no other file system is used.
    pub(super) fn shares_root(&self) -> bool {
        let link =
            |process: &str, name: &str| fs::read_link(format!("/proc/{process}/{name}")).ok();
        let pid = self.pid().to_string();
        ["ns/mnt", "root"].into_iter().all(|name| {
            let own = link("self", name);
            own.is_some() && own == link(&pid, name)
        })
    }

    /// The identity of the process; `None` if it has ended. `label` is its AppArmor label as the bus tells it.
    /// `is_root_plain` says that its root is known not to be marked as a sandbox: then only `/proc` is read.
    pub(super) fn identify(&self, label: Option<&str>, is_root_plain: bool) -> Option<Identity> {
        let identity = self
            .find_sandbox(label, is_root_plain)
            .unwrap_or_else(|cause| {
                Identity::Unknown(format!(
                    "it is unknown whether it is in a sandbox ({cause})"
                ))
            });
        // If the process is still there, the files in `/proc` were its own, not those of a reused pid.
        (!self.has_ended()).then_some(identity)
    }

    fn find_sandbox(&self, label: Option<&str>, is_root_plain: bool) -> Result<Identity, String> {
        let pid = self.pid();
        let failed = |name: &str, cause: io::Error| format!("/proc/{pid}/{name}: {cause}");
        let process = open_directory(&format!("/proc/{pid}")).map_err(|cause| failed("", cause))?;
        if !is_root_plain {
            let root = open_directory(&format!("/proc/{pid}/root"));
            let root = root.map_err(|cause| failed("root", cause))?;
            let found = flatpak_identity(root.as_fd());
            if let Some(identity) = found.map_err(|cause| failed("root/.flatpak-info", cause))? {
                return Ok(identity);
            }
        }
        let groups =
            read_file(process.as_fd(), "cgroup").map_err(|cause| failed("cgroup", cause))?;
        let snap = label.and_then(snap::of_label);
        Ok(match snap.or_else(|| snap::of_cgroup(&groups)) {
            None => Identity::Host,
            Some(Snap::Named(app)) => Identity::Sandboxed(app.into()),
            Some(Snap::Unnamed) => Identity::Unknown("it is a snap without a name".to_owned()),
        })
    }
}

/// The identity by `.flatpak-info` in a root directory; `None` if the file is absent.
fn flatpak_identity(root: BorrowedFd<'_>) -> io::Result<Option<Identity>> {
    let text = match read_file(root, FLATPAK_INFO) {
        Err(cause) if is_absent(&cause) => return Ok(None),
        read => read?,
    };
    Ok(Some(match flatpak::app_id(&text) {
        Some(app) => Identity::Sandboxed(app.into()),
        None => Identity::Unknown("its /.flatpak-info names no application".to_owned()),
    }))
}

/// Whether the root of this service is not marked as that of a sandbox.
pub(super) fn is_own_root_plain() -> bool {
    let root = open_directory("/proc/self/root");
    let identity = root.and_then(|root| flatpak_identity(root.as_fd()));
    matches!(identity, Ok(None))
}

/// The file that Flatpak puts into the root of each sandbox.
const FLATPAK_INFO: &str = ".flatpak-info";

fn is_absent(cause: &io::Error) -> bool {
    cause.raw_os_error() == Some(Errno::ENOENT as i32)
}

/// Opens a directory with `O_PATH`.
fn open_directory(path: &str) -> io::Result<OwnedFd> {
    let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    Ok(openat(AT_FDCWD, path, flags, Mode::empty())?)
}

/// Reads a regular file of a directory. `O_NOFOLLOW`: a link could lead anywhere.
fn read_file(directory: BorrowedFd<'_>, name: &str) -> io::Result<String> {
    let flags = OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let file = File::from(openat(directory, name, flags, Mode::empty())?);
    let about = regular_file::check(&file)?;
    let text = regular_file::read_open(file, &about, MAX_FILE_BYTES)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

#[cfg(test)]
mod tests {
    use std::process::{self, Command};

    use super::*;

    #[test]
    fn a_pidfd_identifies_its_process() {
        let own = CallerProcess::from_pid(process::id()).unwrap();
        let pid = own.pid();
        let same = CallerProcess::from_pidfd(own.descriptor).unwrap();
        assert_eq!(same.pid(), pid);
        assert!(same.shares_root());
        assert!(same.identify(None, false).is_some());
        assert_eq!(
            same.identify(None, true),
            same.identify(None, is_own_root_plain())
        );
        // The descriptor of a regular file.
        let file = File::open("/proc/self/stat").unwrap();
        assert!(CallerProcess::from_pidfd(file.into()).is_none());
        assert!(CallerProcess::from_pid(0).is_none());
        assert!(CallerProcess::from_pid(u32::MAX).is_none());
    }

    #[test]
    fn an_ended_process_has_no_identity() {
        let mut child = Command::new("true").spawn().unwrap();
        let held = CallerProcess::from_pid(child.id()).unwrap();
        child.wait().unwrap();
        assert!(!held.shares_root());
        assert_eq!(held.identify(None, false), None);
        assert_eq!(held.identify(Some("snap.example.app"), true), None);
    }
}
