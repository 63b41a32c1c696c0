//! Opens, creates and checks the file at the path of a pidfile.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use nix::libc;
use nix::unistd::geteuid;

use crate::linux::error::Error;

pub(super) const MODE: u32 = 0o644;

/// O_NONBLOCK and O_NOCTTY: the path may be a FIFO or a tty.
const OPEN_FLAGS: i32 = libc::O_NOFOLLOW | libc::O_NOCTTY | libc::O_NONBLOCK;

pub(super) fn open_to_read(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .custom_flags(OPEN_FLAGS)
        .open(path)
}

/// Without O_TRUNC: the file may belong to another program.
pub(super) fn open_to_write(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(OPEN_FLAGS)
        .open(path)
}

pub(super) fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .mode(MODE)
        .custom_flags(OPEN_FLAGS)
        .open(path)
}

/// Opens the file, or creates it. Not by O_CREAT alone: with `fs.protected_regular` the kernel refuses that on another
/// user's file in a sticky directory, and the error would not name the owner.
pub(super) fn open_or_create(path: &Path) -> Result<File, Error> {
    loop {
        match open_to_write(path) {
            Ok(file) => return require_own(&file, path).map(|()| file),
            Err(cause) if cause.kind() == ErrorKind::NotFound => {}
            Err(cause) => return Err(open_to_write_error(path, cause)),
        }
        match create(path) {
            Err(cause) if cause.kind() == ErrorKind::AlreadyExists => {}
            created => return created.map_err(|cause| Error::file(path, cause)),
        }
    }
}

/// The error of an open(2) with [`OPEN_FLAGS`].
pub(super) fn open_error(path: &Path, cause: io::Error) -> Error {
    let found = path.symlink_metadata();
    match cause.raw_os_error() {
        Some(libc::ELOOP) if found.is_ok_and(|found| found.is_symlink()) => {
            let path = path.to_path_buf();
            Error::SymbolicLink { path }
        }
        _ => Error::file(path, cause),
    }
}

/// Refuses a directory, a device, a FIFO, and a file with a second name, which may be an important file of any user.
pub(super) fn require_regular(found: &Metadata, path: &Path) -> Result<(), Error> {
    let path = || path.to_path_buf();
    if !found.is_file() {
        return Err(Error::NotRegular { path: path() });
    }
    if found.nlink() > 1 {
        return Err(Error::HardLink { path: path() });
    }
    Ok(())
}

/// Whether the open file is still the one at the path.
pub(super) fn is_at(file: &File, path: &Path) -> Result<bool, Error> {
    let opened = file.metadata().map_err(|cause| Error::file(path, cause))?;
    match path.symlink_metadata() {
        Ok(at_path) => Ok(device_and_inode(&opened) == device_and_inode(&at_path)),
        Err(cause) if cause.kind() == ErrorKind::NotFound => Ok(false),
        Err(cause) => Err(Error::file(path, cause)),
    }
}

/// Device and inode, as stat(2) gives them.
pub(super) fn device_and_inode(file: &Metadata) -> (u64, u64) {
    (file.dev(), file.ino())
}

pub(super) fn open_to_write_error(path: &Path, cause: io::Error) -> Error {
    let found = path.symlink_metadata();
    let user = found.map(|found| found.uid()).unwrap_or(geteuid().as_raw());
    if cause.kind() == ErrorKind::PermissionDenied && user != geteuid().as_raw() {
        let path = path.to_path_buf();
        return Error::NotOwned { path, user };
    }
    open_error(path, cause)
}

/// Refuses a file that is not regular or not this user's. Another user could write any number into his own file, or
/// have another file of ours truncated through a hard link.
pub(super) fn require_own(file: &File, path: &Path) -> Result<(), Error> {
    let found = file.metadata().map_err(|cause| Error::file(path, cause))?;
    require_regular(&found, path)?;
    if found.uid() == geteuid().as_raw() {
        return Ok(());
    }
    let (path, user) = (path.to_path_buf(), found.uid());
    Err(Error::NotOwned { path, user })
}
