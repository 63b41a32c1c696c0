//! The traffic of block devices: `/proc/diskstats`.
//!
//! <https://docs.kernel.org/admin-guide/iostats.html>

mod columns;

use crate::{
    kernel::{
        block::{self, identity},
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

/// The lines of `/proc/diskstats`, with a row of columns for each.
pub(super) struct DiskCounters {
    roots: Roots,
    table: Table<Diskstats, String>,
}

impl DiskCounters {
    pub(super) fn new(roots: &Roots) -> Self {
        Self {
            roots: roots.clone(),
            table: Table::new(roots.proc.join("diskstats")),
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
        let devices = block::devices(&self.roots, text);
        let found = devices.iter().map(|device| Found {
            id: device.id.clone(),
            name: device.kernel_name.as_bytes(),
            is_counted: device.is_physical,
        });
        let rows = self.table.arrange(names, found);
        let mut metrics = Vec::new();
        for (device, &row) in devices.iter().zip(&rows) {
            let object = device.object();
            let object = ("disk", device.id.as_bytes(), &object);
            metrics.extend(self.table.metrics(row, object, &PROPERTIES));
        }
        if devices.iter().any(|device| device.is_physical) {
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
        let is_same = |kernel: &[u8], id: &String| has_id(&self.roots, kernel, id);
        self.table.read(columns, is_same)
    }

    fn changed(&self) -> bool {
        self.table.changed()
    }
}

impl DiskCounters {
    /// The metrics of the file systems, which are those of their devices.
    fn file_system_metrics(&self, devices: &[block::Device], rows: &[usize]) -> Vec<Metric> {
        // Without mountinfo, the metrics of the devices remain.
        let file_systems = mountinfo::file_systems(&self.roots, devices, true).unwrap_or_default();
        let mut metrics = Vec::new();
        for file_system in &file_systems {
            let is_below = |(device, _): &(&block::Device, _)| {
                Some(&device.kernel_name) == file_system.kernel_name.as_ref()
            };
            let Some((device, &row)) = devices.iter().zip(rows).find(is_below) else {
                continue;
            };
            if device.id == file_system.id {
                continue;
            }
            let object = file_system.object();
            let object = ("disk", file_system.id.as_bytes(), &object);
            metrics.extend(self.table.metrics(row, object, &FILE_SYSTEM_PROPERTIES));
        }
        metrics
    }
}

/// Whether the device that now has this name has the id.
fn has_id(roots: &Roots, kernel: &[u8], id: &str) -> bool {
    let kernel = String::from_utf8_lossy(kernel);
    match id.rsplit_once("-part") {
        Some((parent, part)) if !identity::directory(roots, &kernel).is_dir() => {
            let whole = kernel.strip_suffix(part).unwrap_or(&kernel);
            let whole = whole
                .strip_suffix('p')
                .filter(|name| identity::directory(roots, name).is_dir())
                .unwrap_or(whole);
            has_id(roots, whole.as_bytes(), parent)
        }
        _ => identity::device_id(roots, &kernel) == id || identity::path_id(roots, &kernel) == id,
    }
}

/// The format of `/proc/diskstats`.
pub(super) struct Diskstats;

impl Format for Diskstats {
    type Record = Fields;
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

    fn parse(rest: &[u8]) -> Option<Fields> {
        fields(rest)
    }

    fn write(fields: &Fields, columns: &mut [Raw]) {
        columns.clone_from_slice(fields);
    }

    fn is_reset(before: &Fields, now: &Fields) -> bool {
        let mut both = before.iter().zip(now);
        both.any(|both| matches!(both, (Raw::Counter(before), Raw::Counter(now)) if now < before))
    }
}

/// The columns of a line.
type Fields = [Raw; FIELDS];

/// Parses the rest of a line after the name.
fn fields(rest: &[u8]) -> Option<Fields> {
    let mut numbers = parse::numbers(rest);
    let mut next = || numbers.next();
    let (reads, _, read, read_time) = (next()?, next()?, next()?, next()?);
    let (writes, _, written, write_time) = (next()?, next()?, next()?, next()?);
    let (in_flight, busy, queue) = (next()?, next()?, next()?);
    // A kernel whose count was wrong has written -1 as an unsigned number of 32 bits.
    let in_flight = match i32::try_from(in_flight) {
        Ok(count) => Raw::Number(count.into()),
        Err(_) => Raw::Fault(Fault::Malformed),
    };
    let [reads, read, read_time] = [reads, read, read_time].map(Raw::Counter);
    let [writes, written, write_time] = [writes, written, write_time].map(Raw::Counter);
    let [busy, queue] = [busy, queue].map(Raw::Counter);
    Some([
        reads, read, read_time, writes, written, write_time, in_flight, busy, queue,
    ])
}

#[cfg(test)]
mod tests;
