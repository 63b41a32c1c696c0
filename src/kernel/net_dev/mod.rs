//! What goes through interfaces: `/proc/net/dev`.

mod table;

use super::interfaces;
use crate::{
    metric::Metric,
    reading::{Fault, Raw},
    source::{
        Error, Roots, Source,
        file::File,
        parse,
        rows::{self, Devices, Line, Memo, OWNER, Rows},
    },
};

use table::*;

/// The lines of `/proc/net/dev`: the totals of all, and then one row of columns for each.
pub(super) struct Counters {
    roots: Roots,
    file: File,
    rows: Rows,
    memo: Memo<Fields>,
    devices: Devices<Vec<u8>, State>,
    changed: bool,
}

/// What is known of an interface.
struct State {
    is_counted: bool,
    is_lost: bool,
}

impl Counters {
    pub(super) fn new(roots: &Roots) -> Self {
        Self {
            roots: roots.clone(),
            file: File::of_lines(roots.proc.join("net/dev")),
            rows: Rows::default(),
            memo: Memo::default(),
            devices: Devices::default(),
            changed: false,
        }
    }
}

impl Source for Counters {
    fn name(&self) -> &'static str {
        "network"
    }

    fn scope(&self) -> &'static [&'static str] {
        &[
            "network/*/download",
            "network/*/upload",
            "network/*/downloadBits",
            "network/*/uploadBits",
            "network/*/totalDownload",
            "network/*/totalUpload",
            "network/*/downloadPackets",
            "network/*/uploadPackets",
            "network/*/downloadErrors",
            "network/*/uploadErrors",
            "network/*/downloadDrops",
            "network/*/uploadDrops",
        ]
    }

    fn subsystems(&self) -> &'static [&'static str] {
        &["net"]
    }

    fn discover(&mut self) -> Result<Vec<Metric>, Error> {
        let interfaces = interfaces::of_text(&self.roots, self.file.read()?);
        let found = interfaces
            .iter()
            .map(|interface| (interface.name.clone(), interface.is_counted));
        let rows = self.devices.arrange(found, |_, is_counted| State {
            is_counted,
            is_lost: false,
        });
        self.memo.truncate(self.devices.len());
        let (mut lines, mut metrics) = (Vec::new(), Vec::new());
        for (interface, row) in interfaces.iter().zip(rows) {
            lines.push((interface.name.clone(), Some(row)));
            let first = first_of(row);
            metrics.extend(PROPERTIES.iter().map(|(property, formula)| {
                let formula = self.devices.formula(row, first, formula(first));
                property.of("network", &interface.name, &interface.label(), formula)
            }));
        }
        if interfaces.iter().any(|interface| interface.is_counted) {
            metrics.extend(
                ALL.map(|(property, formula)| property.of("network", b"all", "Network", formula)),
            );
        }
        self.rows = Rows::new(lines);
        self.changed = false;
        Ok(metrics)
    }

    fn read(&mut self, columns: &mut Vec<Raw>) -> Result<(), Error> {
        let text = self.file.read()?;
        let count = self.devices.len();
        self.changed |= !read_rows(text, &self.rows, &mut self.memo, count, columns);
        // Faults where the sum does not fit.
        let mut totals: Option<[Option<u64>; TOTALS]> = None;
        let rows = columns[TOTALS..].chunks_exact_mut(WIDTH);
        for (row, device) in rows.zip(self.devices.iter_mut()) {
            let Some(device) = device else { continue };
            let is_lost = row[DOWN] == Raw::Fault(Fault::Gone);
            self.changed |= is_lost && !device.state.is_lost;
            device.state.is_lost = is_lost;
            if !is_lost {
                row[OWNER] = device.owner();
            }
            if !device.state.is_counted {
                continue;
            }
            row[ALL_DOWN] = row[DOWN].clone();
            row[ALL_UP] = row[UP].clone();
            if let (Raw::Counter(down), Raw::Counter(up)) = (&row[DOWN], &row[UP]) {
                let [all_down, all_up] = totals.unwrap_or([Some(0); TOTALS]);
                let add = |all: Option<u64>, more| all?.checked_add(more);
                totals = Some([add(all_down, *down), add(all_up, *up)]);
            }
        }
        if let Some(totals) = totals {
            let column = |total: Option<u64>| match total {
                Some(total) => Raw::Counter(total),
                None => Raw::Fault(Fault::Malformed),
            };
            columns[..TOTALS].clone_from_slice(&totals.map(column));
        }
        Ok(())
    }

    fn changed(&self) -> bool {
        self.changed
    }
}

/// The first column of a row, behind the totals; of so many rows the number of columns.
const fn first_of(row: usize) -> usize {
    TOTALS.saturating_add(rows::place(row, WIDTH, 0))
}

/// The columns in a text of `/proc/net/dev`, as far as they follow from it. False if there is an
/// interface of which nothing is known.
fn read_rows(
    text: &[u8],
    rows: &Rows,
    memo: &mut Memo<Fields>,
    count: usize,
    columns: &mut Vec<Raw>,
) -> bool {
    columns.resize(first_of(count), Raw::Fault(Fault::Gone));
    let mut is_known = true;
    let mut place = 0;
    for (line, ended) in parse::ended_lines(text) {
        let Some((name, rest)) = interfaces::line_of(line) else {
            continue;
        };
        let Line::Row(row_number) = rows.find(&mut place, name) else {
            is_known = false;
            continue;
        };
        let row = &mut columns[first_of(row_number)..][DOWN..ALL_DOWN];
        match memo.of(row_number, rest, fields).as_ref().filter(|_| ended) {
            Some(fields) => row
                .iter_mut()
                .zip(fields)
                .for_each(|(to, count)| *to = Raw::Counter(*count)),
            None => row.fill(Raw::Fault(Fault::Malformed)),
        }
    }
    is_known
}

/// What a line says; none if it is not as documented.
type Fields = Option<[u64; FIELDS]>;

/// Bytes, packets, errors and drops, received and sent.
fn fields(rest: &[u8]) -> Fields {
    let mut numbers = parse::numbers(rest);
    let mut columns = [0; FIELDS];
    let (down, up) = columns.split_at_mut(FIELDS / 2);
    for column in down {
        *column = numbers.next()?;
    }
    // Between them: fifo, frame, compressed and multicast.
    let mut numbers = numbers.skip(4);
    for column in up {
        *column = numbers.next()?;
    }
    Some(columns)
}

/// Parses a text whatever is in it.
#[cfg(test)]
pub(super) fn check_text(text: &[u8]) {
    let rows = Rows::new(vec![
        (b"wlp2s0".to_vec(), Some(0)),
        (b"lo".to_vec(), Some(1)),
    ]);
    read_rows(text, &rows, &mut Memo::default(), 2, &mut Vec::new());
}

#[cfg(test)]
mod tests;
