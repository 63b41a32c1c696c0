//! The installed files: whether a file is ours, and its replacement.

use std::{
    fs,
    io::{self, ErrorKind, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use crate::regular_file;

use super::{
    documents,
    error::{Error, at},
};

/// The first line of the files that `install` writes.
pub(super) const MARK: &str = "# Written by `sampled install`";
/// The end of that line if the program was installed with the files, and is to be removed with them.
pub(super) const WITH_PROGRAM: &str = ", with the program";
pub(super) fn is_there(path: &Path) -> Result<bool, Error> {
    match fs::symlink_metadata(path) {
        Ok(_) => Ok(true),
        Err(cause) if is_absent(&cause) => Ok(false),
        Err(cause) => Err(at(path)(cause)),
    }
}

fn is_absent(cause: &io::Error) -> bool {
    matches!(cause.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

/// Whether both paths refer to one file.
pub(super) fn is_same(one: &Path, other: &Path) -> Result<bool, Error> {
    let identity = |path: &Path| match fs::metadata(path) {
        Ok(metadata) => Ok(Some((metadata.dev(), metadata.ino()))),
        Err(cause) if is_absent(&cause) => Ok(None),
        Err(cause) => Err(at(path)(cause)),
    };
    Ok(identity(one)?.is_some_and(|one| identity(other).is_ok_and(|other| other == Some(one))))
}

/// Whether `install` has written a file: it begins with the mark, or is an ELF file that contains the mark, as this
/// program does.
pub(super) fn is_ours(path: &Path) -> Result<bool, Error> {
    let Some(text) = read(path)? else {
        return Ok(false);
    };
    if text.starts_with(b"\x7fELF") {
        let mark = MARK.as_bytes();
        return Ok(text.windows(mark.len()).any(|window| window == mark));
    }
    let mut begins = documents::BEGINS.into_iter().chain([MARK]);
    Ok(begins.any(|begin| text.starts_with(begin.as_bytes())))
}

/// The first line of an activation file that `install` has written: it names the programs that were installed with it.
pub(super) fn mark_of(activation: &Path) -> Result<String, Error> {
    let text = read(activation)?.unwrap_or_default();
    let line = text.split(|&byte| byte == b'\n').next();
    let line = String::from_utf8_lossy(line.unwrap_or_default()).into_owned();
    Ok(line).map(|line| match line.starts_with(MARK) {
        true => line,
        false => String::new(),
    })
}

/// The content of a file. `None` if it is absent or not a regular file, such as a FIFO or a directory.
fn read(path: &Path) -> Result<Option<Vec<u8>>, Error> {
    /// More than the size of the program, in bytes.
    const SIZE_LIMIT: u64 = 256 << 20;
    match regular_file::read(path, SIZE_LIMIT) {
        Ok(text) => Ok(Some(text)),
        Err(cause) if is_absent(&cause) || cause.kind() == ErrorKind::InvalidData => Ok(None),
        Err(cause) => Err(at(path)(cause)),
    }
}

/// Replaces a file atomically: opening it yields the old or the new file, complete. A running program keeps the old
/// file.
pub(super) fn replace(path: &Path, text: &[u8], mode: u32) -> Result<(), Error> {
    let dir = path.parent().unwrap_or(Path::new("/"));
    fs::create_dir_all(dir).map_err(at(dir))?;
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}", std::process::id()));
    let temporary = PathBuf::from(name);
    let write = || {
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(&temporary)?;
        // Regardless of the umask: other users run the program too.
        file.set_permissions(PermissionsExt::from_mode(mode))?;
        file.write_all(text)?;
        file.sync_all()?;
        // An executable that is open for writing cannot be executed (ETXTBSY).
        drop(file);
        fs::rename(&temporary, path)
    };
    write().map_err(|cause| {
        fs::remove_file(&temporary).ok();
        at(path)(cause)
    })
}
