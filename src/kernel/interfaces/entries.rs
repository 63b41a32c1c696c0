//! The entries of the directory of an interface in sysfs.

use std::{io, os::unix::ffi::OsStrExt, path::Path};

use crate::regular_file;

/// The entries that tell something by their presence.
pub(super) const KNOWN: [&str; 12] = [
    "device",
    "bridge",
    "bonding",
    "brport",
    "tun_flags",
    "dsa",
    "master",
    "wireless",
    "phy80211",
    "operstate",
    "speed",
    "ifalias",
];

/// The entries of the directory of an interface. One reading of the directory costs less than a look for each.
#[derive(Debug, Default)]
pub(in crate::kernel) struct Entries {
    /// The [`KNOWN`] ones that are there.
    known: Vec<&'static str>,
    /// Whether the directory is there and cannot be read.
    is_unreadable: bool,
    lowers: Vec<Vec<u8>>,
    uppers: Vec<Vec<u8>>,
}

impl Entries {
    pub(super) fn read(directory: &Path) -> Self {
        let mut entries = Self::default();
        let read = match regular_file::entries(directory) {
            Ok(read) => read,
            Err(cause) => {
                entries.is_unreadable = cause.kind() != io::ErrorKind::NotFound;
                return entries;
            }
        };
        for entry in read {
            let name = entry.file_name();
            let bytes = name.as_bytes();
            if let Some(known) = KNOWN.iter().find(|known| known.as_bytes() == bytes) {
                entries.known.push(known);
            } else if let Some(lower) = bytes.strip_prefix(b"lower_") {
                entries.lowers.push(lower.to_vec());
            } else if let Some(upper) = bytes.strip_prefix(b"upper_") {
                entries.uppers.push(upper.to_vec());
            }
        }
        entries
    }

    /// Whether this [known](KNOWN) entry is there.
    pub(in crate::kernel) fn has(&self, entry: &str) -> bool {
        debug_assert!(KNOWN.contains(&entry), "{entry}");
        self.known.contains(&entry)
    }

    /// Whether it is there, or that cannot be told.
    pub(in crate::kernel) fn may_have(&self, entry: &str) -> bool {
        self.has(entry) || self.is_unreadable
    }

    /// The names of the interfaces below this one in its namespace.
    pub(super) fn lowers(&self) -> impl Iterator<Item = &[u8]> {
        self.lowers.iter().map(Vec::as_slice)
    }

    /// The names of the interfaces above this one in its namespace.
    pub(super) fn uppers(&self) -> impl Iterator<Item = &[u8]> {
        self.uppers.iter().map(Vec::as_slice)
    }
}
