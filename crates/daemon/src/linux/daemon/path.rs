//! The paths in the settings.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::unistd::geteuid;

use crate::linux::error::Error;

pub(super) fn absolute(path: &Path) -> Result<PathBuf, Error> {
    if path.as_os_str().is_empty() {
        return Err(Error::EmptyPath);
    }
    std::path::absolute(path).map_err(|cause| match cause.kind() {
        io::ErrorKind::NotFound => Error::NoCurrentDirectory {
            path: path.to_path_buf(),
        },
        _ => Error::file(path, cause),
    })
}

/// XDG_RUNTIME_DIR if it is a directory of this user; else `/run` or `/run/user/<uid>` if that is one.
pub(super) fn runtime_directory() -> Option<PathBuf> {
    let user = geteuid();
    let default = match user.is_root() {
        true => PathBuf::from("/run"),
        false => PathBuf::from(format!("/run/user/{user}")),
    };
    let from_environment = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    from_environment.into_iter().chain([default]).find(|path| {
        let is_own = path
            .metadata()
            .is_ok_and(|it| it.is_dir() && it.uid() == user.as_raw());
        path.is_absolute() && is_own
    })
}
