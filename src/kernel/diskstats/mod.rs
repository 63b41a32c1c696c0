//! The traffic of block devices: `/proc/diskstats`.
//!
//! <https://docs.kernel.org/admin-guide/iostats.html>

mod columns;
mod record;
mod unaccounted;

use std::collections::HashMap;

use crate::{
    kernel::{
        block::{self, identity::Identity},
        mountinfo,
    },
    metric::Metric,
    rate::Formula,
    reading::{Fault, Raw},
    source::{
        About, Error, Roots, Source, parse,
        rows::{
            OWNER,
            table::{self, Format, Found, Table},
        },
    },
};

use columns::*;
use record::DiskRecord;
use unaccounted::Unaccounted;

/// The lines of `/proc/diskstats`, with a row of columns for each.
pub(super) struct DiskCounters {
    roots: Roots,
    table: Table<Diskstats, Identity>,
    unaccounted: Unaccounted,
}

impl DiskCounters {
    pub(super) fn new(roots: &Roots) -> Self {
        Self {
            roots: roots.clone(),
            table: Table::new(roots.proc.join("diskstats")),
            unaccounted: Unaccounted::default(),
        }
    }
}

impl Source for DiskCounters {
    fn about(&self) -> About<'_> {
        About::new(
            "disk",
            &[
                "disk/*/read",
                "disk/*/write",
                "disk/*/readOperations",
                "disk/*/writeOperations",
                "disk/*/readAwait",
                "disk/*/writeAwait",
                "disk/*/busy",
                "disk/*/queue",
                "disk/*/inFlight",
            ],
        )
        .of_devices(&["block"])
    }

    fn discover(&mut self) -> Result<Vec<Metric>, Error> {
        let text = self.table.text()?;
        let names = table::names::<Diskstats>(text);
        let (devices, paths) = block::of_diskstats(&self.roots, text);
        let of_devices = devices.iter().map(|device| Found {
            id: device.identity.clone(),
            name: device.kernel_name.as_bytes(),
            is_counted: device.is_counted,
        });
        let of_paths = paths.iter().map(|path| Found {
            id: path.identity.clone(),
            name: path.kernel_name.as_bytes(),
            is_counted: path.is_counted,
        });
        let rows = self.table.arrange(names, of_devices.chain(of_paths));
        let (device_rows, path_rows) = rows.split_at(devices.len());
        let mut rows: HashMap<&str, usize> = HashMap::new();
        for (device, &row) in devices.iter().zip(device_rows) {
            let mut of_drive = paths.iter().zip(path_rows);
            let mut of_drive = of_drive
                .by_ref()
                .filter(|(path, _)| path.drive == device.kernel_name);
            // Kernels of 2022 and before count requests to a path, not to the drive. The only path counts the same.
            let row = match (device.is_accounted, of_drive.next(), of_drive.next()) {
                (false, Some((_, &only)), None) => only,
                _ => row,
            };
            rows.insert(&device.kernel_name, row);
        }
        let unaccounted = devices.iter().zip(device_rows);
        let unaccounted = unaccounted.filter(|(device, _)| !device.is_accounted);
        let unaccounted = unaccounted.map(|(device, row)| (device.identity.clone(), *row));
        self.unaccounted.arrange(unaccounted);
        let mut metrics = Vec::new();
        for device in &devices {
            let object = device.object();
            let object = ("disk", device.id.as_bytes(), &object);
            let row = rows[&*device.kernel_name];
            metrics.extend(self.table.metrics(row, object, &PROPERTIES));
        }
        let mut counted = devices.iter().map(|device| device.is_counted);
        if counted.any(|is_counted| is_counted) || paths.iter().any(|path| path.is_counted) {
            let object = block::all_disks();
            metrics.extend(ALL.iter().map(|(property, first)| {
                let formula = Formula::Sum {
                    owner: OWNER,
                    first: *first,
                    step: WIDTH,
                    scale: SECTOR,
                };
                property.of("disk", b"all", &object, formula)
            }));
        }
        metrics.extend(self.file_system_metrics(&devices, &rows));
        Ok(metrics)
    }

    fn read(&mut self, columns: &mut Vec<Raw>) -> Result<(), Error> {
        // Another device may have the name of one that has gone.
        let is_same = |kernel: &[u8], identity: &Identity| {
            identity.is_of(&self.roots, &String::from_utf8_lossy(kernel))
        };
        self.table.read(columns, is_same)?;
        self.unaccounted.hide(columns);
        Ok(())
    }

    fn changed(&self) -> bool {
        self.table.changed()
    }
}

impl DiskCounters {
    /// The metrics of the file systems, which are those of their devices. Those of a file system on several devices are
    /// the sums; it has none if one of its devices has none.
    fn file_system_metrics(
        &self,
        devices: &[block::Device],
        rows: &HashMap<&str, usize>,
    ) -> Vec<Metric> {
        // Without mountinfo, the metrics of the devices remain.
        let file_systems = mountinfo::file_systems(&self.roots, devices, true).unwrap_or_default();
        let mut metrics = Vec::new();
        for file_system in &file_systems {
            let is_named_as_device = devices.iter().any(|device| device.id == file_system.id);
            let names = file_system.kernel_names.iter();
            let below: Option<Vec<_>> = names.map(|name| rows.get(&**name)).collect();
            let Some(below) = below.filter(|_| !is_named_as_device) else {
                continue;
            };
            let object = file_system.object();
            let object = ("disk", file_system.id.as_bytes(), &object);
            for property in &FILE_SYSTEM_PROPERTIES {
                let property = std::slice::from_ref(property);
                let parts = below.iter();
                let parts = parts.flat_map(|row| self.table.metrics(**row, object, property));
                let mut parts: Vec<_> = parts.collect();
                if let [one, _, ..] = &*parts {
                    let formulas = parts.iter().map(|part| part.formula.clone());
                    let formula = Formula::Together(formulas.collect());
                    parts = vec![Metric {
                        formula,
                        ..one.clone()
                    }];
                }
                metrics.extend(parts);
            }
        }
        metrics
    }
}

/// The format of `/proc/diskstats`.
pub(super) struct Diskstats;

impl Format for Diskstats {
    type Record = DiskRecord;
    const FIELDS: usize = FIELDS;
    const WIDTH: usize = WIDTH;
    const COUNTED: &[usize] = &[READ, WRITTEN];

    /// The third word of a line, and the rest.
    fn split(line: &[u8]) -> Option<(&[u8], &[u8])> {
        let (_major, rest) = parse::word(line);
        let (_minor, rest) = parse::word(rest);
        let (name, rest) = parse::word(rest);
        (!name.is_empty()).then_some((name, rest))
    }

    fn parse(rest: &[u8]) -> Option<DiskRecord> {
        DiskRecord::parse(rest)
    }

    fn write(record: &DiskRecord, columns: &mut [Raw]) {
        let counter = |field: Option<u64>| field.map_or(MALFORMED, Raw::Counter);
        // A kernel whose count was wrong has written -1 as an unsigned number of 32 bits.
        let in_flight = record.ios_in_progress.map(i32::try_from);
        columns.clone_from_slice(&[
            counter(record.reads_completed),
            counter(record.sectors_read),
            counter(record.time_reading),
            counter(record.writes_completed),
            counter(record.sectors_written),
            counter(record.time_writing),
            match in_flight {
                Some(Ok(count)) => Raw::Number(count.into()),
                _ => MALFORMED,
            },
            counter(record.time_doing_ios),
            counter(record.weighted_time_doing_ios),
        ]);
    }

    fn is_reset(before: &DiskRecord, now: &DiskRecord) -> bool {
        before.is_reset(now)
    }
}

const MALFORMED: Raw = Raw::Fault(Fault::Malformed);

#[cfg(test)]
mod tests;
