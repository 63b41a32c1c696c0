//! A mount whose server does not answer, as sshfs leaves one: every system call on it waits for ever.

use std::{
    ffi::CString,
    fs::File,
    os::fd::AsRawFd,
    path::{Path, PathBuf},
};

use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};

/// A FUSE file system whose program answers no request.
pub(crate) struct Hung {
    path: PathBuf,
    /// When it is closed, the kernel fails all waiting system calls.
    device: Option<File>,
}

impl Hung {
    pub(crate) const NEEDS: &str = "it mounts FUSE, which needs root and /dev/fuse";

    /// Mounts it over this directory or file. `None` if there is no FUSE, or if this process may not mount.
    pub(crate) fn over(path: &Path) -> Option<Self> {
        let mut device = File::options();
        let device = device.read(true).write(true).open("/dev/fuse").ok()?;
        let mode = if path.is_dir() { "40000" } else { "100644" };
        let options = format!(
            "fd={},rootmode={mode},user_id=0,group_id=0,allow_other",
            device.as_raw_fd()
        );
        let options = CString::new(options).ok()?;
        let flags = MountFlags::empty();
        // Each mount has a source of its own: mounts with equal sources count as one file system.
        let origin = format!("filer:{}", path.display());
        mount(&*origin, path, "fuse.sshfs", flags, Some(&*options)).ok()?;
        Some(Self {
            path: path.to_owned(),
            device: Some(device),
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Ends its program: all waiting system calls fail.
    pub(crate) fn end(&mut self) {
        self.device = None;
    }
}

impl Drop for Hung {
    fn drop(&mut self) {
        self.end();
        unmount(&self.path, UnmountFlags::DETACH).ok();
    }
}
