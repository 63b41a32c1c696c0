//! How the CPUs spend their time: `/proc/stat`.

use std::borrow::Cow;

use crate::{
    rate::Formula,
    reading::{Fault, Kind, Metric, Raw, unit},
    source::{Error, Roots, Source, file::File, parse},
};

/// The lines of `/proc/stat` that begin with `cpu`.
pub(super) struct Cpu {
    file: File,
    /// The first word of each line known, in the order of the columns: `cpu`, `cpu0`, `cpu1`.
    /// It is only ever appended to, so that a column keeps its meaning.
    names: Vec<Vec<u8>>,
}

/// The columns of one line, counters in ticks.
const USED: usize = 0;
const USER: usize = 1;
const SYSTEM: usize = 2;
const WAIT: usize = 3;
const TOTAL: usize = 4;
const WIDTH: usize = 5;

/// The property, its name, its description and its column.
const PROPERTIES: [(&str, &str, &str, usize); 4] = [
    (
        "usage",
        "usage",
        "Share of the time spent working, from /proc/stat: (user + nice + system + irq + softirq + steal) / (the same + idle + iowait); waiting for a disk is not work",
        USED,
    ),
    (
        "user",
        "user usage",
        "Share of the time spent in programs and guests, from /proc/stat: (user + nice) / total",
        USER,
    ),
    (
        "system",
        "system usage",
        "Share of the time spent in the kernel, from /proc/stat: (system + irq + softirq) / total",
        SYSTEM,
    ),
    (
        "wait",
        "wait",
        "Share of the time idle while a task waited for a disk, from /proc/stat: iowait / total",
        WAIT,
    ),
];

impl Cpu {
    pub(super) fn new(roots: &Roots) -> Self {
        Self {
            file: File::new(roots.proc.join("stat")),
            names: vec![b"cpu".to_vec()],
        }
    }
}

impl Source for Cpu {
    fn name(&self) -> &'static str {
        "cpu"
    }

    fn scope(&self) -> &'static [&'static str] {
        &["cpu/*/usage", "cpu/*/user", "cpu/*/system", "cpu/*/wait"]
    }

    fn discover(&mut self) -> Result<Vec<Metric>, Error> {
        let text = self.file.read()?;
        let found: Vec<_> = lines(text).map(|line| line.name).collect();
        if found.is_empty() {
            return Err(Error::malformed(self.file.path(), NO_LINE));
        }
        for name in found {
            if is_numbered(name) && !self.names.iter().any(|known| known == name) {
                self.names.push(name.to_vec());
            }
        }
        Ok(self.names.iter().enumerate().flat_map(metrics).collect())
    }

    fn read(&mut self, columns: &mut Vec<Raw>) -> Result<(), Error> {
        let text = self.file.read()?;
        read_columns(text, &self.names, columns)
            .map_err(|what| Error::malformed(self.file.path(), what))
    }
}

const NO_LINE: &str = "no line begins with cpu";

/// Whether it is `cpu` and a number.
fn is_numbered(name: &[u8]) -> bool {
    name.strip_prefix(b"cpu").and_then(parse::number).is_some()
}

fn metrics((row, name): (usize, &Vec<u8>)) -> impl Iterator<Item = Metric> {
    let object = match &name[3..] {
        b"" => "all".to_owned(),
        number => format!("cpu{}", String::from_utf8_lossy(number)),
    };
    let whose = match &name[3..] {
        b"" => "CPU".to_owned(),
        number => format!("CPU {}", String::from_utf8_lossy(number)),
    };
    PROPERTIES
        .into_iter()
        .map(move |(property, label, description, column)| Metric {
            id: format!("cpu/{object}/{property}").into(),
            name: format!("{whose} {label}").into(),
            description: Cow::Borrowed(description),
            unit: Cow::Borrowed(unit::PERCENT),
            kind: Kind::Rate,
            minimum: Some(0.0),
            maximum: Some(100.0),
            formula: Formula::Share {
                part: row * WIDTH + column,
                whole: row * WIDTH + TOTAL,
            },
        })
}

/// The columns of `names` in a text of `/proc/stat`.
pub(super) fn read_columns(
    text: &[u8],
    names: &[Vec<u8>],
    columns: &mut Vec<Raw>,
) -> Result<(), &'static str> {
    // A cpu that is offline has no line. Nor has one whose line was cut off.
    let absent = if is_cut(text) {
        Fault::Malformed
    } else {
        Fault::Gone
    };
    columns.resize(names.len() * WIDTH, Raw::Fault(absent));
    let mut expected = 0;
    let mut any = false;
    for line in lines(text) {
        any = true;
        let row = match names.get(expected) {
            Some(name) if name == line.name => Some(expected),
            _ => names.iter().position(|name| name == line.name),
        };
        // A cpu that was not there at discovery has no column.
        let Some(row) = row else { continue };
        expected = row + 1;
        let columns = &mut columns[row * WIDTH..][..WIDTH];
        match line.ended.then(|| counters(line.rest)).flatten() {
            Some(counters) => {
                for (column, count) in columns.iter_mut().zip(counters) {
                    *column = Raw::Counter(count);
                }
            }
            None => columns.fill(Raw::Fault(Fault::Malformed)),
        }
    }
    if any { Ok(()) } else { Err(NO_LINE) }
}

/// Whether the text ends before the line of the interrupts, which follows those of the cpus.
fn is_cut(text: &[u8]) -> bool {
    let last = text.trim_ascii_end().rsplit(|&byte| byte == b'\n').next();
    last.is_some_and(|last| last.starts_with(b"cpu") || b"cpu".starts_with(last))
}

/// One line of a cpu, or of all.
struct Line<'a> {
    name: &'a [u8],
    rest: &'a [u8],
    ended: bool,
}

/// The lines of the cpus, which come first; the line of the interrupts, which is the longest by
/// far, is not looked at.
fn lines(text: &[u8]) -> impl Iterator<Item = Line<'_>> {
    parse::ended_lines(text)
        .take_while(|(line, _)| line.starts_with(b"cpu"))
        .filter_map(|(line, ended)| {
            let blank = line.iter().position(|&byte| byte == b' ')?;
            Some(Line {
                name: &line[..blank],
                rest: &line[blank..],
                ended,
            })
        })
}

/// The five counters of one line, by proc(5).
fn counters(rest: &[u8]) -> Option<[u64; WIDTH]> {
    let mut fields = parse::fields(rest).map(parse::number);
    let mut next = || fields.next().flatten();
    let (user, nice, system) = (next()?, next()?, next()?);
    let (idle, iowait) = (next()?, next()?);
    let (irq, softirq, steal) = (next()?, next()?, next()?);
    // What follows is guest and guest_nice: the kernel has added them to user and nice already.
    let user = user.checked_add(nice)?;
    let system = system.checked_add(irq)?.checked_add(softirq)?;
    let used = user.checked_add(system)?.checked_add(steal)?;
    // While a cpu sleeps, the time since it fell asleep is shown as iowait if a task that last ran
    // on it waits for a disk, and as idle once that task has gone elsewhere: the time moves from
    // one to the other, and each alone may go backwards (proc(5); `get_iowait_time` in
    // fs/proc/stat.c). Their sum does not. So the total is right and with it the usage, and only
    // the share of the waiting is without a value for once.
    let resting = idle.checked_add(iowait)?;
    let mut counters = [0; WIDTH];
    counters[USED] = used;
    counters[USER] = user;
    counters[SYSTEM] = system;
    counters[WAIT] = iowait;
    counters[TOTAL] = used.checked_add(resting)?;
    Some(counters)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        reading::{Reading, Snapshot, Stamp, Value},
        source::tests::{Tree, fixture, number_of, read},
    };

    fn names(count: usize) -> Vec<Vec<u8>> {
        let numbered = (0..count).map(|number| format!("cpu{number}").into_bytes());
        std::iter::once(b"cpu".to_vec()).chain(numbered).collect()
    }

    /// The first two lines, `cpu` and `cpu0`, of a text that is followed by others.
    fn columns(lines: &str) -> Vec<Raw> {
        let mut columns = Vec::new();
        read_columns(
            format!("{lines}\nintr 1\n").as_bytes(),
            &names(1),
            &mut columns,
        )
        .unwrap();
        columns
    }

    #[track_caller]
    fn check(line: &str, expected: Result<[u64; WIDTH], Fault>) {
        let expected = match expected {
            Ok(counts) => counts.map(Raw::Counter),
            Err(fault) => [const { Raw::Fault(Fault::Gone) }; WIDTH].map(|_| Raw::Fault(fault)),
        };
        let columns = columns(&format!("cpu  1 1 1 1 1 1 1 1 1 1\n{line}"));
        assert_eq!(columns[WIDTH..], expected);
        // What is wrong with one line is not wrong with another.
        assert_eq!(columns[..WIDTH], [6, 2, 3, 1, 8].map(Raw::Counter));
    }

    #[test]
    fn one_line() {
        check(
            "cpu0 100 20 30 1000 5 1 2 3 40 4",
            Ok([156, 120, 33, 5, 1161]),
        );
        check("cpu0 100 20 30 1000 5 1 2 3", Ok([156, 120, 33, 5, 1161]));
        check(
            "cpu0 9007199254740993 0 0 1 0 0 0 0 0 0",
            Ok([(1 << 53) + 1, (1 << 53) + 1, 0, 0, (1 << 53) + 2]),
        );
        check("cpu1 1 1 1 1 1 1 1 1 1 1", Err(Fault::Gone));
        check("cpu0 100 20 30 1000 5 1 2", Err(Fault::Malformed));
        check("cpu0 ", Err(Fault::Malformed));
        check("cpu0 100 20 30 1000 five 1 2 3 0 0", Err(Fault::Malformed));
        check("cpu0 100 -20 30 1000 5 1 2 3 0 0", Err(Fault::Malformed));
        check(
            "cpu0 18446744073709551616 0 0 0 0 0 0 0 0 0",
            Err(Fault::Malformed),
        );
        check(
            "cpu0 18446744073709551615 1 0 0 0 0 0 0 0 0",
            Err(Fault::Malformed),
        );
        check(
            "cpu0 18446744073709551615 0 0 1 0 0 0 0 0 0",
            Err(Fault::Malformed),
        );
    }

    #[test]
    fn a_text_that_was_cut_off_is_malformed_and_not_an_absent_cpu() {
        let whole = "cpu  1 1 1 1 1 1 1 1 1 1\ncpu0 1 1 1 1 1 1 1 1 1 1\n";
        for length in [25, 27, 30, 40, whole.len() - 1] {
            let mut columns = Vec::new();
            read_columns(&whole.as_bytes()[..length], &names(1), &mut columns).unwrap();
            assert_eq!(columns[0], Raw::Counter(6));
            assert_eq!(
                columns[WIDTH],
                Raw::Fault(Fault::Malformed),
                "cut at {length}"
            );
        }
        for text in ["", "\n", "intr 0\n", "cpu"] {
            assert_eq!(
                read_columns(text.as_bytes(), &names(1), &mut Vec::new()),
                Err(NO_LINE)
            );
        }
    }

    /// The reading of `id` between two texts of `/proc/stat`, one after the other.
    fn between(before: &str, after: &str, id: &str) -> Reading {
        let tree = Tree::new();
        let mut cpu = Cpu::new(&tree.roots());
        tree.write("stat", before);
        let metrics = cpu.discover().unwrap();
        let mut snapshots = [before, after].map(|text| {
            tree.write("stat", text);
            Snapshot {
                stamp: Stamp::now(),
                columns: read(&mut cpu),
            }
        });
        snapshots[1].stamp.monotonic =
            snapshots[0].stamp.monotonic + std::time::Duration::from_secs(1);
        snapshots[1].stamp.boottime =
            snapshots[0].stamp.boottime + std::time::Duration::from_secs(1);
        let metric = metrics.iter().find(|metric| &*metric.id == id).unwrap();
        metric.formula.evaluate(&snapshots[1], Some(&snapshots[0]))
    }

    #[test]
    fn shares_of_the_time_between_two_readings() {
        let (before, after) = (fixture!("stat/before"), fixture!("stat/after"));
        let share = |id| between(before, after, id);
        assert_eq!(share("cpu/all/usage"), Ok(Value::Number(30.0)));
        assert_eq!(share("cpu/all/user"), Ok(Value::Number(20.0)));
        assert_eq!(share("cpu/all/system"), Ok(Value::Number(9.0)));
        assert_eq!(share("cpu/all/wait"), Ok(Value::Number(10.0)));
        assert_eq!(share("cpu/cpu1/usage"), Ok(Value::Number(0.0)));
    }

    #[test]
    fn iowait_that_goes_backwards_spoils_nothing_but_itself() {
        let (before, after) = (fixture!("stat/before"), fixture!("stat/iowait-backwards"));
        assert_eq!(between(before, after, "cpu/all/wait"), Err(Fault::Reset));
        assert_eq!(
            between(before, after, "cpu/all/usage"),
            Ok(Value::Number(30.0))
        );
        let after = fixture!("stat/idle-backwards");
        assert_eq!(
            between(before, after, "cpu/all/wait"),
            Ok(Value::Number(80.0))
        );
        assert_eq!(
            between(before, after, "cpu/all/usage"),
            Ok(Value::Number(30.0))
        );
    }

    #[test]
    fn a_cpu_goes_offline_and_comes_back() {
        let (before, after) = (fixture!("stat/before"), fixture!("stat/cpu1-offline"));
        assert_eq!(between(before, after, "cpu/cpu1/usage"), Err(Fault::Gone));
        assert!(between(before, after, "cpu/cpu2/usage").is_ok());
        // It was offline at the discovery, so it has no column: until the next discovery.
        let tree = Tree::new();
        let mut cpu = Cpu::new(&tree.roots());
        tree.write("stat", after);
        assert_eq!(cpu.discover().unwrap().len(), 3 * 4);
        tree.write("stat", before);
        assert_eq!(read(&mut cpu).len(), 3 * WIDTH);
        let metrics = cpu.discover().unwrap();
        let last = metrics.last().unwrap();
        assert_eq!(
            (&*last.id, last.formula),
            (
                "cpu/cpu1/wait",
                Formula::Share {
                    part: 18,
                    whole: 19
                }
            )
        );
        assert!(
            !read(&mut cpu)
                .iter()
                .any(|column| matches!(column, Raw::Fault(_)))
        );
    }

    #[test]
    fn fixtures() {
        let mut laptop = Cpu::new(&crate::source::tests::roots("laptop"));
        assert_eq!(laptop.discover().unwrap().len(), 5 * 4);
        let mut server = Cpu::new(&crate::source::tests::roots("server"));
        assert_eq!(server.discover().unwrap().len(), 129 * 4);
        let columns = read(&mut server);
        assert_eq!(columns.len(), 129 * WIDTH);
        assert!(number_of(&columns[USED]) > (1_u64 << 53) as f64);
    }
}
