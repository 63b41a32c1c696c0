//! Opens the files of the standard streams.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::libc;
use nix::unistd::geteuid;

use super::identity::Identity;
use crate::linux::error::Error;

const MODE: u32 = 0o640;

/// O_NOCTTY: a tty must not become the controlling terminal. O_NONBLOCK: a FIFO may have no reader.
const FLAGS: i32 = libc::O_NOCTTY | libc::O_NONBLOCK;

/// Opens an output, or creates it.
pub(super) fn open(path: &Path) -> Result<File, Error> {
    let mut options = OpenOptions::new();
    options.append(true).create(true).mode(MODE);
    let file = options.custom_flags(FLAGS).open(path);
    let file = file.map_err(|cause| Error::file(path, cause))?;
    make_blocking(&file, OFlag::O_APPEND, path)?;
    Ok(file)
}

pub(super) fn open_input(path: &Path) -> Result<File, Error> {
    let file = OpenOptions::new().read(true).custom_flags(FLAGS).open(path);
    let file = file.map_err(|cause| Error::file(path, cause))?;
    make_blocking(&file, OFlag::empty(), path)?;
    Ok(file)
}

/// Opens an output as root for `user`, who gets a new file. `None` if the user is to open it: in a directory
/// that is not root's or that everybody may write to, and for what is not a regular file of root's or the user's. Users
/// who may write to the directory, as members of its group, may have placed a symbolic or hard link there.
pub(super) fn open_as_root(path: &Path, user: &Identity) -> Result<Option<File>, Error> {
    let directory = path.parent().unwrap_or(path).metadata();
    let is_roots = |it: &Metadata| it.uid() == 0 && it.mode() & 0o002 == 0;
    if !geteuid().is_root() || !directory.is_ok_and(|it| is_roots(&it)) {
        return Ok(None);
    }
    let failed = |cause: io::Error| Error::file(path, cause);
    let mut options = OpenOptions::new();
    options.append(true).custom_flags(FLAGS | libc::O_NOFOLLOW);
    match options.clone().create_new(true).mode(MODE).open(path) {
        Ok(file) => {
            user.own(&file).map_err(failed)?;
            make_blocking(&file, OFlag::O_APPEND, path)?;
            return Ok(Some(file));
        }
        Err(cause) if cause.kind() == ErrorKind::AlreadyExists => {}
        Err(cause) => return Err(failed(cause)),
    }
    // ELOOP: a symbolic link. ENXIO: a FIFO without a reader. The user's attempt gives the error, if there is one.
    let Ok(file) = options.open(path) else {
        return Ok(None);
    };
    let found = file.metadata().map_err(failed)?;
    let is_theirs = found.uid() == 0 || user.is_user(found.uid());
    if !found.is_file() || found.nlink() > 1 || !is_theirs {
        return Ok(None);
    }
    make_blocking(&file, OFlag::O_APPEND, path)?;
    Ok(Some(file))
}

/// Clears O_NONBLOCK.
fn make_blocking(file: &File, flags: OFlag, path: &Path) -> Result<(), Error> {
    let done = fcntl(file, FcntlArg::F_SETFL(flags));
    done.map(drop).map_err(|errno| Error::file(path, errno))
}
