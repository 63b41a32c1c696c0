//! Pressure stall information: the time that tasks waited for a resource, from `/proc/pressure`.
//!
//! <https://docs.kernel.org/accounting/psi.html>

mod properties;
mod record;

use nix::libc;

use crate::{
    metric::{Group, Metric, Object},
    rate::Formula,
    reading::{Fault, Raw},
    source::{About, Error, Roots, Source, file::File, property::Property, rows::place},
};

use properties::{FULL, SOME, WIDTH};
use record::PressureFile;

/// The sources of `pressure`: one for each file.
pub(super) fn sources(roots: &Roots) -> Vec<Box<dyn Source>> {
    let boxed = |resource| Box::new(Pressure::new(roots, resource)) as Box<dyn Source>;
    RESOURCES.iter().map(boxed).collect()
}

/// One file of `/proc/pressure`.
struct Pressure {
    file: File,
    resource: &'static Resource,
}

/// The file, the title and the group of the resource, and the ids.
type Resource = (&'static str, &'static str, Group, [&'static str; 1]);

const RESOURCES: [Resource; 4] = [
    ("cpu", "CPU pressure", Group::Processor, ["pressure/cpu/*"]),
    (
        "memory",
        "Memory pressure",
        Group::Memory,
        ["pressure/memory/*"],
    ),
    ("io", "I/O pressure", Group::Disks, ["pressure/io/*"]),
    (
        "irq",
        "Interrupt pressure",
        Group::Processor,
        ["pressure/irq/*"],
    ),
];

/// The properties of the lines `some` and `full`. The columns are three averages and the total of each.
const LINES: [[Property; WIDTH + 1]; 2] = [SOME, FULL];
const TOTAL: usize = 3;

impl Pressure {
    fn new(roots: &Roots, resource: &'static Resource) -> Self {
        Self {
            file: File::new(roots.proc.join("pressure").join(resource.0)),
            resource,
        }
    }
}

impl Source for Pressure {
    fn about(&self) -> About<'_> {
        About::new("pressure", &self.resource.3)
    }

    fn discover(&mut self) -> Result<Vec<Metric>, Error> {
        let mut columns = Vec::new();
        match self.file.read() {
            Ok(text) => read_columns(text, &mut columns),
            // The file does not exist if the kernel is built without pressure; reading it fails with psi=0.
            Err(Error::Io { cause, .. })
                if matches!(cause.raw_os_error(), Some(libc::ENOENT | libc::EOPNOTSUPP)) =>
            {
                return Ok(Vec::new());
            }
            Err(error) => return Err(error),
        }
        let (id, title, group, _) = *self.resource;
        let object = Object::new(title, group);
        let mut metrics = Vec::new();
        for (row, properties) in LINES.iter().enumerate() {
            let first = place(row, WIDTH, 0);
            // The file `irq` has no line `some`, and `cpu` has no line `full` before Linux 5.13.
            if columns[first..][..WIDTH].iter().all(is_gone) {
                continue;
            }
            metrics.extend(properties.iter().enumerate().map(|(which, property)| {
                let formula = match which {
                    WIDTH => Formula::Busy {
                        counter: place(row, WIDTH, TOTAL),
                        second: 1e6,
                    },
                    column => Formula::Level(place(row, WIDTH, column)),
                };
                property.of("pressure", id.as_bytes(), &object, formula)
            }));
        }
        if metrics.is_empty() {
            return Err(Error::malformed(self.file.path(), NO_LINE));
        }
        Ok(metrics)
    }

    fn read(&mut self, columns: &mut Vec<Raw>) -> Result<(), Error> {
        read_columns(self.file.read()?, columns);
        if columns.iter().all(is_gone) {
            return Err(Error::malformed(self.file.path(), NO_LINE));
        }
        Ok(())
    }
}

const NO_LINE: &str = "no line begins with some or full";

fn is_gone(column: &Raw) -> bool {
    *column == Raw::Fault(Fault::Gone)
}

/// Reads the columns from a text of a file in `/proc/pressure`.
pub(super) fn read_columns(text: &[u8], columns: &mut Vec<Raw>) {
    let malformed = || Raw::Fault(Fault::Malformed);
    let PressureFile { some, full } = PressureFile::parse(text);
    for line in [some, full] {
        let Some(record) = line else {
            columns.extend([const { Raw::Fault(Fault::Gone) }; WIDTH]);
            continue;
        };
        for average in [record.avg10, record.avg60, record.avg300] {
            // A share of the time is at most all of it.
            let average = average.map(|average| average.min(100.0));
            columns.push(average.map_or_else(malformed, Raw::Number));
        }
        columns.push(record.total.map_or_else(malformed, Raw::Counter));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::tests::{Tree, read, roots};

    #[track_caller]
    fn check(text: &str, expected: [Option<[f64; 3]>; 2], totals: [Result<u64, Fault>; 2]) {
        let mut columns = Vec::new();
        read_columns(text.as_bytes(), &mut columns);
        for row in 0..2 {
            let averages = expected[row].map(|averages| averages.map(Raw::Number));
            if let Some(averages) = averages {
                assert_eq!(columns[row * WIDTH..][..3], averages);
            }
            let total = totals[row].map_or_else(Raw::Fault, Raw::Counter);
            assert_eq!(columns[row * WIDTH + 3], total);
        }
    }

    #[test]
    fn lines() {
        check(
            "some avg10=1.53 avg60=0.87 avg300=0.73 total=1088168194\nfull avg10=0.00 avg60=0.13 avg300=100.00 total=18446744073709551615\n",
            [Some([1.53, 0.87, 0.73]), Some([0.0, 0.13, 100.0])],
            [Ok(1088168194), Ok(u64::MAX)],
        );
        check(
            "some avg10=100.53 avg60=18446744073709551615.00 avg300=99.99 total=5\n",
            [Some([100.0, 100.0, 99.99]), None],
            [Ok(5), Err(Fault::Gone)],
        );
        check(
            "full avg10=0.00 avg60=0.13 avg300=0.08 total=5\n",
            [None, Some([0.0, 0.13, 0.08])],
            [Err(Fault::Gone), Ok(5)],
        );
        check(
            "some avg10=1.53 avg60=0.87 avg300=0.73 total=10881",
            [Some([1.53, 0.87, 0.73]), None],
            [Err(Fault::Malformed), Err(Fault::Gone)],
        );
        check(
            "some avg10=-1 total=3\nfull\n",
            [None, None],
            [Err(Fault::Malformed); 2],
        );
    }

    #[test]
    fn a_kernel_without_pressure_has_no_metrics() {
        let tree = Tree::new();
        for mut source in sources(&tree.roots()) {
            assert_eq!(source.discover().unwrap(), []);
        }
        tree.write("pressure/cpu", "");
        let error = sources(&tree.roots())[0].discover().unwrap_err();
        assert_eq!(error.fault(), Fault::Malformed);
    }

    #[test]
    fn fixtures() {
        let mut ids = Vec::new();
        for mut source in sources(&roots("laptop")) {
            let metrics = source.discover().unwrap();
            if !metrics.is_empty() {
                assert_eq!(read(source.as_mut()).len(), 2 * WIDTH);
            }
            ids.extend(metrics.into_iter().map(|metric| metric.id));
        }
        // The laptop's kernel has no file `irq`.
        assert_eq!(ids.len(), 3 * 10);
        assert!(ids.iter().any(|id| &**id == "pressure/io/full300Sec"));
    }
}
