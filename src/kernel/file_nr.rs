//! Open files of the whole system: `/proc/sys/fs/file-nr`.
//!
//! <https://docs.kernel.org/admin-guide/sysctl/fs.html>

use crate::{
    metric::{Group, Kind, Metric, Object, unit},
    rate::Formula,
    reading::{Fault, Raw},
    source::{About, Error, Roots, Source, file::File, parse, property::Property},
};

/// `/proc/sys/fs/file-nr`.
pub(super) struct OpenFiles {
    file: File,
    /// Whether there was a maximum at the last reading: `fs.file-max` can be set at any time.
    has_maximum: bool,
    /// Whether the last discovery has listed the maximum.
    listed_maximum: bool,
}

const OPEN: usize = 0;
const MAXIMUM: usize = 1;

#[rustfmt::skip]
const PROPERTIES: [Property; 2] = [
    Property::new("open", "Open", "Number of files that all processes together have open.", "first number − second number of /proc/sys/fs/file-nr", unit::ONE, Kind::Gauge),
    Property::new("maximum", "Maximum", "Number of files that all processes together may have open.", "third number of /proc/sys/fs/file-nr", unit::ONE, Kind::Gauge),
];

impl OpenFiles {
    pub(super) fn new(roots: &Roots) -> Self {
        Self {
            file: File::new(roots.proc.join("sys/fs/file-nr")),
            has_maximum: false,
            listed_maximum: false,
        }
    }
}

impl Source for OpenFiles {
    fn about(&self) -> About<'_> {
        About::new("os", &["os/files/*"])
    }

    fn discover(&mut self) -> Result<Vec<Metric>, Error> {
        let Some(text) = self.file.read_if_present()? else {
            return Ok(Vec::new());
        };
        let maximum = FileNr::parse(text).and_then(|files| files.maximum());
        self.has_maximum = maximum.is_some();
        self.listed_maximum = self.has_maximum;
        let object = Object::new("Files", Group::System);
        let properties = PROPERTIES.iter().enumerate();
        let mut metrics: Vec<_> = properties
            .map(|(column, property)| property.of("os", b"files", &object, Formula::Level(column)))
            .collect();
        match maximum {
            Some(maximum) => metrics[OPEN].maximum = Some(maximum as f64),
            None => drop(metrics.remove(MAXIMUM)),
        }
        Ok(metrics)
    }

    fn read(&mut self, columns: &mut Vec<Raw>) -> Result<(), Error> {
        let files = FileNr::parse(self.file.read()?);
        self.has_maximum = files
            .as_ref()
            .is_some_and(|files| files.maximum().is_some());
        columns.extend(read_columns(files));
        Ok(())
    }

    fn changed(&self) -> bool {
        self.has_maximum != self.listed_maximum
    }
}

/// The numbers in a text of `/proc/sys/fs/file-nr`. Their names are those of `files_stat_struct` in the kernel.
///
/// ```text
/// 474    0    2466186
/// ```
struct FileNr {
    /// File handles that are allocated.
    nr_files: u64,
    /// Allocated file handles that are not used: 0 since Linux 2.6.
    nr_free_files: u64,
    /// The maximum of file handles.
    max_files: u64,
}

impl FileNr {
    fn parse(text: &[u8]) -> Option<Self> {
        let mut numbers = parse::numbers(text.strip_suffix(b"\n")?);
        Some(Self {
            nr_files: numbers.next()?,
            nr_free_files: numbers.next()?,
            max_files: numbers.next()?,
        })
    }

    /// The maximum; none if the number of files is unlimited. systemd sets `fs.file-max` to the largest signed number.
    fn maximum(&self) -> Option<u64> {
        const UNLIMITED: u64 = i64::MAX as u64;
        Some(self.max_files).filter(|&maximum| maximum < UNLIMITED)
    }
}

/// The columns of a file; malformed without one.
fn read_columns(files: Option<FileNr>) -> [Raw; PROPERTIES.len()] {
    let columns = files.and_then(|files| {
        let open = files.nr_files.checked_sub(files.nr_free_files)?;
        let maximum = files.maximum().map(|maximum| Raw::Number(maximum as f64));
        Some([
            Raw::Number(open as f64),
            maximum.unwrap_or(Raw::Fault(Fault::Gone)),
        ])
    });
    columns.unwrap_or([const { Raw::Fault(Fault::Malformed) }; PROPERTIES.len()])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::tests::{Tree, read, roots};

    #[track_caller]
    fn check(text: &str, expected: Option<[f64; 2]>) {
        let malformed = [const { Raw::Fault(Fault::Malformed) }; 2];
        let expected = expected.map_or(malformed, |numbers| numbers.map(Raw::Number));
        assert_eq!(read_columns(FileNr::parse(text.as_bytes())), expected);
    }

    #[test]
    fn lines() {
        check("474\t4\t2466186\n", Some([470.0, 2466186.0]));
        check("3\t4\t2466186\n", None);
        check("474\t0\n", None);
        check("474\t0\t24661", None);
    }

    #[test]
    fn an_unlimited_number_of_files_has_no_maximum() {
        let tree = Tree::new();
        let mut files = OpenFiles::new(&tree.roots());
        let ids = |files: &mut OpenFiles| {
            let metrics = files.discover().unwrap();
            let ids = metrics
                .iter()
                .map(|metric| (metric.id.to_string(), metric.maximum));
            ids.collect::<Vec<_>>()
        };
        let (open, maximum) = ("os/files/open".to_owned(), "os/files/maximum".to_owned());
        tree.write("sys/fs/file-nr", "474\t0\t9223372036854775807\n");
        assert_eq!(ids(&mut files), [(open.clone(), None)]);
        assert_eq!(
            read(&mut files),
            [Raw::Number(474.0), Raw::Fault(Fault::Gone)]
        );
        assert!(!files.changed());
        tree.write("sys/fs/file-nr", "474\t0\t1000\n");
        assert_eq!(read(&mut files)[1], Raw::Number(1000.0));
        assert!(files.changed());
        let expected = [(open, Some(1000.0)), (maximum, None)];
        assert_eq!(ids(&mut files), expected);
        assert!(!files.changed());
    }

    #[test]
    fn fixtures() {
        // Without a limit.
        let mut files = OpenFiles::new(&roots("laptop"));
        assert_eq!(files.discover().unwrap().len(), 1);
        assert_eq!(read(&mut files).len(), 2);
        let mut none = OpenFiles::new(&Tree::new().roots());
        assert_eq!(none.discover().unwrap(), []);
    }
}
