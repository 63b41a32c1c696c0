//! Open files, and their number in the process.

use std::{
    fs, io,
    path::Path,
    sync::{
        OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
};

use nix::sys::resource::{Resource, getrlimit};

use crate::regular_file;

/// An open file, counted in [`OPEN`].
pub(super) struct Open(pub(super) fs::File);

/// The number of open files.
static OPEN: AtomicUsize = AtomicUsize::new(0);

impl Open {
    pub(super) fn new(path: &Path, limit: u64) -> io::Result<Self> {
        let (file, metadata) = regular_file::open(path)?;
        regular_file::check_size(&metadata, limit)?;
        OPEN.fetch_add(1, Ordering::Relaxed);
        Ok(Self(file))
    }

    /// Whether more than half of the file descriptors of the process are in use here. The other half is for
    /// connections, directories and everything else.
    pub(super) fn is_over_limit() -> bool {
        static LIMIT: OnceLock<usize> = OnceLock::new();
        let limit = LIMIT.get_or_init(|| {
            let limit = getrlimit(Resource::RLIMIT_NOFILE);
            limit.map_or(0, |(limit, _)| {
                usize::try_from(limit / 2).unwrap_or(usize::MAX)
            })
        });
        OPEN.load(Ordering::Relaxed) > *limit
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        OPEN.fetch_sub(1, Ordering::Relaxed);
    }
}
