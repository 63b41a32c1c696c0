//! The names of file systems: the links that udev makes in `/dev/disk`.

use super::Mount;
use crate::{
    kernel::block::{Device, mount_source::MountSources},
    regular_file,
    source::Roots,
};

/// The links of udev to the devices of file systems.
pub(super) struct Links<'a> {
    sources: MountSources<'a>,
    /// The UUIDs, and the kernel's names of the devices.
    uuids: Vec<(String, String)>,
    labels: Vec<(String, String)>,
}

impl<'a> Links<'a> {
    pub(super) fn read(roots: &'a Roots, devices: &'a [Device]) -> Self {
        let sources = MountSources::new(roots, devices);
        Self {
            uuids: links(roots, &sources, "by-uuid"),
            labels: links(roots, &sources, "by-label"),
            sources,
        }
    }

    /// The UUID of a file system on these devices. The links name one device of those of a file system that spans
    /// several.
    pub(super) fn uuid(&self, mount: &Mount, devices: &[String]) -> Option<String> {
        let in_source = || named_by(&mount.mount_source, "/dev/disk/by-uuid/");
        link_to(&self.uuids, devices).or_else(in_source)
    }

    pub(super) fn label(&self, mount: &Mount, devices: &[String]) -> Option<String> {
        let in_source = || named_by(&mount.mount_source, "/dev/disk/by-label/");
        link_to(&self.labels, devices).or_else(in_source)
    }

    /// The kernel's names of the devices of a file system: those that were mounted, and the others that it has.
    pub(super) fn devices(&self, mount: &Mount) -> Vec<String> {
        let (major, minor) = mount.device;
        let numbered = match major {
            0 => Vec::new(),
            _ => self.sources.resolve(&format!("/dev/block/{major}:{minor}")),
        };
        let mut names = match numbered.is_empty() {
            true => self.sources.resolve(&mount.mount_source),
            false => numbered,
        };
        if mount.has_subvolumes()
            && let Some(first) = names.first()
        {
            let others = self.sources.members(first);
            let others = others.into_iter().filter(|other| !names.contains(other));
            names.extend(others.collect::<Vec<_>>());
        }
        names
    }
}

/// The name of a link to one of these devices.
fn link_to(links: &[(String, String)], devices: &[String]) -> Option<String> {
    let link = links.iter().find(|(_, target)| devices.contains(target));
    link.map(|(name, _)| name.clone())
}

/// The name in a mount source that is a path of udev, where no link can be read.
fn named_by(source: &str, directory: &str) -> Option<String> {
    let name = source.strip_prefix(directory)?;
    (!name.is_empty() && !name.contains('/')).then(|| unescape_udev(name))
}

/// The names of the links in a directory of udev, and the devices that they point to.
fn links(roots: &Roots, sources: &MountSources<'_>, directory: &str) -> Vec<(String, String)> {
    let entries = regular_file::entries(&roots.root.join("dev/disk").join(directory));
    let names = entries.into_iter().flatten();
    let names = names.filter_map(|entry| entry.file_name().into_string().ok());
    names
        .filter_map(|name| {
            let path = format!("/dev/disk/{directory}/{name}");
            let device = sources.resolve(&path).into_iter().next()?;
            Some((unescape_udev(&name), device))
        })
        .collect()
}

/// Udev writes special characters of a label as `\x20`.
fn unescape_udev(name: &str) -> String {
    let mut parts = name.split("\\x");
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        match part
            .get(..2)
            .and_then(|hex| u8::from_str_radix(hex, 16).ok())
        {
            Some(byte) => {
                bytes.push(byte);
                bytes.extend(&part.as_bytes()[2..]);
            }
            None => bytes.extend(format!("\\x{part}").bytes()),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
