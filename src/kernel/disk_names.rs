//! The names of disks and file systems.

use std::{collections::HashSet, sync::Arc};

use super::block;
use crate::{
    kernel::mountinfo,
    metric::{Metric, Object},
    rate::Formula,
    reading::{Fault, Raw},
    regular_file,
    source::{
        About, Error, Roots, Source,
        property::Property,
        rows::{self, Devices},
    },
};

/// The names do not change while a disk is present.
pub(super) struct DiskNames {
    roots: Roots,
    network_mounts: bool,
    names: Devices<String, Arc<str>>,
}

/// The owner of the row, and the name.
const WIDTH: usize = 2;

const NAME: Property = Property::text(
    "name",
    "Name",
    "Model of the drive, name of the volume, or label or mount point of the file system.",
    "device/model or dm/name of /sys/block/DEVICE, otherwise the kernel's name; the label of a file system, otherwise its mount point in /proc/self/mountinfo",
);

impl DiskNames {
    pub(super) fn new(roots: &Roots, network_mounts: bool) -> Self {
        Self {
            roots: roots.clone(),
            network_mounts,
            names: Devices::default(),
        }
    }
}

impl Source for DiskNames {
    fn about(&self) -> About<'_> {
        About::new("disk", &["disk/*/name"]).of_devices(&["block"])
    }

    fn discover(&mut self) -> Result<Vec<Metric>, Error> {
        // In some containers, the kernel lists no devices there.
        let text = regular_file::table(&self.roots.proc.join("diskstats")).unwrap_or_default();
        let devices = block::devices(&self.roots, &text);
        let file_systems =
            mountinfo::file_systems(&self.roots, &devices, self.network_mounts).unwrap_or_default();
        let of_devices = devices.into_iter().map(|device| {
            let (name, object) = (device.name().to_owned(), device.object());
            (device.id, name, object)
        });
        let of_file_systems = file_systems.into_iter().map(|file_system| {
            let object = file_system.object();
            (file_system.id, file_system.name, object)
        });
        let mut seen = HashSet::new();
        let mut found: Vec<_> = of_devices.chain(of_file_systems).collect();
        // A file system may have the id of its device.
        found.retain(|(id, ..)| seen.insert(id.clone()));
        let named = found.iter().map(|(id, name, _)| (id.clone(), name));
        let rows = self.names.arrange(named, |_, name| name.as_str().into());
        let metric = |((id, _, object), row): (&(String, String, Object), usize)| {
            let first = rows::place(row, WIDTH, 0);
            let formula = Formula::Level(first.saturating_add(1));
            let formula = self.names.formula(row, first, formula);
            NAME.of("disk", id.as_bytes(), object, formula)
        };
        Ok(found.iter().zip(rows).map(metric).collect())
    }

    fn read(&mut self, columns: &mut Vec<Raw>) -> Result<(), Error> {
        if self.names.len() == 0 {
            self.discover()?;
        }
        columns.extend(self.names.iter().flat_map(|device| match device {
            Some(device) => [device.owner(), Raw::Text(device.state.clone())],
            None => [const { Raw::Fault(Fault::Gone) }; WIDTH],
        }));
        Ok(())
    }
}
