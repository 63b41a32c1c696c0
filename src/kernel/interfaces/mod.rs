//! The network interfaces: `/proc/net/dev` and `/sys/class/net`.

mod entries;
mod link;
mod names;
mod namespace;
mod role;
mod routes;
mod serial;
mod shared;
mod survey;
mod uplinks;

use std::{collections::HashSet, ffi::OsStr, os::unix::ffi::OsStrExt, path::PathBuf};

use crate::{
    metric::{Group, Object},
    regular_file,
    source::{Error, Roots, device::Registration, parse},
};

use entries::Entries;

pub(super) use shared::Interfaces;

/// A network interface, as it was found.
#[derive(Debug)]
pub(super) struct Interface {
    pub(super) name: Vec<u8>,
    /// `None` where sysfs has no directory of this name.
    pub(super) registration: Option<Registration>,
    /// Whether sysfs shows it: not where sysfs shows another namespace.
    pub(super) is_shown: bool,
    /// Whether it is a part of `network/all`.
    pub(super) is_uplink: bool,
    /// Whether it has no hardware and is no uplink.
    pub(super) is_virtual: bool,
    entries: Entries,
}

impl Interface {
    /// The object of its metrics.
    pub(super) fn object(&self) -> Object {
        Object {
            is_virtual: self.is_virtual,
            ..object(&self.name)
        }
    }

    /// Its identity.
    pub(super) fn key(&self) -> InterfaceKey {
        InterfaceKey {
            name: self.name.clone(),
            registration: self.registration,
        }
    }

    /// The entries of its directory in sysfs.
    pub(super) fn entries(&self) -> &Entries {
        &self.entries
    }
}

/// The object of the metrics of the interface with this name: an uplink, or one with hardware.
pub(super) fn object(name: &[u8]) -> Object {
    Object::new(&String::from_utf8_lossy(name), Group::Network)
}

/// A file of `/proc/net`. With the mount option `subset=pid`, there is no `/proc/net` (proc(5)), and the same files are in
/// `/proc/self/net`.
pub(super) fn table_path(roots: &Roots, file: &str) -> PathBuf {
    let of_process = roots.proc.join("self/net");
    match roots.proc.join("net") {
        table if !table.exists() && of_process.exists() => of_process.join(file),
        table => table.join(file),
    }
}

/// The names of the interfaces that are present now, from `/proc/net/dev`, or from `/sys/class/net` if that cannot be read.
///
/// # Errors
/// If neither can be read.
pub(super) fn list_names(roots: &Roots) -> Result<Vec<Vec<u8>>, Error> {
    let path = table_path(roots, "dev");
    match regular_file::table(&path) {
        Ok(text) => Ok(parse_names(&text)),
        Err(cause) => match sysfs_names(roots) {
            names if names.is_empty() => Err(Error::io(&path, cause)),
            names => Ok(names),
        },
    }
}

/// The names of the interfaces in sysfs. The file `bonding_masters` is none.
fn sysfs_names(roots: &Roots) -> Vec<Vec<u8>> {
    let entries = regular_file::entries(&roots.sys.join("class/net"));
    let entries = entries.into_iter().flatten();
    let directories = entries.filter(|entry| {
        entry
            .file_type()
            .is_ok_and(|kind| kind.is_symlink() || kind.is_dir())
    });
    directories
        .map(|entry| entry.file_name().as_bytes().to_vec())
        .collect()
}

/// The names of the interfaces in a text of `/proc/net/dev`.
fn parse_names(text: &[u8]) -> Vec<Vec<u8>> {
    let mut known = HashSet::new();
    let names = parse::lines(text).filter_map(|line| Some(split_line(line)?.0));
    // The kernel writes one line for each interface. A second line of a name is skipped.
    let names = names.filter(|name| known.insert(*name)).map(<[u8]>::to_vec);
    names.collect()
}

/// The name in a line, and the rest. A name may have any byte but a slash, a colon and white space (`dev_valid_name` in
/// net/core/dev.c), and the header lines have no colon.
pub(super) fn split_line(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let (name, rest) = parse::split(line, b':')?;
    let name = name.trim_ascii_start();
    (!name.is_empty()).then_some((name, rest))
}

/// The directory of an interface in sysfs.
pub(super) fn sysfs_directory(roots: &Roots, name: &[u8]) -> PathBuf {
    roots.sys.join("class/net").join(OsStr::from_bytes(name))
}

/// An interface that was registered once: another one may have its name later.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct InterfaceKey {
    pub(super) name: Vec<u8>,
    /// `None` where sysfs does not show it. Then the name alone identifies it.
    pub(super) registration: Option<Registration>,
}

impl InterfaceKey {
    /// The interface that has this name now.
    pub(super) fn of(roots: &Roots, name: &[u8]) -> Self {
        Self {
            name: name.to_vec(),
            registration: Registration::of(&sysfs_directory(roots, name)),
        }
    }
}

#[cfg(test)]
mod tests;
