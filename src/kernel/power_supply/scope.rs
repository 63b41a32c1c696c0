//! The scope of a battery: the machine or a device.

use std::fs;

use crate::source::device::{Device, fact};

/// The scope of a battery: the machine or a device.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Scope {
    /// This machine.
    System,
    /// A device: a mouse, a keyboard, a headset.
    Device,
}

impl Scope {
    /// Reads `scope`. A supply without one supplies the machine, as for the kernel (`power_supply_is_system_supplied`),
    /// unless it belongs to a HID device.
    pub(super) fn read(battery: &Device) -> Self {
        match fact(battery.path("scope")).as_deref() {
            Some("System") => Self::System,
            Some("Device") => Self::Device,
            _ if is_of_hid(battery) => Self::Device,
            _ => Self::System,
        }
    }

    /// The text of the kernel.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::System => "System",
            Self::Device => "Device",
        }
    }
}

fn is_of_hid(battery: &Device) -> bool {
    fs::read_link(battery.path("device/subsystem")).is_ok_and(|bus| bus.ends_with("bus/hid"))
}
