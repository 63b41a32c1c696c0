//! Reads regular files up to a limit.
//!
//! A path from a user may lead to anything: a FIFO would block, a terminal would become the one of the program, and a device
//! or a sparse file would fill the memory.

use std::{
    fs::File,
    io::{self, Read},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

/// The bytes of a file.
///
/// # Errors
/// When it cannot be read; of the kind [`InvalidData`](io::ErrorKind::InvalidData) if it is no regular file, or has more than
/// `limit` bytes.
pub(super) fn read(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let invalid = |what: String| io::Error::new(io::ErrorKind::InvalidData, what);
    let mut options = File::options();
    options.read(true);
    options.custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY);
    let file = options.open(path)?;
    if !file.metadata()?.is_file() {
        return Err(invalid("it is no regular file".to_owned()));
    }
    let mut bytes = Vec::new();
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    match bytes.len() as u64 <= limit {
        true => Ok(bytes),
        false => Err(invalid(format!("it is larger than {limit} bytes"))),
    }
}
