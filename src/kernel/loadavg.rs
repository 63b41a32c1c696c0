//! The load averages: `/proc/loadavg`.

use crate::{
    metric::{Group, Kind, Metric, Object, unit},
    rate::Formula,
    reading::{Fault, Raw},
    source::{About, Error, Roots, Source, file::File, parse, property::Property},
};

/// The three averages of `/proc/loadavg`.
pub(super) struct LoadAverages {
    file: File,
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
        }
    }
}

impl Source for LoadAverages {
    fn about(&self) -> About<'_> {
        About::new("loadavg", &["cpu/loadaverages/*"])
    }

    fn discover(&mut self) -> Result<Vec<Metric>, Error> {
        self.file.read()?;
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
/// The rest is not read: the runnable tasks, a slash, all tasks, and the last process id.
struct LoadAverage {
    one: Option<f64>,
    five: Option<f64>,
    fifteen: Option<f64>,
}

impl LoadAverage {
    fn parse(text: &[u8]) -> Result<Self, &'static str> {
        let line = text.strip_suffix(b"\n").ok_or("the line is not ended")?;
        let mut fields = parse::fields(line);
        let mut next = || fields.next().and_then(parse::decimal);
        Ok(Self {
            one: next(),
            five: next(),
            fifteen: next(),
        })
    }
}

/// The columns in a text of `/proc/loadavg`.
pub(super) fn read_columns(text: &[u8], columns: &mut Vec<Raw>) -> Result<(), &'static str> {
    let LoadAverage { one, five, fifteen } = LoadAverage::parse(text)?;
    for load in [one, five, fifteen] {
        columns.push(load.map_or(Raw::Fault(Fault::Malformed), Raw::Number));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::tests::{read, roots};

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
        check("\n", Some([None, None, None]));
        check("0.20 0.18 0.1", None);
        check("", None);
    }

    #[test]
    fn fixtures() {
        let mut laptop = LoadAverages::new(&roots("laptop"));
        assert_eq!(laptop.discover().unwrap().len(), 3);
        assert_eq!(read(&mut laptop), [0.52, 0.58, 0.59].map(Raw::Number));
    }
}
