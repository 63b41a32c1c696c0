//! What goes through block devices: `/proc/diskstats`.
//!
//! <https://docs.kernel.org/admin-guide/iostats.html>

mod table;

use super::block;
use crate::{
    kernel::{block::identity, mountinfo},
    metric::Metric,
    rate::Formula,
    reading::{Fault, Raw},
    source::{
        Error, Roots, Source,
        file::File,
        parse,
        rows::{self, Devices, Line, Memo, OWNER, Rows},
    },
};

use table::*;

/// The lines of `/proc/diskstats`, one row of columns each.
pub(super) struct Counters {
    roots: Roots,
    file: File,
    rows: Rows,
    memo: Memo<Fields>,
    devices: Devices<String, State>,
    changed: bool,
}

/// What is known of a device.
struct State {
    is_physical: bool,
    /// It was not there the last time. The name in the kernel may have gone to another since.
    is_lost: bool,
}

impl Counters {
    pub(super) fn new(roots: &Roots) -> Self {
        Self {
            roots: roots.clone(),
            file: File::of_lines(roots.proc.join("diskstats")),
            rows: Rows::default(),
            memo: Memo::default(),
            devices: Devices::default(),
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

    fn subsystems(&self) -> &'static [&'static str] {
        &["block"]
    }

    fn discover(&mut self) -> Result<Vec<Metric>, Error> {
        let text = self.file.read()?;
        let devices = block::devices(&self.roots, text);
        let mut lines: Vec<_> = parse::lines(text)
            .filter_map(|line| Some((line_of(line)?.0.to_vec(), None)))
            .collect();
        let found = devices
            .iter()
            .map(|device| (device.id.clone(), device.is_physical));
        let rows = self.devices.arrange(found, |_, is_physical| State {
            is_physical,
            is_lost: false,
        });
        self.memo.truncate(self.devices.len());
        let mut metrics = Vec::new();
        for (device, &row) in devices.iter().zip(&rows) {
            let mut same = lines.iter_mut();
            if let Some(line) = same.find(|line| line.0 == device.kernel.as_bytes()) {
                line.1 = Some(row);
            }
            let first = rows::place(row, WIDTH, 0);
            metrics.extend(PROPERTIES.iter().map(|(property, formula)| {
                let formula = self.devices.formula(row, first, formula(first));
                property.of("disk", device.id.as_bytes(), &device.kernel, formula)
            }));
        }
        if devices.iter().any(|device| device.is_physical) {
            metrics.extend(ALL.iter().map(|(property, first)| {
                let formula = Formula::Sum {
                    owner: OWNER,
                    first: *first,
                    step: WIDTH,
                    scale: SECTOR,
                };
                property.of("disk", b"all", "Disks,", formula)
            }));
        }
        self.rows = Rows::new(lines);
        self.changed = false;
        metrics.extend(self.of_file_systems(&devices, &rows));
        Ok(metrics)
    }

    fn read(&mut self, columns: &mut Vec<Raw>) -> Result<(), Error> {
        let Self {
            roots,
            file,
            rows,
            memo,
            devices,
            changed,
        } = self;
        let text = file.read()?;
        // Who has come back may be another under the old name.
        let is_back = |row: usize, kernel: &[u8]| {
            let device = devices.get(row);
            device
                .is_some_and(|device| !device.state.is_lost || is_named(roots, kernel, &device.id))
        };
        *changed |= !read_rows(text, rows, memo, devices.len(), is_back, columns);
        for (row, device) in columns.chunks_exact_mut(WIDTH).zip(devices.iter_mut()) {
            let Some(device) = device else { continue };
            let is_lost = row[READS] == Raw::Fault(Fault::Gone);
            *changed |= is_lost && !device.state.is_lost;
            device.state.is_lost = is_lost;
            if !is_lost {
                row[OWNER] = device.owner();
            }
            if device.state.is_physical {
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
    fn of_file_systems(&self, devices: &[block::Device], rows: &[usize]) -> Vec<Metric> {
        // Where the kernel does not say what is mounted, there are still the devices.
        let systems = mountinfo::file_systems(&self.roots, devices, true).unwrap_or_default();
        let mut metrics = Vec::new();
        for system in &systems {
            let is_its =
                |(device, _): &(&block::Device, _)| Some(&device.kernel) == system.kernel.as_ref();
            let Some((device, &row)) = devices.iter().zip(rows).find(is_its) else {
                continue;
            };
            if device.id == system.id {
                continue;
            }
            let first = rows::place(row, WIDTH, 0);
            for (property, column) in [(READ_PROPERTY, READ), (WRITE_PROPERTY, WRITTEN)] {
                let formula = bytes(first.saturating_add(column));
                let formula = self.devices.formula(row, first, formula);
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

/// The third word of a line, and what follows.
fn line_of(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let (_major, rest) = parse::word(line);
    let (_minor, rest) = parse::word(rest);
    let (name, rest) = parse::word(rest);
    (!name.is_empty()).then_some((name, rest))
}

/// The columns in a text of `/proc/diskstats`, as far as they follow from it. False if there is a
/// device of which nothing is known.
pub(super) fn read_rows(
    text: &[u8],
    rows: &Rows,
    memo: &mut Memo<Fields>,
    count: usize,
    is_back: impl Fn(usize, &[u8]) -> bool,
    columns: &mut Vec<Raw>,
) -> bool {
    columns.resize(rows::place(count, WIDTH, 0), Raw::Fault(Fault::Gone));
    let mut is_known = true;
    let mut place = 0;
    for (line, ended) in parse::ended_lines(text) {
        let Some((name, rest)) = line_of(line) else {
            continue;
        };
        let row_number = match rows.find(&mut place, name) {
            Line::Row(row) if is_back(row, name) => row,
            Line::LeftOut => continue,
            // The name that a cut line ends with may be half of one.
            Line::Row(_) | Line::Unknown => {
                is_known &= !ended;
                continue;
            }
        };
        let row = &mut columns[rows::place(row_number, WIDTH, 0)..][READS..ALL_READ];
        match memo.of(row_number, rest, fields).as_ref().filter(|_| ended) {
            Some(fields) => row.clone_from_slice(fields),
            None => row.fill(Raw::Fault(Fault::Malformed)),
        }
    }
    is_known
}

/// What a line says; none if it is not as documented.
type Fields = Option<[Raw; FIELDS]>;

fn fields(rest: &[u8]) -> Fields {
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
