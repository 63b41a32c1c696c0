//! What goes through block devices: `/proc/diskstats`.
//!
//! <https://docs.kernel.org/admin-guide/iostats.html>

use super::{block, identity, mounts};
use crate::{
    rate::Formula,
    reading::{Fault, Kind, Metric, Raw, unit},
    source::{
        Error, Roots, Source,
        file::File,
        parse,
        property::Property,
        rows::{Line, Rows},
    },
};

/// The lines of `/proc/diskstats`, one row of columns each.
pub(super) struct Counters {
    roots: Roots,
    file: File,
    rows: Rows,
    /// The device of each row. Only ever appended to, so that a column keeps its meaning.
    bound: Vec<Bound>,
    changed: bool,
}

/// The device that a row is of.
struct Bound {
    id: String,
    is_physical: bool,
    /// It was not there the last time. The name in the kernel may have gone to another since.
    is_lost: bool,
}

const READS: usize = 0;
const READ: usize = 1;
const READ_TIME: usize = 2;
const WRITES: usize = 3;
const WRITTEN: usize = 4;
const WRITE_TIME: usize = 5;
const IN_FLIGHT: usize = 6;
const BUSY_TIME: usize = 7;
const QUEUE_TIME: usize = 8;
/// The same as READ and WRITTEN, of devices whose bytes count for all.
const ALL_READ: usize = 9;
const ALL_WRITTEN: usize = 10;
const WIDTH: usize = 11;

/// The kernel counts in these, whatever the device has.
const SECTOR: f64 = 512.0;

const fn bytes(column: usize) -> Formula {
    Formula::Rate {
        counter: column,
        scale: SECTOR,
    }
}

const READ_PROPERTY: Property = Property::new(
    "read",
    "read rate",
    "Bytes read: field 3 (sectors of 512 bytes) of the device's line in /proc/diskstats",
    unit::BYTES_PER_SECOND,
    Kind::Rate,
);
const WRITE_PROPERTY: Property = Property::new(
    "write",
    "write rate",
    "Bytes written: field 7 (sectors of 512 bytes) of the device's line in /proc/diskstats",
    unit::BYTES_PER_SECOND,
    Kind::Rate,
);

/// The properties of a device, and how each follows from its row.
#[rustfmt::skip]
const PROPERTIES: [(Property, fn(usize) -> Formula); 9] = [
    (READ_PROPERTY, |row| bytes(row + READ)),
    (WRITE_PROPERTY, |row| bytes(row + WRITTEN)),
    (Property::new("readOperations", "reads", "Read requests completed: field 1 of the device's line in /proc/diskstats", unit::PER_SECOND, Kind::Rate),
     |row| Formula::Rate { counter: row + READS, scale: 1.0 }),
    (Property::new("writeOperations", "writes", "Write requests completed: field 5 of the device's line in /proc/diskstats", unit::PER_SECOND, Kind::Rate),
     |row| Formula::Rate { counter: row + WRITES, scale: 1.0 }),
    (Property::new("readAwait", "read latency", "Time that a read request took, in the queue and the device, on average: field 4 / field 1 of the device's line in /proc/diskstats; stale while there was none", unit::MILLISECONDS, Kind::Rate),
     |row| Formula::Each { amount: row + READ_TIME, count: row + READS, scale: 1.0 }),
    (Property::new("writeAwait", "write latency", "Time that a write request took, in the queue and the device, on average: field 8 / field 5 of the device's line in /proc/diskstats; stale while there was none", unit::MILLISECONDS, Kind::Rate),
     |row| Formula::Each { amount: row + WRITE_TIME, count: row + WRITES, scale: 1.0 }),
    (Property::new("busy", "busy", "Share of the time in which the device had a request to do: field 10 (milliseconds) of its line in /proc/diskstats", unit::PERCENT, Kind::Rate),
     |row| Formula::Busy { counter: row + BUSY_TIME, second: 1000.0 }),
    (Property::new("queue", "queue length", "Requests waiting or being done, on average: field 11 (milliseconds, times the requests) of the device's line in /proc/diskstats", unit::ONE, Kind::Rate),
     |row| Formula::Rate { counter: row + QUEUE_TIME, scale: 1e-3 }),
    (Property::new("inFlight", "requests in flight", "Requests given to the device and not done at this moment: field 9 of its line in /proc/diskstats", unit::ONE, Kind::Gauge),
     |row| Formula::Level(row + IN_FLIGHT)),
];

const ALL: [(Property, usize); 2] = [
    (
        Property::new(
            "read",
            "read rate",
            "Bytes read of all drives, each once: field 3 (sectors of 512 bytes) of the lines of whole devices in /proc/diskstats, without partitions, volumes, arrays, loop devices and those in memory",
            unit::BYTES_PER_SECOND,
            Kind::Rate,
        ),
        ALL_READ,
    ),
    (
        Property::new(
            "write",
            "write rate",
            "Bytes written to all drives, each once: field 7 (sectors of 512 bytes) of the lines of whole devices in /proc/diskstats, without partitions, volumes, arrays, loop devices and those in memory",
            unit::BYTES_PER_SECOND,
            Kind::Rate,
        ),
        ALL_WRITTEN,
    ),
];

impl Counters {
    pub(super) fn new(roots: &Roots) -> Self {
        Self {
            roots: roots.clone(),
            file: File::of_lines(roots.proc.join("diskstats")),
            rows: Rows::default(),
            bound: Vec::new(),
            changed: false,
        }
    }
}

impl Source for Counters {
    fn name(&self) -> &'static str {
        "disk"
    }

    fn scope(&self) -> &'static [&'static str] {
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
        ]
    }

    fn discover(&mut self) -> Result<Vec<Metric>, Error> {
        let text = self.file.read()?;
        let devices = block::devices(&self.roots, text);
        let mut lines: Vec<_> = parse::lines(text)
            .filter_map(|line| Some((name_of(line)?.to_vec(), None)))
            .collect();
        let mut metrics = Vec::new();
        self.bound.iter_mut().for_each(|bound| bound.is_lost = true);
        for device in &devices {
            let is_it = |bound: &Bound| bound.id == device.id;
            let row = self.bound.iter().position(is_it).unwrap_or_else(|| {
                self.bound.push(Bound {
                    id: device.id.clone(),
                    is_physical: device.is_physical,
                    is_lost: false,
                });
                self.bound.len() - 1
            });
            self.bound[row].is_lost = false;
            let mut same = lines.iter_mut();
            if let Some(line) = same.find(|line| line.0 == device.kernel.as_bytes()) {
                line.1 = Some(row);
            }
            metrics.extend(PROPERTIES.iter().map(|(property, formula)| {
                let formula = formula(row * WIDTH);
                property.of("disk", device.id.as_bytes(), &device.kernel, formula)
            }));
        }
        if devices.iter().any(|device| device.is_physical) {
            metrics.extend(ALL.iter().map(|(property, first)| {
                let formula = Formula::Sum {
                    first: *first,
                    step: WIDTH,
                    scale: SECTOR,
                };
                property.of("disk", b"all", "Disks,", formula)
            }));
        }
        self.rows = Rows::new(lines);
        self.changed = false;
        metrics.extend(self.of_file_systems(&devices));
        Ok(metrics)
    }

    fn read(&mut self, columns: &mut Vec<Raw>) -> Result<(), Error> {
        let Self {
            roots,
            file,
            rows,
            bound,
            changed,
        } = self;
        let text = file.read()?;
        // Who has come back may be another under the old name.
        let is_back = |row: usize, kernel: &[u8]| {
            let bound: &Bound = &bound[row];
            !bound.is_lost || is_named(roots, kernel, &bound.id)
        };
        *changed |= !read_rows(text, rows, bound.len(), is_back, columns);
        for (row, bound) in columns.chunks_exact_mut(WIDTH).zip(bound) {
            let is_lost = row[READS] == Raw::Fault(Fault::Gone);
            *changed |= is_lost && !bound.is_lost;
            bound.is_lost = is_lost;
            if bound.is_physical {
                row[ALL_READ] = row[READ].clone();
                row[ALL_WRITTEN] = row[WRITTEN].clone();
            }
        }
        Ok(())
    }

    fn changed(&self) -> bool {
        self.changed
    }
}

impl Counters {
    /// What is read and written of file systems is what is of their devices.
    fn of_file_systems(&self, devices: &[block::Device]) -> Vec<Metric> {
        // Where the kernel does not say what is mounted, there are still the devices.
        let systems = mounts::file_systems(&self.roots, devices).unwrap_or_default();
        let mut metrics = Vec::new();
        for system in &systems {
            let is_its = |device: &&block::Device| Some(&device.kernel) == system.kernel.as_ref();
            let Some(device) = devices.iter().find(is_its) else {
                continue;
            };
            let row = self.bound.iter().position(|bound| bound.id == device.id);
            let (Some(row), true) = (row, device.id != system.id) else {
                continue;
            };
            for (property, column) in [(READ_PROPERTY, READ), (WRITE_PROPERTY, WRITTEN)] {
                let formula = bytes(row * WIDTH + column);
                metrics.push(property.of("disk", system.id.as_bytes(), &system.name, formula));
            }
        }
        metrics
    }
}

/// Whether the device that has this name in the kernel now is the one of this id.
fn is_named(roots: &Roots, kernel: &[u8], id: &str) -> bool {
    let kernel = String::from_utf8_lossy(kernel);
    match id.rsplit_once("-part") {
        Some((parent, part)) if !identity::directory(roots, &kernel).is_dir() => {
            let whole = kernel.strip_suffix(part).unwrap_or(&kernel);
            let whole = whole
                .strip_suffix('p')
                .filter(|name| identity::directory(roots, name).is_dir())
                .unwrap_or(whole);
            is_named(roots, whole.as_bytes(), parent)
        }
        _ => identity::name(roots, &kernel) == id || identity::place(roots, &kernel) == id,
    }
}

/// The third field of a line.
fn name_of(line: &[u8]) -> Option<&[u8]> {
    parse::fields(line).nth(2)
}

/// The columns in a text of `/proc/diskstats`, as far as they follow from it. False if there is a
/// device of which nothing is known.
pub(in crate::source) fn read_rows(
    text: &[u8],
    rows: &Rows,
    count: usize,
    is_back: impl Fn(usize, &[u8]) -> bool,
    columns: &mut Vec<Raw>,
) -> bool {
    columns.resize(count * WIDTH, Raw::Fault(Fault::Gone));
    let mut is_known = true;
    let mut place = 0;
    for (line, ended) in parse::ended_lines(text) {
        let Some(name) = name_of(line) else { continue };
        let row = match rows.find(&mut place, name) {
            Line::Row(row) if is_back(row, name) => row,
            Line::LeftOut => continue,
            // The name that a cut line ends with may be half of one.
            Line::Row(_) | Line::Unknown => {
                is_known &= !ended;
                continue;
            }
        };
        let row = &mut columns[row * WIDTH..][..ALL_READ];
        // The name is a part of the line.
        let after_name = name.as_ptr_range().end as usize - line.as_ptr() as usize;
        match ended.then(|| fields(&line[after_name..])).flatten() {
            Some(fields) => row.clone_from_slice(&fields),
            None => row.fill(Raw::Fault(Fault::Malformed)),
        }
    }
    is_known
}

fn fields(rest: &[u8]) -> Option<[Raw; ALL_READ]> {
    let mut numbers = parse::numbers(rest);
    let mut next = || numbers.next();
    let (reads, _, read, read_time) = (next()?, next()?, next()?, next()?);
    let (writes, _, written, write_time) = (next()?, next()?, next()?, next()?);
    let (in_flight, busy, queue) = (next()?, next()?, next()?);
    // Kernels that lost count of them have written -1 as an unsigned number of 32 bits.
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
