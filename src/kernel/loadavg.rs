//! The load averages: `/proc/loadavg`.

use std::path::{Path, PathBuf};

use crate::{
    metric::{Group, Kind, Metric, Object, unit},
    rate::Formula,
    reading::{Fault, Raw},
    source::{About, Error, Roots, Source, file::File, parse, property::Property},
};

/// The three averages of `/proc/loadavg`.
pub(super) struct LoadAverages {
    file: File,
    osrelease: PathBuf,
}

const PROPERTIES: [Property; 3] = [
    Property::new(
        "loadaverage1",
        "1 minute",
        "Number of tasks that ran, were ready to run or waited for a disk, averaged over the last minute.",
        "first number of /proc/loadavg",
        unit::ONE,
        Kind::Gauge,
    )
    .precision(2),
    Property::new(
        "loadaverage5",
        "5 minutes",
        "Number of tasks that ran, were ready to run or waited for a disk, averaged over the last 5 minutes.",
        "second number of /proc/loadavg",
        unit::ONE,
        Kind::Gauge,
    )
    .precision(2),
    Property::new(
        "loadaverage15",
        "15 minutes",
        "Number of tasks that ran, were ready to run or waited for a disk, averaged over the last 15 minutes.",
        "third number of /proc/loadavg",
        unit::ONE,
        Kind::Gauge,
    )
    .precision(2),
];

impl LoadAverages {
    pub(super) fn new(roots: &Roots) -> Self {
        Self {
            file: File::new(roots.proc.join("loadavg")),
            osrelease: roots.proc.join("sys/kernel/osrelease"),
        }
    }
}

impl Source for LoadAverages {
    fn about(&self) -> About<'_> {
        About::new("loadavg", &["cpu/loadaverages/*"])
    }

    fn discover(&mut self) -> Result<Vec<Metric>, Error> {
        let is_made_up = LoadAverage::parse(self.file.read()?).is_ok_and(|load| load.is_made_up());
        if is_made_up || is_wsl1(&self.osrelease) {
            return Ok(Vec::new());
        }
        let object = Object::new("Load average", Group::Processor);
        let properties = PROPERTIES.iter().enumerate();
        let metric = |(column, property): (usize, &Property)| {
            property.of("cpu", b"loadaverages", &object, Formula::Level(column))
        };
        Ok(properties.map(metric).collect())
    }

    fn read(&mut self, columns: &mut Vec<Raw>) -> Result<(), Error> {
        let text = self.file.read()?;
        read_columns(text, columns).map_err(|what| Error::malformed(self.file.path(), what))
    }
}

/// The averages in a text of `/proc/loadavg`. A field that is not a number is none.
///
/// ```text
/// 0.20 0.18 0.12 1/80 11206
/// ```
///
/// Then come the runnable tasks, a slash, all tasks, and the last process id, which is not read.
struct LoadAverage {
    one: Option<f64>,
    five: Option<f64>,
    fifteen: Option<f64>,
    tasks: Option<u64>,
}

impl LoadAverage {
    fn parse(text: &[u8]) -> Result<Self, &'static str> {
        let line = text.strip_suffix(b"\n").ok_or("the line is not ended")?;
        let mut fields = parse::fields(line);
        let mut next = || fields.next().and_then(parse::decimal);
        let (one, five, fifteen) = (next(), next(), next());
        let tasks = fields.next().and_then(|tasks| parse::split(tasks, b'/'));
        Ok(Self {
            one,
            five,
            fifteen,
            tasks: tasks.and_then(|(_, all)| parse::number(all)),
        })
    }

    /// Whether the averages are 0 because nothing is counted, as in gVisor: there is at least the task that reads.
    fn is_made_up(&self) -> bool {
        self.tasks == Some(0)
    }
}

/// Whether this is WSL 1, where the averages always are 0.52, 0.58 and 0.59: <https://github.com/microsoft/WSL/issues/2814>.
/// WSL 2 has a kernel of Linux, and `-microsoft-` in its release.
fn is_wsl1(osrelease: &Path) -> bool {
    let release = File::new(osrelease).read().map(parse::text);
    release.is_ok_and(|release| release.ends_with("-Microsoft"))
}

/// The columns in a text of `/proc/loadavg`.
pub(super) fn read_columns(text: &[u8], columns: &mut Vec<Raw>) -> Result<(), &'static str> {
    let load = LoadAverage::parse(text)?;
    if load.is_made_up() {
        columns.extend([const { Raw::Fault(Fault::Gone) }; PROPERTIES.len()]);
        return Ok(());
    }
    for load in [load.one, load.five, load.fifteen] {
        columns.push(load.map_or(Raw::Fault(Fault::Malformed), Raw::Number));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::tests::{Tree, read, roots};

    #[track_caller]
    fn check(text: &str, expected: Option<[Option<f64>; 3]>) {
        let mut columns = Vec::new();
        let outcome = read_columns(text.as_bytes(), &mut columns);
        assert_eq!(outcome.is_ok(), expected.is_some());
        let expected = expected.into_iter().flatten();
        let expected = expected.map(|load| load.map_or(Raw::Fault(Fault::Malformed), Raw::Number));
        assert_eq!(columns, expected.collect::<Vec<_>>());
    }

    #[test]
    fn loads() {
        check(
            "0.20 0.18 12.00 1/80 11206\n",
            Some([Some(0.2), Some(0.18), Some(12.0)]),
        );
        check("0.20 -0.18 nan 1/80 11206\n", Some([Some(0.2), None, None]));
        check("0.20\n", Some([Some(0.2), None, None]));
        check(
            "0.20 0.18 12.00\n",
            Some([Some(0.2), Some(0.18), Some(12.0)]),
        );
        check("\n", Some([None, None, None]));
        check("0.20 0.18 0.1", None);
        check("", None);
    }

    #[test]
    fn averages_that_are_made_up_are_none() {
        let tree = Tree::new();
        let listed = |tree: &Tree| LoadAverages::new(&tree.roots()).discover().unwrap().len();
        tree.write("loadavg", "0.00 0.00 0.00 1/80 11206\n");
        assert_eq!(listed(&tree), 3);
        // gVisor.
        tree.write("loadavg", "0.00 0.00 0.00 0/0 0\n");
        assert_eq!(listed(&tree), 0);
        let gone = Raw::Fault(Fault::Gone);
        assert_eq!(read(&mut LoadAverages::new(&tree.roots())), vec![gone; 3]);
        tree.write("loadavg", "0.52 0.58 0.59 1/5 90\n");
        tree.write("sys/kernel/osrelease", "4.4.0-19041-Microsoft\n");
        assert_eq!(listed(&tree), 0);
        let wsl2 = "5.15.90.1-microsoft-standard-WSL2\n";
        tree.write("sys/kernel/osrelease", wsl2);
        assert_eq!(listed(&tree), 3);
    }

    #[test]
    fn fixtures() {
        let mut laptop = LoadAverages::new(&roots("laptop"));
        assert_eq!(laptop.discover().unwrap().len(), 3);
        assert_eq!(read(&mut laptop), [0.52, 0.58, 0.59].map(Raw::Number));
    }
}
