//! The times of the CPUs: `/proc/stat`.

mod activity;
mod counters;
mod times;

use std::collections::{HashMap, HashSet};

use crate::{
    kernel::per_cpu::{all_cpus, one_cpu},
    metric::{Kind, Metric, unit},
    rate::{Formula, RowOwner},
    reading::{Fault, Raw},
    source::{About, Error, Roots, Source, file::File, parse, property::Property, rows},
};

use counters::{LastCounters, SYSTEM, TOTAL, USED, USER, WAIT, WIDTH, counters};

/// The lines of `/proc/stat`: first the columns of the kernel's activity, then those of the CPUs.
pub(super) struct CpuCounters {
    file: File,
    /// The first word of each known line, in the order of the columns: `cpu`, `cpu0`, `cpu1`. The list only
    /// grows, so that a column keeps its meaning.
    names: Vec<Vec<u8>>,
    last: Vec<LastCounters>,
}

/// The properties and their columns.
const PROPERTIES: [(Property, usize); 4] = [
    (
        share(
            "usage",
            "Usage",
            "Share of the time in which the processor worked.",
            "(user + nice + system + irq + softirq + steal) / (the same + idle + iowait) of the line cpu or cpuN in /proc/stat",
        ),
        USED,
    ),
    (
        share(
            "user",
            "User usage",
            "Share of the time in which programs ran.",
            "(user + nice) / (user + nice + system + irq + softirq + steal + idle + iowait) of the line cpu or cpuN in /proc/stat; guests are part of user and nice",
        ),
        USER,
    ),
    (
        share(
            "system",
            "System usage",
            "Share of the time in which the kernel ran.",
            "(system + irq + softirq) / (user + nice + system + irq + softirq + steal + idle + iowait) of the line cpu or cpuN in /proc/stat",
        ),
        SYSTEM,
    ),
    (
        share(
            "wait",
            "I/O wait",
            "Share of the time in which the processor was idle while a task waited for a disk.",
            "iowait / (user + nice + system + irq + softirq + steal + idle + iowait) of the line cpu or cpuN in /proc/stat",
        ),
        WAIT,
    ),
];

const fn share(
    id: &'static str,
    name: &'static str,
    description: &'static str,
    formula: &'static str,
) -> Property {
    Property::new(id, name, description, formula, unit::PERCENT, Kind::Rate)
}

impl CpuCounters {
    pub(super) fn new(roots: &Roots) -> Self {
        Self {
            file: File::new(roots.proc.join("stat")),
            names: vec![b"cpu".to_vec()],
            last: Vec::new(),
        }
    }
}

impl Source for CpuCounters {
    fn about(&self) -> About<'_> {
        About::new(
            "cpu",
            &[
                "cpu/*/usage",
                "cpu/*/user",
                "cpu/*/system",
                "cpu/*/wait",
                "cpu/all/interrupts",
                "cpu/all/contextSwitches",
                "cpu/all/forks",
                "cpu/all/runningTasks",
                "cpu/all/blockedTasks",
            ],
        )
        .of_devices(&["cpu"])
    }

    fn discover(&mut self) -> Result<Vec<Metric>, Error> {
        let text = self.file.read()?;
        let found: Vec<_> = lines(text).map(|line| line.name).collect();
        let activity = activity::metrics(text);
        if found.is_empty() {
            return Err(Error::malformed(self.file.path(), NO_LINE));
        }
        if counts_nothing(text) {
            return Ok(activity);
        }
        let mut known: HashSet<Vec<u8>> = self.names.iter().cloned().collect();
        for name in found {
            if is_numbered(name) && known.insert(name.to_vec()) {
                self.names.push(name.to_vec());
            }
        }
        let mut metrics: Vec<_> = self.names.iter().enumerate().flat_map(metrics).collect();
        metrics.extend(activity);
        Ok(metrics)
    }

    fn read(&mut self, columns: &mut Vec<Raw>) -> Result<(), Error> {
        let text = self.file.read()?;
        activity::read_columns(text, columns);
        read_columns(text, &self.names, &mut self.last, columns)
            .map_err(|what| Error::malformed(self.file.path(), what))
    }
}

const NO_LINE: &str = "no line begins with cpu";

/// Whether no time has passed on any CPU since boot. gVisor writes such lines, because it does not count the times.
fn counts_nothing(text: &[u8]) -> bool {
    let all = lines(text).find(|line| line.name == b"cpu");
    let counters = all.and_then(|line| counters(line.rest));
    counters.is_some_and(|counters| counters[TOTAL - 1] == Some(0))
}

/// Whether the name is `cpu` and a number.
fn is_numbered(name: &[u8]) -> bool {
    name.strip_prefix(b"cpu").and_then(parse::number).is_some()
}

fn metrics((row, name): (usize, &Vec<u8>)) -> impl Iterator<Item = Metric> {
    let number = String::from_utf8_lossy(&name[3..]);
    let (id, object) = match &*number {
        "" => ("all".to_owned(), all_cpus()),
        number => (format!("cpu{number}"), one_cpu(number)),
    };
    PROPERTIES.into_iter().map(move |(property, column)| {
        let share = Formula::Share {
            part: column_index(row, column),
            whole: column_index(row, TOTAL),
        };
        let formula = Formula::OfRow {
            owner: column_index(row, rows::OWNER),
            number: owner(row),
            formula: Box::new(share),
        };
        property.of("cpu", id.as_bytes(), &object, formula)
    })
}

/// The index of a column of a CPU. The columns of the file's other lines come first.
const fn column_index(row: usize, column: usize) -> usize {
    activity::WIDTH.saturating_add(rows::place(row, WIDTH, column))
}

/// The number of the owner of a row. A row has one CPU for good.
const fn owner(row: usize) -> u64 {
    row as u64
}

/// The number of names that are compared before a map of all names is made.
const LOOKAHEAD: usize = 64;

/// Adds the columns of `names` in a text of `/proc/stat`.
pub(super) fn read_columns(
    text: &[u8],
    names: &[Vec<u8>],
    last: &mut Vec<LastCounters>,
    columns: &mut Vec<Raw>,
) -> Result<(), &'static str> {
    last.resize(names.len(), LastCounters::default());
    // A CPU that is offline has no line.
    let first = columns.len();
    let width = rows::place(names.len(), WIDTH, 0);
    columns.resize(first.saturating_add(width), Raw::Fault(Fault::Gone));
    let columns = &mut columns[first..];
    let mut expected = 0;
    let mut has_line = false;
    let mut rows = HashMap::new();
    for line in lines(text) {
        has_line = true;
        // The lines are in the order of the CPU numbers. CPUs that are offline are skipped.
        let mut next = names.iter().enumerate().skip(expected).take(LOOKAHEAD);
        let next = next.find(|(_, name)| *name == line.name);
        let row = next.map(|(row, _)| row).or_else(|| {
            if rows.is_empty() {
                rows = names
                    .iter()
                    .enumerate()
                    .map(|(row, name)| (&**name, row))
                    .collect();
            }
            rows.get(line.name).copied()
        });
        // A CPU that was not present at discovery has no column.
        let Some(row) = row else { continue };
        expected = row.saturating_add(1);
        let columns = &mut columns[rows::place(row, WIDTH, 0)..][..WIDTH];
        match line.ended.then(|| counters(line.rest)).flatten() {
            Some(counters) => {
                let resets = last[row].replace(counters);
                columns[rows::OWNER] = RowOwner::new(owner(row), resets).column();
                for (column, count) in columns[USED..].iter_mut().zip(counters) {
                    *column = count.map_or(Raw::Fault(Fault::Gone), Raw::Counter);
                }
            }
            None => columns.fill(Raw::Fault(Fault::Malformed)),
        }
    }
    if expected < names.len() && is_cut(text) {
        let cut_off = columns
            .iter_mut()
            .filter(|column| matches!(column, Raw::Fault(_)));
        cut_off.for_each(|column| *column = Raw::Fault(Fault::Malformed));
    }
    if has_line { Ok(()) } else { Err(NO_LINE) }
}

/// Whether the text ends before the line of the interrupts, which follows those of the CPUs.
fn is_cut(text: &[u8]) -> bool {
    let last = text.trim_ascii_end().rsplit(|&byte| byte == b'\n').next();
    last.is_some_and(|last| last.starts_with(b"cpu") || b"cpu".starts_with(last))
}

/// The line of one CPU, or of all.
struct CpuLine<'a> {
    name: &'a [u8],
    rest: &'a [u8],
    ended: bool,
}

/// The lines of the CPUs, which come first. The line of the interrupts, by far the longest, is not scanned.
fn lines(text: &[u8]) -> impl Iterator<Item = CpuLine<'_>> {
    parse::ended_lines_while(text, |rest| rest.starts_with(b"cpu")).filter_map(|(line, ended)| {
        let blank = line.iter().position(|&byte| byte == b' ')?;
        Some(CpuLine {
            name: &line[..blank],
            rest: &line[blank..],
            ended,
        })
    })
}

#[cfg(test)]
mod tests;
