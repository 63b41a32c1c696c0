//! The pidfile as seen by everybody but its holder.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::time::SystemTime;

use nix::libc;

use super::Error;
use super::lock::{self, Seen, Stage};

/// What is at the path.
#[derive(Debug)]
pub(super) enum Look {
    Absent,
    /// A file that nobody holds. `empty` is what a daemon leaves that has ended in order but has no right to
    /// remove the file any more.
    Free {
        empty: bool,
    },
    /// Somebody has taken it and not got so far as to write its number.
    Taken,
    Held(Holder),
}

/// The daemon that has the pidfile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Holder {
    pub(super) pid: i32,
    pub(super) ready: bool,
    /// When it wrote its number.
    pub(super) since: SystemTime,
    /// The user the file belongs to.
    pub(super) owner: u32,
}

pub(super) fn look(path: &Path) -> Result<Look, Error> {
    let failed = |cause| Error::file(path, cause);
    loop {
        let mut file = match open(path) {
            Ok(file) => file,
            Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(Look::Absent),
            Err(cause) => return Err(failed(cause)),
        };
        regular(&file, path)?;
        let before = lock::probe(&file).map_err(|errno| failed(errno.into()))?;
        let mut text = String::new();
        // Garbage need not be UTF-8, nor short.
        let read = file.by_ref().take(64).read_to_string(&mut text);
        if let Err(cause) = read
            && cause.kind() != ErrorKind::InvalidData
        {
            return Err(failed(cause));
        }
        let file_was = file.metadata().map_err(failed)?;
        // A daemon that has just come or gone makes what was read a mixture of two states: once more.
        let after = lock::probe(&file).map_err(|errno| failed(errno.into()))?;
        if before != after || !is_at(&file, path)? {
            continue;
        }
        return match after {
            Seen::Free => Ok(Look::Free {
                empty: file_was.len() == 0,
            }),
            Seen::Foreign => Err(Error::Locked {
                path: path.to_path_buf(),
            }),
            Seen::Held(Stage::Taken) => Ok(Look::Taken),
            Seen::Held(stage) => Ok(Look::Held(Holder {
                pid: parse(&text).ok_or_else(|| Error::NoPid {
                    path: path.to_path_buf(),
                })?,
                ready: stage == Stage::Ready,
                since: file_was.modified().map_err(failed)?,
                owner: file_was.uid(),
            })),
        };
    }
}

/// O_NONBLOCK so that a fifo of that name does not hold us up.
fn open(path: &Path) -> std::io::Result<File> {
    OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NOFOLLOW | libc::O_NOCTTY | libc::O_NONBLOCK)
        .open(path)
}

/// Refuses what cannot be a pidfile.
pub(super) fn regular(file: &File, path: &Path) -> Result<(), Error> {
    let kind = file.metadata().map_err(|cause| Error::file(path, cause))?;
    match kind.is_file() {
        true => Ok(()),
        false => Err(Error::NotRegular {
            path: path.to_path_buf(),
        }),
    }
}

/// Whether the file that is open is still the one at the path.
pub(super) fn is_at(file: &File, path: &Path) -> Result<bool, Error> {
    let identity = |file: Metadata| (file.dev(), file.ino());
    let ours = file.metadata().map_err(|cause| Error::file(path, cause))?;
    match path.symlink_metadata() {
        Ok(theirs) => Ok(identity(ours) == identity(theirs)),
        Err(cause) if cause.kind() == ErrorKind::NotFound => Ok(false),
        Err(cause) => Err(Error::file(path, cause)),
    }
}

/// A process id that a daemon can have. Not 1, the parent of all, nor what kill(2) takes for a group.
fn parse(text: &str) -> Option<i32> {
    text.strip_suffix('\n')?.parse().ok().filter(|&pid| pid > 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_daemons_number_is_a_number() {
        let check = |text, expected| assert_eq!(parse(text), expected, "{text:?}");
        check("1234\n", Some(1234));
        check("", None);
        check("1234", None);
        check("-1\n", None);
        check("0\n", None);
        check("1\n", None);
        check("99999999999\n", None);
        check("12 34\n", None);
        check("abc\n", None);
    }
}
