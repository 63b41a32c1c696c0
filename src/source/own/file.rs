//! A file that the user has named, read whole.

use std::{
    io::Read,
    os::unix::fs::FileTypeExt,
    path::{Path, PathBuf},
    time::SystemTime,
};

use glob::MatchOptions;
use nix::{errno::Errno, libc};

use crate::source::Error;

use super::{definition, directory::open};

/// What a file says.
pub(super) struct Text {
    pub(super) bytes: Vec<u8>,
    /// When it was written last.
    pub(super) modified: Option<SystemTime>,
}

/// No sensor says more, in bytes.
const LARGEST: usize = 64 * 1024;

/// Reads the file that a path means now.
///
/// It is opened each time: a program that writes a file often writes another, and gives it the name of
/// the first. So what is read is one of them, and whole.
pub(super) fn read(path: &definition::Path) -> Result<Text, Error> {
    let path = the_one(path)?;
    let failed = |cause| Error::io(&path, cause);
    let file = open(&path).map_err(|cause| match cause.raw_os_error() {
        // What open(2) says of a socket.
        Some(libc::ENXIO) => Error::malformed(&path, "it is no regular file"),
        _ => failed(cause),
    })?;
    let about = file.metadata().map_err(failed)?;
    let kind = about.file_type();
    if !kind.is_file() {
        let what = match kind {
            kind if kind.is_dir() => "a directory",
            kind if kind.is_fifo() => "a FIFO",
            kind if kind.is_char_device() || kind.is_block_device() => "a device",
            _ => "something else",
        };
        let what = format!("it is {what}, and a regular file is expected");
        return Err(Error::malformed(&path, what));
    }
    let mut bytes = Vec::new();
    let most = LARGEST as u64 + 1;
    file.take(most).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() > LARGEST {
        return Err(Error::malformed(&path, "it is larger than 64 KiB"));
    }
    Ok(Text {
        bytes,
        modified: about.modified().ok(),
    })
}

/// The one file that a path with `*` in it means.
fn the_one(path: &definition::Path) -> Result<PathBuf, Error> {
    let definition::Path(pattern) = path;
    if !pattern.contains('*') {
        return Ok(pattern.into());
    }
    let options = MatchOptions {
        case_sensitive: true,
        require_literal_separator: true,
        require_literal_leading_dot: true,
    };
    let asked = Path::new(pattern);
    let found = glob::glob_with(pattern, options)
        .map_err(|error| Error::malformed(asked, error.to_string()))?;
    let mut denied = None;
    let mut paths = Vec::new();
    for path in found {
        match path {
            Ok(path) => paths.push(path),
            Err(error) => denied = denied.or(Some(error)),
        }
    }
    match (&paths[..], denied) {
        ([_], _) => Ok(paths.remove(0)),
        ([], Some(error)) => {
            let path = error.path().to_owned();
            Err(Error::io(&path, error.into()))
        }
        ([], None) => Err(Error::io(asked, Errno::ENOENT.into())),
        (several, _) => {
            // More of them say nothing more.
            let shown = several
                .iter()
                .take(4)
                .map(|path| path.display().to_string());
            let shown = shown.collect::<Vec<_>>().join(", ");
            let what = format!(
                "{} files have this form ({shown}), and one is meant",
                several.len()
            );
            Err(Error::malformed(asked, what))
        }
    }
}
