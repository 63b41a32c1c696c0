//! What goes through interfaces: `/proc/net/dev`.

mod table;

use super::interfaces;
use crate::{
    reading::{Fault, Metric, Raw},
    source::{
        Error, Roots, Source,
        file::File,
        parse,
        rows::{self, Line, Memo, Rows},
    },
};

use table::*;

/// The lines of `/proc/net/dev`: the totals of all, and then one row of columns for each.
pub(super) struct Counters {
    roots: Roots,
    file: File,
    rows: Rows,
    memo: Memo<Fields>,
    /// The interface of each row. Only ever appended to, so that a column keeps its meaning.
    bound: Vec<Bound>,
    changed: bool,
}

/// The interface that a row is of.
struct Bound {
    name: Vec<u8>,
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
            bound: Vec::new(),
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
        self.bound.iter_mut().for_each(|bound| bound.is_lost = true);
        let (mut lines, mut metrics) = (Vec::new(), Vec::new());
        for interface in &interfaces {
            let is_it = |bound: &Bound| bound.name == interface.name;
            let row = self.bound.iter().position(is_it);
            let bound = Bound {
                name: interface.name.clone(),
                is_counted: interface.is_counted,
                is_lost: false,
            };
            let row = match row {
                Some(row) => {
                    self.bound[row] = bound;
                    row
                }
                None => {
                    let place = self.bound.len();
                    self.bound.push(bound);
                    place
                }
            };
            lines.push((interface.name.clone(), Some(row)));
            metrics.extend(PROPERTIES.iter().map(|(property, formula)| {
                let formula = formula(first_of(row));
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
        let count = self.bound.len();
        self.changed |= !read_rows(text, &self.rows, &mut self.memo, count, columns);
        // Faults where the sum does not fit.
        let mut totals: Option<[Option<u64>; TOTALS]> = None;
        let rows = columns[TOTALS..].chunks_exact_mut(WIDTH);
        for (row, bound) in rows.zip(&mut self.bound) {
            let is_lost = row[DOWN] == Raw::Fault(Fault::Gone);
            self.changed |= is_lost && !bound.is_lost;
            bound.is_lost = is_lost;
            if !bound.is_counted {
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
        let row = &mut columns[first_of(row_number)..][..ALL_DOWN];
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
type Fields = Option<[u64; ALL_DOWN]>;

/// Bytes, packets, errors and drops, received and sent.
fn fields(rest: &[u8]) -> Fields {
    let mut numbers = parse::numbers(rest);
    let mut columns = [0; ALL_DOWN];
    for column in &mut columns[..UP] {
        *column = numbers.next()?;
    }
    // Between them: fifo, frame, compressed and multicast.
    let mut numbers = numbers.skip(4);
    for column in &mut columns[UP..] {
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
