//! The names of GPUs.

use std::path::Path;

use super::{
    listing::{hardware_of, link_name},
    pci,
};
use crate::source::{Roots, device::fact};

/// The model of the GPU with this device: the name in the system's pci.ids, its numbers there if the list does not have
/// it, or the device tree's name of the part. None if the kernel knows no name.
pub(super) fn model(roots: &Roots, device: &Path) -> Option<String> {
    pci::name(roots, &hardware_of(device)).or_else(|| compatible(device))
}

/// The title of its object: the name in the system's pci.ids, otherwise its number and its driver.
pub(super) fn title(roots: &Roots, device: &Path, number: usize) -> String {
    pci::listed_name(roots, &hardware_of(device)).unwrap_or_else(|| {
        let driver = device.join("driver");
        // The driver of msm on the bus is msm_dpu.
        let module = link_name(&driver.join("module"));
        let name = module.or_else(|| link_name(&driver)).unwrap_or_default();
        format!("GPU {number} ({name})")
    })
}

/// The first `compatible` of a device in a device tree, the most specific one: `rockchip,rk3568-mali`. A display
/// controller that has the render node (msm) is not the GPU.
///
/// <https://docs.kernel.org/devicetree/usage-model.html>
fn compatible(device: &Path) -> Option<String> {
    const DISPLAYS: [&str; 3] = ["display", "mdp", "mdss"];
    let uevent = fact(device.join("uevent")).unwrap_or_default();
    let value = |key: &str| {
        let mut lines = uevent.lines();
        let value = lines.find_map(|line| line.strip_prefix(key)?.strip_prefix('='))?;
        Some(value.to_owned())
    };
    // A platform device is called ADDRESS.NODE.
    let named = || Some(device.file_name()?.to_str()?.split_once('.')?.1.to_owned());
    let node = value("OF_NAME").or_else(named).unwrap_or_default();
    let is_display = DISPLAYS.iter().any(|display| node.starts_with(display));
    let compatible = || {
        // Texts that end with a zero byte each.
        let all = fact(device.join("of_node/compatible"))?;
        Some(all.split('\0').next()?.to_owned())
    };
    let compatible = value("OF_COMPATIBLE_0").or_else(compatible)?;
    (!is_display && !compatible.is_empty()).then_some(compatible)
}
