//! The uptime of the machine: `/proc/uptime`.

use nix::time::ClockId;

use crate::{
    kernel::own_kernel,
    metric::{Group, Kind, Metric, Object, unit},
    rate::Formula,
    reading::{Fault, Raw, clock},
    source::{About, Error, Roots, Source, file::File, parse, property::Property},
};

/// `/proc/uptime`.
pub(super) struct Uptime {
    file: File,
    /// Whether the clock of this kernel tells the same.
    is_own: bool,
}

const UPTIME: Property = Property::new(
    "uptime",
    "Uptime",
    "Time since the machine was started, including sleep.",
    "first number of /proc/uptime, or CLOCK_BOOTTIME where that file is hidden",
    unit::SECONDS,
    Kind::Gauge,
);

impl Uptime {
    pub(super) fn new(roots: &Roots) -> Self {
        Self {
            file: File::new(roots.proc.join("uptime")),
            is_own: own_kernel::is_own(&roots.proc),
        }
    }

    /// The uptime; none if the file is malformed. `/proc` may lack the file (`subset=pid` of proc(5)), and Android denies
    /// it: then CLOCK_BOOTTIME tells the time.
    fn seconds(&mut self) -> Result<Option<f64>, Error> {
        match self.file.read() {
            Ok(text) => Ok(uptime(text)),
            Err(error) if self.is_own && own_kernel::is_hidden(&error) => {
                Ok(Some(clock(ClockId::CLOCK_BOOTTIME).as_secs_f64()))
            }
            Err(error) => Err(error),
        }
    }
}

impl Source for Uptime {
    fn about(&self) -> About<'_> {
        About::new("os", &["os/system/uptime"])
    }

    fn discover(&mut self) -> Result<Vec<Metric>, Error> {
        self.seconds()?;
        let object = Object::new("Operating system", Group::System);
        Ok(vec![UPTIME.of("os", b"system", &object, Formula::Level(0))])
    }

    fn read(&mut self, columns: &mut Vec<Raw>) -> Result<(), Error> {
        columns.push(
            self.seconds()?
                .map_or(Raw::Fault(Fault::Malformed), Raw::Number),
        );
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
    use crate::source::tests::{Tree, number_of, read, roots};

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
    fn the_clock_tells_the_same_where_the_file_is_hidden() {
        let tree = Tree::new();
        let mut hidden = Uptime::new(&tree.roots());
        // The file of another machine.
        assert!(hidden.discover().is_err());
        hidden.is_own = true;
        assert_eq!(hidden.discover().unwrap().len(), 1);
        let [before, by_clock, after] = [
            read(&mut Uptime::new(&Roots::default())),
            read(&mut hidden),
            read(&mut Uptime::new(&Roots::default())),
        ]
        .map(|columns| number_of(&columns[0]));
        // The file has hundredths of a second.
        assert!(
            (before..after + 0.011).contains(&by_clock),
            "{before} {by_clock} {after}"
        );
    }

    #[test]
    fn fixtures() {
        let mut laptop = Uptime::new(&roots("laptop"));
        assert_eq!(laptop.discover().unwrap().len(), 1);
        assert_eq!(read(&mut laptop).len(), 1);
    }
}
