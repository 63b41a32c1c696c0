//! Regular files, read with care: a path that somebody gives may lead to anything.
//!
//! A FIFO would be waited for, a terminal would become that of the service, and `/dev/zero` or a sparse
//! file would fill the memory. So a file is opened without waiting, it is regular or an error, and it
//! is read up to a limit. The files of procfs and sysfs are regular files, too.

use std::{
    fs::{self, File, Metadata},
    io::{self, Read},
    os::unix::fs::{FileTypeExt, OpenOptionsExt},
    path::Path,
};

use nix::libc;

/// The largest file of the kernel, in bytes: no table of a machine with thousands of devices has as much.
pub(crate) const LARGEST_TABLE: u64 = 16 << 20;

/// The most entries that are looked at in a directory of devices.
pub(crate) const MOST_ENTRIES: usize = 1 << 14;

/// Opens a regular file.
///
/// # Errors
/// When it cannot be opened; of the kind [`InvalidData`](io::ErrorKind::InvalidData) if it is something
/// else.
pub(crate) fn open(path: &Path) -> io::Result<(File, Metadata)> {
    let mut options = File::options();
    options.read(true);
    // The standard library adds O_CLOEXEC.
    options.custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY);
    let file = options.open(path).map_err(|cause| {
        // What open(2) says of a socket, and a driver of its attribute.
        let is_socket = cause.raw_os_error() == Some(libc::ENXIO)
            && fs::metadata(path).is_ok_and(|about| about.file_type().is_socket());
        if is_socket { wrong("a socket") } else { cause }
    })?;
    let about = check(&file)?;
    Ok((file, about))
}

/// What the kernel says about an open file.
///
/// # Errors
/// Of the kind [`InvalidData`](io::ErrorKind::InvalidData) if it is no regular file.
pub(crate) fn check(file: &File) -> io::Result<Metadata> {
    let about = file.metadata()?;
    match about.file_type() {
        kind if kind.is_file() => Ok(about),
        kind if kind.is_dir() => Err(wrong("a directory")),
        kind if kind.is_fifo() => Err(wrong("a FIFO")),
        kind if kind.is_char_device() || kind.is_block_device() => Err(wrong("a device")),
        _ => Err(wrong("something else")),
    }
}

/// The bytes of a regular file of at most so many.
///
/// # Errors
/// When it cannot be read; of the kind [`InvalidData`](io::ErrorKind::InvalidData) if it is something else,
/// or larger.
pub(crate) fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let (file, about) = open(path)?;
    rest(file, &about, most)
}

/// The bytes of a file of the kernel, or of another of the same size at most.
///
/// # Errors
/// Those of [`read`].
pub(crate) fn table(path: &Path) -> io::Result<Vec<u8>> {
    read(path, LARGEST_TABLE)
}

/// The bytes of an open file of at most so many.
///
/// # Errors
/// Those of [`read`].
pub(crate) fn rest(file: File, about: &Metadata, most: u64) -> io::Result<Vec<u8>> {
    check_size(about, most)?;
    let mut bytes = Vec::new();
    file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    match bytes.len() as u64 <= most {
        true => Ok(bytes),
        false => Err(too_large(most)),
    }
}

/// Whether a file says itself that it is larger: the kernel's files say that they are empty, or a page.
///
/// # Errors
/// If it is.
pub(crate) fn check_size(about: &Metadata, most: u64) -> io::Result<()> {
    match about.len() <= most {
        true => Ok(()),
        false => Err(too_large(most)),
    }
}

/// Why a file is not read that is larger than this.
pub(crate) fn too_large(most: u64) -> io::Error {
    let size = match most >> 20 {
        0 => format!("{} KiB", most >> 10),
        mebibytes => format!("{mebibytes} MiB"),
    };
    invalid(format!("it is larger than {size}"))
}

fn wrong(what: &str) -> io::Error {
    invalid(format!("it is {what}, and a regular file is expected"))
}

fn invalid(what: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// The entries of a directory of devices.
///
/// # Errors
/// When it cannot be read; of the kind [`InvalidData`](io::ErrorKind::InvalidData) if it has more than
/// [`MOST_ENTRIES`].
pub(crate) fn entries(path: &Path) -> io::Result<Vec<fs::DirEntry>> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(path)? {
        if entries.len() >= MOST_ENTRIES {
            return Err(invalid(format!("it has more than {MOST_ENTRIES} entries")));
        }
        // What has gone since is not there.
        entries.extend(entry);
    }
    Ok(entries)
}
