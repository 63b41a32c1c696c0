//! One interface as sysfs shows it.

use std::{
    cell::OnceCell,
    fs,
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::PathBuf,
};

use super::{entries::Entries, sysfs_directory};
use crate::{
    regular_file,
    source::{Roots, device::Registration, parse},
};

/// An interface and its directory in `/sys/class/net` (Documentation/ABI/testing/sysfs-class-net). A file is read when its
/// value is first needed: a machine may have thousands of interfaces.
pub(super) struct Link {
    pub(super) name: Vec<u8>,
    /// `None` where sysfs has no directory of this name.
    pub(super) registration: Option<Registration>,
    /// `None` where sysfs does not show it.
    directory: Option<PathBuf>,
    entries: OnceCell<Entries>,
    hardware_type: OnceCell<Option<u64>>,
    event: OnceCell<String>,
    index: OnceCell<Option<u64>>,
    link_index: OnceCell<Option<u64>>,
}

impl Link {
    /// The interface of this name. Where sysfs shows another namespace, `is_shown` is false.
    pub(super) fn new(roots: &Roots, name: &[u8], is_shown: bool) -> Self {
        let directory = sysfs_directory(roots, name);
        let registration = Registration::of(&directory);
        Self {
            name: name.to_vec(),
            directory: (is_shown && registration.is_some()).then_some(directory),
            registration,
            entries: OnceCell::new(),
            hardware_type: OnceCell::new(),
            event: OnceCell::new(),
            index: OnceCell::new(),
            link_index: OnceCell::new(),
        }
    }

    /// The entries of its directory.
    pub(super) fn entries(&self) -> &Entries {
        self.entries.get_or_init(|| {
            let directory = self.directory.as_deref();
            directory.map_or_else(Entries::default, Entries::read)
        })
    }

    /// Whether sysfs shows it.
    pub(super) fn is_shown(&self) -> bool {
        self.directory.is_some()
    }

    /// Its name, its registration and its entries.
    pub(super) fn into_parts(self) -> (Vec<u8>, Option<Registration>, Entries) {
        self.entries();
        let entries = self.entries.into_inner().unwrap_or_default();
        (self.name, self.registration, entries)
    }

    /// Whether its directory has this [known](super::entries::KNOWN) entry.
    pub(super) fn has(&self, entry: &str) -> bool {
        self.entries().has(entry)
    }

    /// `type`: ARPHRD_* of `<linux/if_arp.h>`.
    pub(super) fn hardware_type(&self) -> Option<u64> {
        *self.hardware_type.get_or_init(|| self.number("type"))
    }

    /// DEVTYPE of `uevent`, which only some drivers set; otherwise empty.
    pub(super) fn device_type(&self) -> &str {
        self.event_value("DEVTYPE=").unwrap_or_default()
    }

    /// `ifindex`, which `uevent` has as well.
    pub(super) fn index(&self) -> Option<u64> {
        *self.index.get_or_init(|| {
            let index = self.event_value("IFINDEX=").map(str::as_bytes);
            index.map_or_else(|| self.number("ifindex"), parse::number)
        })
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
        self.entries().lowers()
    }

    /// The names of the interfaces above it in this namespace: `upper_NAME`.
    pub(super) fn uppers(&self) -> impl Iterator<Item = &[u8]> {
        self.entries().uppers()
    }

    /// The name of the bridge, bond, VRF or failover device that it is a port of: the link `master`.
    pub(super) fn master(&self) -> Option<Vec<u8>> {
        let path = self.directory.as_ref().filter(|_| self.has("master"))?;
        let path = path.join("master");
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

    fn event_value(&self, key: &str) -> Option<&str> {
        let event = || self.text("uevent").unwrap_or_default();
        let mut lines = self.event.get_or_init(event).lines();
        lines.find_map(|line| line.strip_prefix(key))
    }
}
