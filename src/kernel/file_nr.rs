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
}

#[rustfmt::skip]
const PROPERTIES: [Property; 2] = [
    Property::new("open", "Open", "Number of files that all processes together have open.", "first number − second number of /proc/sys/fs/file-nr", unit::ONE, Kind::Gauge),
    Property::new("maximum", "Maximum", "Number of files that all processes together may have open.", "third number of /proc/sys/fs/file-nr", unit::ONE, Kind::Gauge),
];

impl OpenFiles {
    pub(super) fn new(roots: &Roots) -> Self {
        Self {
            file: File::new(roots.proc.join("sys/fs/file-nr")),
        }
    }
}

impl Source for OpenFiles {
    fn about(&self) -> About<'_> {
        About::new("os", &["os/files/*"])
    }

    fn discover(&mut self) -> Result<Vec<Metric>, Error> {
        if self.file.read_if_present()?.is_none() {
            return Ok(Vec::new());
        }
        let object = Object::new("Files", Group::System);
        let properties = PROPERTIES.iter().enumerate();
        Ok(properties
            .map(|(column, property)| property.of("os", b"files", &object, Formula::Level(column)))
            .collect())
    }

    fn read(&mut self, columns: &mut Vec<Raw>) -> Result<(), Error> {
        columns.extend(match read_columns(self.file.read()?) {
            Some(numbers) => numbers.map(Raw::Number),
            None => [const { Raw::Fault(Fault::Malformed) }; PROPERTIES.len()],
        });
        Ok(())
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
}

/// The columns in a text of `/proc/sys/fs/file-nr`.
fn read_columns(text: &[u8]) -> Option<[f64; PROPERTIES.len()]> {
    let files = FileNr::parse(text)?;
    let open = files.nr_files.checked_sub(files.nr_free_files)?;
    Some([open as f64, files.max_files as f64])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::tests::{Tree, read, roots};

    #[track_caller]
    fn check(text: &str, expected: Option<[f64; 2]>) {
        assert_eq!(read_columns(text.as_bytes()), expected);
    }

    #[test]
    fn lines() {
        check("474\t4\t2466186\n", Some([470.0, 2466186.0]));
        check("3\t4\t2466186\n", None);
        check("474\t0\n", None);
        check("474\t0\t24661", None);
    }

    #[test]
    fn fixtures() {
        let mut files = OpenFiles::new(&roots("laptop"));
        assert_eq!(files.discover().unwrap().len(), 2);
        assert_eq!(read(&mut files).len(), 2);
        let mut none = OpenFiles::new(&Tree::new().roots());
        assert_eq!(none.discover().unwrap(), []);
    }
}
