//! The uptime of the machine: `/proc/uptime`.

use crate::{
    metric::{Group, Kind, Metric, Object, unit},
    rate::Formula,
    reading::{Fault, Raw},
    source::{About, Error, Roots, Source, file::File, parse, property::Property},
};

/// `/proc/uptime`.
pub(super) struct Uptime {
    file: File,
}

const UPTIME: Property = Property::new(
    "uptime",
    "Uptime",
    "Time since the machine was started, including sleep.",
    "first number of /proc/uptime",
    unit::SECONDS,
    Kind::Gauge,
);

impl Uptime {
    pub(super) fn new(roots: &Roots) -> Self {
        Self {
            file: File::new(roots.proc.join("uptime")),
        }
    }
}

impl Source for Uptime {
    fn about(&self) -> About<'_> {
        About::new("os", &["os/system/uptime"])
    }

    fn discover(&mut self) -> Result<Vec<Metric>, Error> {
        self.file.read()?;
        let object = Object::new("Operating system", Group::System);
        Ok(vec![UPTIME.of("os", b"system", &object, Formula::Level(0))])
    }

    fn read(&mut self, columns: &mut Vec<Raw>) -> Result<(), Error> {
        let uptime = uptime(self.file.read()?);
        columns.push(uptime.map_or(Raw::Fault(Fault::Malformed), Raw::Number));
        Ok(())
    }
}

/// The first number in a text of `/proc/uptime`: the seconds since the boot.
///
/// ```text
/// 350735.47 234388.90
/// ```
///
/// The second number, the idle time summed over all CPUs, is not read.
pub(super) fn uptime(text: &[u8]) -> Option<f64> {
    let line = text.strip_suffix(b"\n")?;
    parse::fields(line).next().and_then(parse::decimal)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::tests::{read, roots};

    #[track_caller]
    fn check(text: &str, expected: Option<f64>) {
        assert_eq!(uptime(text.as_bytes()), expected);
    }

    #[test]
    fn uptimes() {
        check("350735.47 234388.90\n", Some(350735.47));
        check("0.00 0.00\n", Some(0.0));
        check("350735.4", None);
        check("-1.00 0.00\n", None);
        check("\n", None);
        check("", None);
    }

    #[test]
    fn fixtures() {
        let mut laptop = Uptime::new(&roots("laptop"));
        assert_eq!(laptop.discover().unwrap().len(), 1);
        assert_eq!(read(&mut laptop).len(), 1);
    }
}
