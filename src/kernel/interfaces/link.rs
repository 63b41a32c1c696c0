//! One interface as sysfs shows it.

use std::{
    cell::OnceCell,
    collections::BTreeSet,
    fs,
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::{Path, PathBuf},
};

use super::{is_present, sysfs_directory};
use crate::{
    regular_file,
    source::{Roots, parse},
};

/// An interface and its directory in `/sys/class/net` (Documentation/ABI/testing/sysfs-class-net). A file is read when its
/// value is first needed: a machine may have thousands of interfaces.
pub(super) struct Link<'a> {
    pub(super) name: &'a [u8],
    /// `None` where sysfs does not show it.
    directory: Option<PathBuf>,
    entries: OnceCell<BTreeSet<Vec<u8>>>,
    hardware_type: OnceCell<Option<u64>>,
    device_type: OnceCell<String>,
    index: OnceCell<Option<u64>>,
    link_index: OnceCell<Option<u64>>,
}

impl<'a> Link<'a> {
    /// The interface of this name. Where sysfs shows another namespace, `is_shown` is false.
    pub(super) fn new(roots: &Roots, name: &'a [u8], is_shown: bool) -> Self {
        let directory = sysfs_directory(roots, name);
        Self {
            name,
            directory: (is_shown && is_present(&directory)).then_some(directory),
            entries: OnceCell::new(),
            hardware_type: OnceCell::new(),
            device_type: OnceCell::new(),
            index: OnceCell::new(),
            link_index: OnceCell::new(),
        }
    }

    /// Whether its directory has this entry.
    pub(super) fn has(&self, entry: &str) -> bool {
        let directory = self.directory.as_ref();
        directory.is_some_and(|directory| is_present(&directory.join(entry)))
    }

    /// `type`: ARPHRD_* of `<linux/if_arp.h>`.
    pub(super) fn hardware_type(&self) -> Option<u64> {
        *self.hardware_type.get_or_init(|| self.number("type"))
    }

    /// DEVTYPE of `uevent`, which only some drivers set; otherwise empty.
    pub(super) fn device_type(&self) -> &str {
        self.device_type.get_or_init(|| {
            let text = self.text("uevent").unwrap_or_default();
            let mut lines = text.lines();
            let device_type = lines.find_map(|line| line.strip_prefix("DEVTYPE="));
            device_type.unwrap_or_default().to_owned()
        })
    }

    /// `ifindex`.
    pub(super) fn index(&self) -> Option<u64> {
        *self.index.get_or_init(|| self.number("ifindex"))
    }

    /// `iflink`: the index of the interface below, or of the other end of a pair, perhaps in another namespace; that of the
    /// interface itself if there is none, and 0 if that one has gone.
    pub(super) fn link_index(&self) -> Option<u64> {
        *self.link_index.get_or_init(|| self.number("iflink"))
    }

    /// Whether `flags` has IFF_NOARP of `<linux/if.h>`, as that of a dummy and an ifb has.
    pub(super) fn is_without_arp(&self) -> bool {
        const IFF_NOARP: u32 = 0x80;
        let text = self.text("flags").unwrap_or_default();
        let digits = text.trim_ascii().trim_start_matches("0x");
        u32::from_str_radix(digits, 16).is_ok_and(|flags| flags & IFF_NOARP != 0)
    }

    /// The names of the interfaces below it in this namespace: `lower_NAME`.
    pub(super) fn lowers(&self) -> impl Iterator<Item = &[u8]> {
        self.neighbours(b"lower_")
    }

    /// The names of the interfaces above it in this namespace: `upper_NAME`.
    pub(super) fn uppers(&self) -> impl Iterator<Item = &[u8]> {
        self.neighbours(b"upper_")
    }

    /// The name of the bridge, bond, VRF or failover device that it is a port of: the link `master`.
    pub(super) fn master(&self) -> Option<Vec<u8>> {
        let path = self.directory.as_ref()?.join("master");
        let target = match fs::read_link(&path) {
            Ok(target) => target.into_os_string().into_vec(),
            // A copy of a tree may have a file in place of the link.
            Err(_) => self.text("master")?.into_bytes(),
        };
        let name = target.trim_ascii().rsplit(|byte| *byte == b'/').next();
        name.map(<[u8]>::to_vec)
    }

    /// The text of an attribute.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        let text = regular_file::read(&self.directory.as_ref()?.join(name), 4096).ok()?;
        String::from_utf8(text).ok()
    }

    /// The subsystem of its device: `pci`, `usb`, `xen-backend`.
    pub(super) fn device_subsystem(&self) -> Option<Vec<u8>> {
        let path = self.directory.as_ref()?.join("device/subsystem");
        let target = fs::read_link(path).ok()?;
        Some(target.file_name()?.as_bytes().to_vec())
    }

    fn number(&self, name: &str) -> Option<u64> {
        parse::number(self.text(name)?.trim_ascii().as_bytes())
    }

    fn neighbours(&self, prefix: &'static [u8]) -> impl Iterator<Item = &[u8]> {
        let entries = self.entries.get_or_init(|| {
            let directory = self.directory.as_deref().map(entries_of);
            directory.unwrap_or_default()
        });
        entries
            .iter()
            .filter_map(move |entry| entry.strip_prefix(prefix))
    }
}

fn entries_of(directory: &Path) -> BTreeSet<Vec<u8>> {
    let entries = regular_file::entries(directory).into_iter().flatten();
    let names = entries.map(|entry| entry.file_name().into_vec());
    names.collect()
}
