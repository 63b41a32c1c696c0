//! Tables of the kernel with a line for each device, `/proc/diskstats` and `/proc/net/dev`: each line becomes a row of
//! columns.

use std::{collections::HashMap, hash::Hash, path::PathBuf};

use crate::{
    metric::{Metric, Object},
    rate::Formula,
    reading::{Fault, Raw},
    source::{
        Error,
        file::File,
        parse,
        property::Property,
        rows::{
            self, Devices, OWNER,
            lines::{Line, Lines, Memo},
        },
    },
};

/// The format of a table, and the columns made from it.
///
/// A row begins with its [`OWNER`]. Then come the fields of the line, and then copies of the fields that are summed over
/// all devices. Only a device that is part of the sum has these copies.
pub(crate) trait Format {
    /// The parsed numbers of a line.
    type Record;
    /// The number of columns before the first row.
    const BEFORE: usize = 0;
    /// The number of columns of a record.
    const FIELDS: usize;
    /// The columns that are summed over all devices, by their indices in a row.
    const COUNTED: &[usize];
    /// The number of columns of a row.
    const WIDTH: usize;

    /// The name of the device of a line, and the rest of the line; none for a heading.
    fn split(line: &[u8]) -> Option<(&[u8], &[u8])>;

    /// Parses the rest of a line; none if it does not have the documented form.
    fn parse(rest: &[u8]) -> Option<Self::Record>;

    /// Writes the columns of a record.
    fn write(record: &Self::Record, columns: &mut [Raw]);

    /// Whether a counter of a device has gone backwards. All counters of its row begin anew then.
    fn is_reset(before: &Self::Record, now: &Self::Record) -> bool;
}

/// A property, and a function from the first column of a row to its formula.
pub(crate) type RowProperty = (Property, fn(usize) -> Formula);

/// A device that discovery has found.
pub(crate) struct Found<'a, K> {
    /// Its identity.
    pub(crate) id: K,
    /// Its name in the table.
    pub(crate) name: &'a [u8],
    /// Whether it is part of the sum over all devices.
    pub(crate) is_counted: bool,
}

/// A table that is read again and again.
pub(crate) struct Table<F: Format, K> {
    file: File,
    lines: Lines,
    memo: Memo<RowRecord<F::Record>>,
    devices: Devices<K, RowState>,
    changed: bool,
}

/// The last record of a row.
struct RowRecord<R> {
    /// `None` if the line does not have the documented form.
    record: Option<R>,
    /// The number of times that the counters of the row began anew, modulo 2¹⁶.
    resets: u16,
}

impl<R> Default for RowRecord<R> {
    fn default() -> Self {
        Self {
            record: None,
            resets: 0,
        }
    }
}

impl<R> RowRecord<R> {
    /// The record of the line that replaces this one.
    fn next<F: Format<Record = R>>(&self, line: &[u8]) -> Self {
        let record = F::parse(line);
        let both = self.record.as_ref().zip(record.as_ref());
        let is_reset = both.is_some_and(|(before, now)| F::is_reset(before, now));
        Self {
            resets: self.resets.wrapping_add(is_reset.into()),
            record,
        }
    }
}

/// The state of a device.
struct RowState {
    is_counted: bool,
    /// The last text had no line for it. Its name in the kernel may have gone to another device since.
    is_lost: bool,
    /// The number of resets at the last reading; none since the last discovery.
    resets: Option<u16>,
}

impl<F: Format, K: Clone + Eq + Hash> Table<F, K> {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self {
            file: File::of_lines(path),
            lines: Lines::default(),
            memo: Memo::default(),
            devices: Devices::default(),
            changed: false,
        }
    }

    /// Reads the text of the table for a discovery, also where another file is at its path now.
    pub(crate) fn text(&mut self) -> Result<&[u8], Error> {
        self.file.close();
        self.file.read()
    }

    /// Gives each found device a row, and returns the rows in the order of `found`. `names` are the names of all lines
    /// of the text.
    pub(crate) fn arrange<'a>(
        &mut self,
        names: Vec<Vec<u8>>,
        found: impl Iterator<Item = Found<'a, K>> + Clone,
    ) -> Vec<usize> {
        let devices = found.clone().map(|found| (found.id, found.is_counted));
        let rows = self.devices.arrange(devices, |_, is_counted| RowState {
            is_counted,
            is_lost: false,
            resets: None,
        });
        self.memo.truncate(self.devices.len());
        let named = found.map(|found| found.name).zip(rows.iter().copied());
        let mut named: HashMap<&[u8], usize> = named.collect();
        // Of two lines with the same name, the first counts.
        let lines = names.into_iter().map(|name| {
            let row = named.remove(&*name);
            (name, row)
        });
        self.lines = Lines::new(lines.collect());
        self.changed = false;
        rows
    }

    /// The metrics of a row. The device is called `id` in ids.
    pub(crate) fn metrics(
        &self,
        row: usize,
        (source, id, object): (&str, &[u8], &Object),
        properties: &[RowProperty],
    ) -> impl Iterator<Item = Metric> {
        let first = first_of::<F>(row);
        properties.iter().map(move |(property, formula)| {
            let formula = self.devices.formula(row, first, formula(first));
            property.of(source, id, object, formula)
        })
    }

    /// Reads the columns. A device without a line in the last text is read again if `is_same` says that the device
    /// that has its name now has its id.
    pub(crate) fn read(
        &mut self,
        columns: &mut Vec<Raw>,
        is_same: impl Fn(&[u8], &K) -> bool,
    ) -> Result<(), Error> {
        let text = self.file.read()?;
        let devices = &self.devices;
        let is_wanted = |row: usize, name: &[u8]| {
            let device = devices.get(row);
            device.is_some_and(|device| !device.state.is_lost || is_same(name, &device.id))
        };
        let (lines, memo) = (&self.lines, &mut self.memo);
        self.changed |= !read_rows::<F>(text, lines, memo, devices.len(), is_wanted, columns);
        let rows = columns[F::BEFORE..].chunks_exact_mut(F::WIDTH);
        for ((index, row), device) in rows.enumerate().zip(self.devices.iter_mut()) {
            let Some(device) = device else { continue };
            let is_lost = row[OWNER + 1] == Raw::Fault(Fault::Gone);
            self.changed |= is_lost && !device.state.is_lost;
            device.state.is_lost = is_lost;
            if !is_lost {
                let resets = self.memo.last(index).map_or(0, |last| last.resets);
                // The device was made anew, perhaps as another one.
                let before = device.state.resets.replace(resets);
                self.changed |= before.is_some_and(|before| before != resets);
                row[OWNER] = device.owner_after(resets);
            }
            if device.state.is_counted {
                let own = F::WIDTH.saturating_sub(F::COUNTED.len());
                let (of_device, of_all) = row.split_at_mut(own);
                for (to, from) in of_all.iter_mut().zip(F::COUNTED) {
                    *to = of_device[*from].clone();
                }
            }
        }
        Ok(())
    }

    /// Whether a device has come or gone since [`Table::arrange`].
    pub(crate) fn changed(&self) -> bool {
        self.changed
    }
}

/// The names on all lines of a text.
pub(crate) fn names<F: Format>(text: &[u8]) -> Vec<Vec<u8>> {
    let names = parse::lines(text).filter_map(|line| Some(F::split(line)?.0.to_vec()));
    names.collect()
}

/// The first column of a row. For a number of rows, it is the number of their columns.
const fn first_of<F: Format>(row: usize) -> usize {
    F::BEFORE.saturating_add(rows::place(row, F::WIDTH, 0))
}

/// Reads the columns of all rows from a text. Returns false if the text has a device that discovery has not seen.
fn read_rows<F: Format>(
    text: &[u8],
    lines: &Lines,
    memo: &mut Memo<RowRecord<F::Record>>,
    count: usize,
    is_wanted: impl Fn(usize, &[u8]) -> bool,
    columns: &mut Vec<Raw>,
) -> bool {
    columns.resize(first_of::<F>(count), Raw::Fault(Fault::Gone));
    let mut is_known = true;
    let mut next = 0;
    for (line, ended) in parse::ended_lines(text) {
        let Some((name, rest)) = F::split(line) else {
            continue;
        };
        let row = match lines.find(&mut next, name) {
            Line::Row(row) if is_wanted(row, name) => row,
            Line::LeftOut => continue,
            // A cut line may end within the name.
            Line::Row(_) | Line::Unknown => {
                is_known &= !ended;
                continue;
            }
        };
        let columns = &mut columns[first_of::<F>(row)..][OWNER + 1..][..F::FIELDS];
        let last = memo.of(row, rest, |line, before| before.next::<F>(line));
        match last.record.as_ref().filter(|_| ended) {
            Some(record) => F::write(record, columns),
            None => columns.fill(Raw::Fault(Fault::Malformed)),
        }
    }
    is_known
}

/// Reads an arbitrary text as a table of these devices.
#[cfg(test)]
pub(crate) fn check_text<F: Format>(text: &[u8], names: &[&str]) {
    let lines = names.iter().enumerate();
    let lines = lines.map(|(row, name)| (name.as_bytes().to_vec(), Some(row)));
    let lines = Lines::new(lines.collect());
    let mut memo = Memo::default();
    read_rows::<F>(
        text,
        &lines,
        &mut memo,
        names.len(),
        |_, _| true,
        &mut Vec::new(),
    );
}
