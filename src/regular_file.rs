//! Regular files, opened with O_NONBLOCK and O_NOCTTY and read up to a limit.
//!
//! A path from a user may lead to anything: a read of a FIFO would block, a terminal would become the controlling
//! terminal of the service, and `/dev/zero` or a sparse file would fill the memory. Everything but a regular file is
//! an error. The files of procfs and sysfs are regular files, too.

use std::{
    fs::{self, File, Metadata},
    io::{self, Read},
    os::unix::fs::{FileTypeExt, OpenOptionsExt},
    path::Path,
};

use nix::libc;

/// The limit for a file of procfs, in bytes. A table of thousands of devices is smaller.
pub(crate) const LARGEST_TABLE: u64 = 16 << 20;

/// The limit for the entries of a directory of devices.
pub(crate) const MOST_ENTRIES: usize = 1 << 14;

/// Opens a regular file.
///
/// # Errors
/// When it cannot be opened; of the kind [`InvalidData`](io::ErrorKind::InvalidData) if it is not a regular file.
pub(crate) fn open(path: &Path) -> io::Result<(File, Metadata)> {
    let mut options = File::options();
    options.read(true);
    // The standard library adds O_CLOEXEC.
    options.custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY);
    let file = options.open(path).map_err(|cause| {
        // open(2) fails so for a socket, and a driver may for its attribute.
        let is_socket = cause.raw_os_error() == Some(libc::ENXIO)
            && fs::metadata(path).is_ok_and(|metadata| metadata.file_type().is_socket());
        if is_socket { wrong("a socket") } else { cause }
    })?;
    let metadata = check(&file)?;
    Ok((file, metadata))
}

/// Whether a path is absent and the kernel knows that without asking the file system, which may not answer. False also if
/// the kernel does not know: before Linux 5.12, for a file system on the network, or of a path that nobody has looked up.
#[cfg(feature = "service")]
pub(crate) fn is_known_absent(path: &Path) -> bool {
    use rustix::{
        fs::{CWD, Mode, OFlags, ResolveFlags, openat2},
        io::Errno,
    };

    let flags = OFlags::PATH | OFlags::CLOEXEC;
    let opened = openat2(CWD, path, flags, Mode::empty(), ResolveFlags::CACHED);
    opened.err() == Some(Errno::NOENT)
}

/// The metadata of an open file.
///
/// # Errors
/// Of the kind [`InvalidData`](io::ErrorKind::InvalidData) if it is not a regular file.
pub(crate) fn check(file: &File) -> io::Result<Metadata> {
    let metadata = file.metadata()?;
    match metadata.file_type() {
        kind if kind.is_file() => Ok(metadata),
        kind if kind.is_dir() => Err(wrong("a directory")),
        kind if kind.is_fifo() => Err(wrong("a FIFO")),
        kind if kind.is_char_device() || kind.is_block_device() => Err(wrong("a device")),
        _ => Err(wrong("something else")),
    }
}

/// The bytes of a regular file.
///
/// # Errors
/// When it cannot be read; of the kind [`InvalidData`](io::ErrorKind::InvalidData) if it is not a regular file, or
/// has more than `limit` bytes.
pub(crate) fn read(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let (file, metadata) = open(path)?;
    read_open(file, &metadata, limit)
}

/// The bytes of a file of at most [`LARGEST_TABLE`]: every file of the kernel.
///
/// # Errors
/// Those of [`read`].
pub(crate) fn table(path: &Path) -> io::Result<Vec<u8>> {
    read(path, LARGEST_TABLE)
}

/// The bytes of an open file.
///
/// # Errors
/// Those of [`read`].
pub(crate) fn read_open(file: File, metadata: &Metadata, limit: u64) -> io::Result<Vec<u8>> {
    check_size(metadata, limit)?;
    // The kernel's files have no size: without room the first reads would be of 32 bytes, 64 bytes and so on.
    let mut bytes = Vec::with_capacity(ROOM);
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    match bytes.len() as u64 <= limit {
        true => Ok(bytes),
        false => Err(too_large(limit)),
    }
}

/// The room for a file before its first read. Few of the kernel's files are longer.
const ROOM: usize = 4096;

/// Checks the size in the metadata. For the kernel's files that is zero or a page, so that a reader must count the
/// bytes as well.
///
/// # Errors
/// If the file is larger than the limit.
pub(crate) fn check_size(metadata: &Metadata, limit: u64) -> io::Result<()> {
    match metadata.len() <= limit {
        true => Ok(()),
        false => Err(too_large(limit)),
    }
}

/// The error for a file that is larger than the limit.
pub(crate) fn too_large(limit: u64) -> io::Error {
    let size = match limit >> 20 {
        0 => format!("{} KiB", limit >> 10),
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
        // An entry that fails has been removed since.
        entries.extend(entry);
    }
    Ok(entries)
}

#[cfg(all(test, feature = "service"))]
mod tests {
    use rustix::fs::statfs;

    use super::*;

    #[test]
    fn only_absent_paths_are_known_to_be_absent() {
        const TMPFS: i64 = 0x0102_1994;
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("file");
        fs::write(&file, "").unwrap();
        assert!(!is_known_absent(&file));
        assert!(!is_known_absent(directory.path()));
        let absent = directory.path().join("absent");
        assert!(fs::metadata(&absent).is_err());
        // The kernel remembers that, except for tmpfs, which it asks at no cost.
        let is_remembered = statfs(directory.path()).unwrap().f_type != TMPFS;
        assert_eq!(is_known_absent(&absent), is_remembered);
        assert_eq!(is_known_absent(&absent.join("below")), is_remembered);
    }
}
