//! The entropy of the kernel's random number generator: `/proc/sys/kernel/random/entropy_avail`.
//!
//! <https://docs.kernel.org/admin-guide/sysctl/kernel.html#random>

use crate::{
    metric::{Group, Kind, Metric, Object, unit},
    rate::Formula,
    reading::{Fault, Raw},
    source::{About, Error, Roots, Source, file::File, parse, property::Property},
};

/// `/proc/sys/kernel/random/entropy_avail`.
pub(super) struct Entropy {
    file: File,
}

const ENTROPY: Property = Property::new(
    "entropy",
    "Entropy",
    "Randomness that the generator holds.",
    "/proc/sys/kernel/random/entropy_avail, which is 256 since Linux 5.18",
    unit::BITS,
    Kind::Gauge,
);

impl Entropy {
    pub(super) fn new(roots: &Roots) -> Self {
        Self {
            file: File::new(roots.proc.join("sys/kernel/random/entropy_avail")),
        }
    }
}

impl Source for Entropy {
    fn about(&self) -> About<'_> {
        About::new("os", &["os/random/*"])
    }

    fn discover(&mut self) -> Result<Vec<Metric>, Error> {
        if self.file.read_if_present()?.is_none() {
            return Ok(Vec::new());
        }
        let object = Object::new("Random number generator", Group::System);
        let formula = Formula::Level(0);
        Ok(vec![ENTROPY.of("os", b"random", &object, formula)])
    }

    fn read(&mut self, columns: &mut Vec<Raw>) -> Result<(), Error> {
        columns.push(match entropy_avail(self.file.read()?) {
            Some(bits) => Raw::Number(bits as f64),
            None => Raw::Fault(Fault::Malformed),
        });
        Ok(())
    }
}

/// The number in a text of `/proc/sys/kernel/random/entropy_avail`, in bits.
///
/// ```text
/// 256
/// ```
fn entropy_avail(text: &[u8]) -> Option<u64> {
    parse::numbers(text.strip_suffix(b"\n")?).next()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::tests::{Tree, read, roots};

    #[track_caller]
    fn check(text: &str, expected: Option<u64>) {
        assert_eq!(entropy_avail(text.as_bytes()), expected);
    }

    #[test]
    fn lines() {
        check("256\n", Some(256));
        check("-1\n", None);
        check("", None);
    }

    #[test]
    fn fixtures() {
        let mut entropy = Entropy::new(&roots("laptop"));
        assert_eq!(entropy.discover().unwrap().len(), 1);
        assert_eq!(read(&mut entropy).len(), 1);
        let mut none = Entropy::new(&Tree::new().roots());
        assert_eq!(none.discover().unwrap(), []);
    }
}
