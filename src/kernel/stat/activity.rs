//! Activity of the kernel on all CPUs together: the lines of `/proc/stat` after those of the CPUs.

use std::io::BufRead;

use crate::{
    kernel::per_cpu::all_cpus,
    metric::{Kind, Metric, unit},
    rate::Formula,
    reading::{Fault, Raw},
    source::{parse, property::Property},
};

/// The number of columns, which are in the order of [`PROPERTIES`].
pub(super) const WIDTH: usize = PROPERTIES.len();

const PROPERTIES: [Property; 5] = [
    Property::new(
        "interrupts",
        "Interrupts",
        "Interrupts that the processors handled per second.",
        "growth of the first number of intr in /proc/stat per second",
        unit::PER_SECOND,
        Kind::Rate,
    ),
    Property::new(
        "contextSwitches",
        "Context switches",
        "Switches from one task to another per second.",
        "growth of ctxt in /proc/stat per second",
        unit::PER_SECOND,
        Kind::Rate,
    ),
    Property::new(
        "forks",
        "Tasks started",
        "Processes and threads that were started per second.",
        "growth of processes in /proc/stat per second",
        unit::PER_SECOND,
        Kind::Rate,
    ),
    Property::new(
        "runningTasks",
        "Running tasks",
        "Processes and threads that run or are ready to run.",
        "procs_running of /proc/stat",
        unit::ONE,
        Kind::Gauge,
    ),
    Property::new(
        "blockedTasks",
        "Blocked tasks",
        "Processes and threads that wait for a disk.",
        "procs_blocked of /proc/stat",
        unit::ONE,
        Kind::Gauge,
    ),
];

/// The metrics of the lines that are in the text.
pub(super) fn metrics(text: &[u8]) -> Vec<Metric> {
    let mut columns = Vec::new();
    read_columns(text, &mut columns);
    let object = all_cpus();
    let has = |column: &usize| columns[*column] != Raw::Fault(Fault::Gone);
    let metric = |column: usize| {
        let property = &PROPERTIES[column];
        let formula = match columns[column] {
            Raw::Number(_) => Formula::Level(column),
            _ => Formula::Rate {
                counter: column,
                scale: 1.0,
            },
        };
        property.of("cpu", b"all", &object, formula)
    };
    (0..WIDTH).filter(has).map(metric).collect()
}

/// The lines of `/proc/stat` about all CPUs together, by proc(5). A line that is missing is gone.
///
/// ```text
/// intr 1462898 158 9 0 0
/// ctxt 20000000
/// btime 1700000000
/// processes 12345
/// procs_running 1
/// procs_blocked 0
/// softirq 1130223 3 423543
/// ```
struct Activity {
    /// The first number of the line is the sum of all interrupts; the number of each interrupt follows.
    intr: Result<u64, Fault>,
    ctxt: Result<u64, Fault>,
    processes: Result<u64, Fault>,
    /// Since Linux 2.5.45.
    procs_running: Result<u64, Fault>,
    /// Since Linux 2.5.45.
    procs_blocked: Result<u64, Fault>,
}

impl Activity {
    fn parse(mut text: &[u8]) -> Self {
        const LINES_AFTER_INTERRUPTS: usize = 6;
        let mut activity = Self {
            intr: Err(Fault::Gone),
            ctxt: Err(Fault::Gone),
            processes: Err(Fault::Gone),
            procs_running: Err(Fault::Gone),
            procs_blocked: Err(Fault::Gone),
        };
        while text.starts_with(b"cpu") && text.skip_until(b'\n').is_ok() {}
        if let Some(rest) = text.strip_prefix(b"intr ") {
            // A kernel that does not count each interrupt has nothing behind the sum.
            let end = rest.iter().position(|byte| matches!(byte, b' ' | b'\n'));
            let sum = end.and_then(|end| parse::number(&rest[..end]));
            activity.intr = sum.ok_or(Fault::Malformed);
        }
        // Searched from the end of the text, in order not to scan the line of the interrupts, which has many
        // thousand bytes.
        let Some(text) = text.strip_suffix(b"\n") else {
            return activity;
        };
        let lines = text.rsplitn(LINES_AFTER_INTERRUPTS + 1, |&byte| byte == b'\n');
        for line in lines.take(LINES_AFTER_INTERRUPTS) {
            let Some((key, rest)) = parse::split(line, b' ') else {
                continue;
            };
            let field = match key {
                b"ctxt" => &mut activity.ctxt,
                b"processes" => &mut activity.processes,
                b"procs_running" => &mut activity.procs_running,
                b"procs_blocked" => &mut activity.procs_blocked,
                _ => continue,
            };
            *field = parse::number(rest.trim_ascii()).ok_or(Fault::Malformed);
        }
        activity
    }
}

/// Adds the columns in a text of `/proc/stat`.
pub(super) fn read_columns(text: &[u8], columns: &mut Vec<Raw>) {
    let Activity {
        intr,
        ctxt,
        processes,
        procs_running,
        procs_blocked,
    } = Activity::parse(text);
    // gVisor and OpenVZ write 0 where they do not count: since boot there was an interrupt, a switch and a process.
    let counter = |count: Result<u64, Fault>| match count {
        Ok(0) => Raw::Fault(Fault::Gone),
        count => count.map_or_else(Raw::Fault, Raw::Counter),
    };
    let level = |level: Result<u64, Fault>| {
        level.map_or_else(Raw::Fault, |level| Raw::Number(level as f64))
    };
    columns.extend([intr, ctxt, processes].map(counter));
    // The task that reads the file runs.
    columns.extend(match procs_running {
        Ok(0) => [const { Raw::Fault(Fault::Gone) }; 2],
        _ => [procs_running, procs_blocked].map(level),
    });
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
        check(
            "intr 7\nctxt 0\nprocs_running 0\nprocs_blocked 0\n",
            [
                Counter(7),
                gone.clone(),
                gone.clone(),
                gone.clone(),
                gone.clone(),
            ],
        );
        // The last line is cut, and its number may have lost digits.
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
