//! The devices that are GPUs, as sysfs lists them.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use super::drm_files::{Display, DrmNodes};
use crate::{
    regular_file,
    source::{
        Error, Roots,
        device::{Registration, fact},
        runtime_pm::NVIDIA,
    },
};

/// A GPU that is present: a device with a render node, or with NVIDIA's driver. A device without a render node draws
/// nothing by itself: a display controller, a USB adapter, the console of a server.
pub(super) struct ListedGpu {
    /// The directory of the device of its nodes under `/sys/devices`.
    pub(super) path: PathBuf,
    /// The name of the driver on the bus: `amdgpu`, `msm_dpu`.
    pub(super) driver: String,
    /// The names of its nodes in `/dev/dri`: `card0`, `renderD128`.
    pub(super) nodes: Vec<String>,
    /// The directory of the device on its bus: that of a virtio device is the PCI device above it.
    pub(super) hardware: PathBuf,
}

/// The hardware behind a number. Two GPUs of one model that tell no serial number are taken for the same at one address.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Identity {
    /// The numbers of the vendor, the device and the card, and the serial number if the driver tells it.
    Pci([Option<String>; 5]),
    /// A part of a chip: its place.
    Part(PathBuf),
}

/// The registrations of the device, and of its node with the DRM core, which a driver makes anew when it is bound again.
pub(super) type GpuRegistration = [Option<Registration>; 2];

/// The GPUs that are present. PCI devices come first, in the order of their addresses.
pub(super) fn list(roots: &Roots) -> Result<Vec<ListedGpu>, Error> {
    let mut gpus: Vec<_> = devices(roots)?.into_iter().filter_map(listed).collect();
    gpus.sort_by_key(|gpu| {
        let name = gpu.hardware.file_name().unwrap_or_default();
        let name = name.to_string_lossy();
        // A PCI domain may have more than four digits.
        (!is_on_pci(&name), name.len(), name.into_owned())
    });
    Ok(gpus)
}

fn listed(path: PathBuf) -> Option<ListedGpu> {
    let driver = link_name(&path.join("driver"))?;
    let mut nodes = names(&path.join("drm")).unwrap_or_default();
    nodes.sort();
    // NVIDIA's own driver does not always create a DRM device.
    let renders = nodes.iter().any(|node| node.starts_with("renderD")) || driver == NVIDIA;
    // The faux bus has devices without hardware: vgem.
    let is_faux = link_name(&path.join("subsystem")).is_some_and(|bus| bus == "faux");
    (renders && !is_faux).then(|| ListedGpu {
        hardware: hardware_of(&path),
        path,
        driver,
        nodes,
    })
}

impl ListedGpu {
    pub(super) fn identity(&self) -> Identity {
        let id = |file| fact(self.hardware.join(file));
        match id("vendor") {
            None => Identity::Part(self.path.clone()),
            vendor => Identity::Pci([
                vendor,
                id("device"),
                id("subsystem_vendor"),
                id("subsystem_device"),
                // amdgpu: <https://docs.kernel.org/gpu/amdgpu/driver-misc.html>
                fact(self.path.join("unique_id")),
            ]),
        }
    }

    pub(super) fn registration(&self) -> GpuRegistration {
        let node = self.nodes.first();
        let node = node.map(|node| self.path.join("drm").join(node));
        [
            Registration::of(&self.path),
            node.and_then(|node| Registration::of(&node)),
        ]
    }

    /// The nodes to look for among the open files of processes.
    pub(super) fn drm_nodes(&self, roots: &Roots) -> DrmNodes {
        let is_card = |node: &&String| is_card(node);
        let own = self.nodes.iter().find(is_card).map(|card| Display {
            card: card.clone(),
            device: self.path.clone(),
        });
        DrmNodes {
            names: self.nodes.clone(),
            displays: own.into_iter().chain(self.controllers(roots)).collect(),
        }
    }

    /// The display controllers of a chip whose GPU has none.
    fn controllers(&self, roots: &Roots) -> Vec<Display> {
        if on_pci(&self.path) {
            return Vec::new();
        }
        let class = roots.sys.join("class/drm");
        let cards = names(&class).unwrap_or_default().into_iter();
        let displays = cards.filter(|card| is_card(card)).filter_map(|card| {
            let device = device_of(&class.join(&card))?;
            let nodes = names(&device.join("drm")).unwrap_or_default();
            let renders = nodes.iter().any(|node| node.starts_with("renderD"));
            (!renders && !on_pci(&device)).then_some(Display { card, device })
        });
        displays.collect()
    }

    /// The physical function of a virtual function (SR-IOV).
    pub(super) fn physical_function(&self) -> Option<PathBuf> {
        fs::canonicalize(self.hardware.join("physfn")).ok()
    }
}

/// The directories of all devices that have a DRM card or NVIDIA's driver.
fn devices(roots: &Roots) -> Result<BTreeSet<PathBuf>, Error> {
    let class = roots.sys.join("class/drm");
    let mut devices = BTreeSet::new();
    for node in names(&class)? {
        if is_card(&node) || node.starts_with("renderD") {
            devices.extend(device_of(&class.join(node)));
        }
    }
    let driver = roots.sys.join("bus/pci/drivers").join(NVIDIA);
    for name in names(&driver)?.into_iter().filter(|name| is_on_pci(name)) {
        devices.extend(fs::canonicalize(driver.join(name)));
    }
    Ok(devices)
}

/// The device of a node: `.../0000:03:00.0/drm/card0`. The path of a node that has gone since cannot be resolved.
fn device_of(node: &Path) -> Option<PathBuf> {
    let node = fs::canonicalize(node).ok()?;
    Some(node.parent()?.parent()?.to_owned())
}

/// The device on its bus that the device of a driver is a part of: the PCI device above a virtio device.
pub(super) fn hardware_of(path: &Path) -> PathBuf {
    let bus = link_name(&path.join("subsystem"));
    let is_virtio = || link_name(&path.join("driver")).is_some_and(|driver| driver == "virtio_gpu");
    let is_part = matches!(bus.as_deref(), Some("virtio" | "auxiliary")) || is_virtio();
    let parent = path.parent().filter(|parent| {
        let name = parent.file_name().unwrap_or_default();
        is_part && is_on_pci(&name.to_string_lossy())
    });
    parent.unwrap_or(path).to_owned()
}

/// Whether the name of a node is that of a card: `card0`, not `card0-DP-1`.
fn is_card(node: &str) -> bool {
    let number = node.strip_prefix("card");
    number.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Whether a part of the path is a PCI device.
fn on_pci(path: &Path) -> bool {
    path.iter().any(|part| is_on_pci(&part.to_string_lossy()))
}

/// Whether the name is a PCI address such as `0000:03:00.0`.
fn is_on_pci(name: &str) -> bool {
    let parts: Vec<_> = name.split([':', '.']).collect();
    let is_hex = |part: &&str| part.bytes().all(|byte| byte.is_ascii_hexdigit());
    parts.len() == 4 && parts.iter().all(is_hex)
}

/// The last part of the target of a link.
pub(super) fn link_name(link: &Path) -> Option<String> {
    let target = fs::read_link(link).ok()?;
    Some(target.file_name()?.to_str()?.to_owned())
}

/// The names in a directory; empty if there is no such directory.
pub(super) fn names(directory: &Path) -> Result<Vec<String>, Error> {
    let entries = match regular_file::entries(directory) {
        Ok(entries) => entries,
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(cause) => return Err(Error::io(directory, cause)),
    };
    let names = entries
        .into_iter()
        .filter_map(|entry| entry.file_name().into_string().ok());
    Ok(names.collect())
}
