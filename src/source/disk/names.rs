//! What disks and file systems are called.

use std::{fs, sync::Arc};

use super::{block, mounts};
use crate::{
    rate::Formula,
    reading::{Fault, Metric, Raw},
    source::{Error, Roots, Source, property::Property},
};

/// The names, which do not change while a disk is there.
pub(super) struct Names {
    roots: Roots,
    network_mounts: bool,
    /// By id, in the order of the columns. Only ever appended to.
    names: Vec<(String, Option<Arc<str>>)>,
}

const NAME: Property = Property::text(
    "name",
    "name",
    "What the maker calls the device, otherwise the kernel (device/model in /sys/block/); the label of a file system, otherwise the place where it is mounted (/proc/self/mountinfo)",
);

impl Names {
    pub(super) fn new(roots: &Roots, network_mounts: bool) -> Self {
        Self {
            roots: roots.clone(),
            network_mounts,
            names: Vec::new(),
        }
    }
}

impl Source for Names {
    fn name(&self) -> &'static str {
        "disk"
    }

    fn scope(&self) -> &'static [&'static str] {
        &["disk/*/name"]
    }

    fn subsystems(&self) -> &'static [&'static str] {
        &["block"]
    }

    fn discover(&mut self) -> Result<Vec<Metric>, Error> {
        let path = self.roots.proc.join("diskstats");
        let text = fs::read(&path).map_err(|cause| Error::io(&path, cause))?;
        let devices = block::devices(&self.roots, &text);
        let systems =
            mounts::file_systems(&self.roots, &devices, self.network_mounts).unwrap_or_default();
        self.names.iter_mut().for_each(|name| name.1 = None);
        let of_devices = devices.into_iter().map(|device| {
            let name = device.model.unwrap_or_else(|| device.kernel.clone());
            (device.id, name, device.kernel)
        });
        let of_systems = systems.into_iter().map(|system| {
            let whose = system.mount.point.to_string_lossy().into_owned();
            (system.id, system.name, whose)
        });
        let mut metrics = Vec::new();
        for (id, name, whose) in of_devices.chain(of_systems) {
            let known = self.names.iter().position(|known| known.0 == id);
            let column = known.unwrap_or_else(|| {
                let place = self.names.len();
                self.names.push((id.clone(), None));
                place
            });
            if self.names[column].1.replace(name.into()).is_none() {
                let formula = Formula::Level(column);
                metrics.push(NAME.of("disk", id.as_bytes(), &whose, formula));
            }
        }
        Ok(metrics)
    }

    fn read(&mut self, columns: &mut Vec<Raw>) -> Result<(), Error> {
        if self.names.is_empty() {
            self.discover()?;
        }
        columns.extend(self.names.iter().map(|(_, name)| match name {
            Some(name) => Raw::Text(name.clone()),
            None => Raw::Fault(Fault::Gone),
        }));
        Ok(())
    }
}
