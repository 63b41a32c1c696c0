//! What the kernel does on all CPUs together: the lines of `/proc/stat` after those of the CPUs.

use std::io::BufRead;

use crate::{
    metric::{Kind, Metric, unit},
    rate::Formula,
    reading::{Fault, Raw},
    source::{parse, property::Property},
};

/// The columns, in the order of [`PROPERTIES`].
pub(super) const WIDTH: usize = PROPERTIES.len();

const PROPERTIES: [(&[u8], Property); 5] = [
    (
        b"intr",
        Property::new(
            "interrupts",
            "interrupts",
            "Interrupts served: the first number of intr of /proc/stat",
            unit::PER_SECOND,
            Kind::Rate,
        ),
    ),
    (
        b"ctxt",
        Property::new(
            "contextSwitches",
            "context switches",
            "Changes from one task to another: ctxt of /proc/stat",
            unit::PER_SECOND,
            Kind::Rate,
        ),
    ),
    (
        b"processes",
        Property::new(
            "forks",
            "forks",
            "Processes and threads started: processes of /proc/stat",
            unit::PER_SECOND,
            Kind::Rate,
        ),
    ),
    (
        b"procs_running",
        Property::new(
            "runningTasks",
            "running tasks",
            "Tasks that run or could: procs_running of /proc/stat",
            unit::ONE,
            Kind::Gauge,
        ),
    ),
    (
        b"procs_blocked",
        Property::new(
            "blockedTasks",
            "blocked tasks",
            "Tasks that wait for a disk: procs_blocked of /proc/stat",
            unit::ONE,
            Kind::Gauge,
        ),
    ),
];

/// The metrics of the lines that a text has.
pub(super) fn metrics(text: &[u8]) -> Vec<Metric> {
    let mut columns = Vec::new();
    read_columns(text, &mut columns);
    let has = |column: &usize| columns[*column] != Raw::Fault(Fault::Gone);
    let metric = |column: usize| {
        let property = &PROPERTIES[column].1;
        let formula = match columns[column] {
            Raw::Number(_) => Formula::Level(column),
            _ => Formula::Rate {
                counter: column,
                scale: 1.0,
            },
        };
        property.of("cpu", b"all", "CPU", formula)
    };
    (0..WIDTH).filter(has).map(metric).collect()
}

/// The columns in a text of `/proc/stat`.
pub(super) fn read_columns(mut text: &[u8], columns: &mut Vec<Raw>) {
    const LINES_AFTER_INTERRUPTS: usize = 6;
    let first = columns.len();
    columns.resize(first.saturating_add(WIDTH), Raw::Fault(Fault::Gone));
    let columns = &mut columns[first..];
    while text.starts_with(b"cpu") && text.skip_until(b'\n').is_ok() {}
    if text.starts_with(b"intr ") {
        columns[0] = column(text, 0, |rest| parse::numbers(rest).next());
    }
    // From the end, so that the line of the interrupts, of many thousand bytes, is not walked over.
    let Some(text) = text.strip_suffix(b"\n") else {
        return;
    };
    let lines = text.rsplitn(LINES_AFTER_INTERRUPTS + 1, |&byte| byte == b'\n');
    for line in lines.take(LINES_AFTER_INTERRUPTS) {
        let is_key = |row: &(&[u8], Property)| {
            let rest = line.strip_prefix(row.0);
            rest.is_some_and(|rest| rest.starts_with(b" "))
        };
        if let Some(which @ 1..) = PROPERTIES.iter().position(is_key) {
            columns[which] = column(line, which, |rest| parse::number(rest.trim_ascii()));
        }
    }
}

fn column(line: &[u8], which: usize, number: impl Fn(&[u8]) -> Option<u64>) -> Raw {
    let (key, _) = &PROPERTIES[which];
    match number(&line[key.len()..]) {
        None => Raw::Fault(Fault::Malformed),
        Some(level) if matches!(*key, b"procs_running" | b"procs_blocked") => {
            Raw::Number(level as f64)
        }
        Some(count) => Raw::Counter(count),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::tests::fixture;

    #[track_caller]
    fn check(text: &str, expected: [Raw; WIDTH]) {
        let mut columns = Vec::new();
        read_columns(text.as_bytes(), &mut columns);
        assert_eq!(columns, expected);
    }

    #[test]
    fn lines() {
        use Raw::{Counter, Number};
        let (gone, malformed) = (Raw::Fault(Fault::Gone), Raw::Fault(Fault::Malformed));
        check(
            fixture!("laptop/proc/stat"),
            [
                Counter(9_000_000),
                Counter(20_000_000),
                Counter(12_345),
                Number(1.0),
                Number(0.0),
            ],
        );
        check(
            "cpu 1\nintr x\nctxt 5\nprocesses\nprocs_running -1\n",
            [
                malformed.clone(),
                Counter(5),
                gone.clone(),
                malformed,
                gone.clone(),
            ],
        );
        // The last line is cut: how much of it, nobody knows.
        check(
            "intr 7 1\nctxt 5",
            [
                Counter(7),
                gone.clone(),
                gone.clone(),
                gone.clone(),
                gone.clone(),
            ],
        );
        check("cpu 1", [const { Raw::Fault(Fault::Gone) }; WIDTH]);
    }
}
