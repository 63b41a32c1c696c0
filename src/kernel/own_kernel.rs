//! Facts that the running kernel tells by system calls, where its `/proc` hides a file: mounted with `subset=pid` (proc(5),
//! `ProcSubset=` of systemd.exec(5)), or denied to all programs as on Android.

use std::{io, path::Path};

use crate::source::Error;

/// Whether these are the files of this kernel, not those of another machine or of a container.
pub(super) fn is_own(proc: &Path) -> bool {
    proc == Path::new("/proc")
}

/// Whether a file is hidden: a system call may tell what is in it.
pub(super) fn is_hidden(error: &Error) -> bool {
    let kind = match error {
        Error::Io { cause, .. } => cause.kind(),
        _ => return false,
    };
    matches!(
        kind,
        io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied
    )
}
