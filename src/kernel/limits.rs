//! What the kernel has a limited store of: open files and randomness.

use std::io;

use crate::{
    metric::{Kind, Metric, unit},
    rate::Formula,
    reading::{Fault, Raw},
    source::{Error, Roots, Source, file::File, parse, property::Property},
};

/// The sources of open files and of randomness.
pub(super) fn sources(roots: &Roots) -> Vec<Box<dyn Source>> {
    let boxed = |sort| Box::new(Limit::new(roots, sort)) as Box<dyn Source>;
    [&FILES, &ENTROPY].into_iter().map(boxed).collect()
}

/// One file with a line of numbers.
struct Limit {
    file: File,
    sort: &'static Sort,
}

struct Sort {
    file: &'static str,
    scope: [&'static str; 1],
    object: &'static str,
    properties: &'static [Property],
    /// The columns that follow from the numbers.
    columns: fn(&mut dyn Iterator<Item = u64>) -> Option<Vec<f64>>,
}

#[rustfmt::skip]
static FILES: Sort = Sort {
    file: "sys/fs/file-nr",
    scope: ["os/files/*"],
    object: "files",
    properties: &[
        Property::new("open", "open", "Files that are open in all processes: the first number of /proc/sys/fs/file-nr, less the second", unit::ONE, Kind::Gauge),
        Property::new("maximum", "that can be open", "Files that can be open in all processes: the third number of /proc/sys/fs/file-nr", unit::ONE, Kind::Gauge),
    ],
    columns: |numbers| {
        let (allocated, unused) = (numbers.next()?, numbers.next()?);
        let open = allocated.checked_sub(unused)?;
        Some(vec![open as f64, numbers.next()? as f64])
    },
};

#[rustfmt::skip]
static ENTROPY: Sort = Sort {
    file: "sys/kernel/random/entropy_avail",
    scope: ["os/random/*"],
    object: "random",
    properties: &[
        Property::new("entropy", "entropy", "Randomness that the kernel has gathered, 256 from Linux 5.18 on: /proc/sys/kernel/random/entropy_avail", unit::BITS, Kind::Gauge),
    ],
    columns: |numbers| Some(vec![numbers.next()? as f64]),
};

impl Limit {
    fn new(roots: &Roots, sort: &'static Sort) -> Self {
        Self {
            file: File::new(roots.proc.join(sort.file)),
            sort,
        }
    }
}

impl Source for Limit {
    fn name(&self) -> &'static str {
        "os"
    }

    fn scope(&self) -> &'static [&'static str] {
        &self.sort.scope
    }

    fn discover(&mut self) -> Result<Vec<Metric>, Error> {
        match self.file.read() {
            Ok(_) => {}
            Err(Error::Io { cause, .. }) if cause.kind() == io::ErrorKind::NotFound => {
                return Ok(Vec::new());
            }
            Err(error) => return Err(error),
        }
        let object = self.sort.object;
        let whose = if object == "files" {
            "Files"
        } else {
            "Random numbers,"
        };
        let properties = self.sort.properties.iter().enumerate();
        Ok(properties
            .map(|(column, property)| {
                property.of("os", object.as_bytes(), whose, Formula::Level(column))
            })
            .collect())
    }

    fn read(&mut self, columns: &mut Vec<Raw>) -> Result<(), Error> {
        let text = self.file.read()?;
        columns.extend(match read_columns(text, self.sort) {
            Some(numbers) => numbers.into_iter().map(Raw::Number).collect(),
            None => vec![Raw::Fault(Fault::Malformed); self.sort.properties.len()],
        });
        Ok(())
    }
}

fn read_columns(text: &[u8], sort: &Sort) -> Option<Vec<f64>> {
    let line = text.strip_suffix(b"\n")?;
    (sort.columns)(&mut parse::numbers(line))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::tests::{Tree, read, roots};

    #[track_caller]
    fn check(sort: &Sort, text: &str, expected: Option<&[f64]>) {
        let columns = read_columns(text.as_bytes(), sort);
        assert_eq!(columns.as_deref(), expected);
    }

    #[test]
    fn lines() {
        check(&FILES, "474\t4\t2466186\n", Some(&[470.0, 2466186.0]));
        check(&FILES, "3\t4\t2466186\n", None);
        check(&FILES, "474\t0\n", None);
        check(&FILES, "474\t0\t24661", None);
        check(&ENTROPY, "256\n", Some(&[256.0]));
        check(&ENTROPY, "-1\n", None);
        check(&ENTROPY, "", None);
    }

    #[test]
    fn fixtures() {
        let mut found = 0;
        for mut source in sources(&roots("laptop")) {
            let metrics = source.discover().unwrap();
            assert_eq!(read(source.as_mut()).len(), metrics.len());
            found += metrics.len();
        }
        assert_eq!(found, 3);
        for mut source in sources(&Tree::new().roots()) {
            assert_eq!(source.discover().unwrap(), []);
        }
    }
}
