//! Compressed swap in memory: zram.
//!
//! <https://docs.kernel.org/admin-guide/blockdev/zram.html>

use std::io;

use crate::{
    metric::{Group, Kind, Metric, Object, unit},
    rate::Formula,
    reading::{Fault, Raw},
    regular_file,
    source::{About, Error, Roots, Source, file::File, parse, property::Property},
};

/// `mm_stat` of all zram devices together.
pub(super) struct Zram {
    roots: Roots,
    files: Vec<File>,
}

#[rustfmt::skip]
const PROPERTIES: [Property; 3] = [
    Property::new("original", "Original size", "Size of the stored data before compression.", "first number of /sys/block/zram*/mm_stat, summed over all devices", unit::BYTES, Kind::Gauge),
    Property::new("compressed", "Compressed size", "Size of the stored data after compression.", "second number of /sys/block/zram*/mm_stat, summed over all devices", unit::BYTES, Kind::Gauge),
    Property::new("used", "Memory used", "Memory that the devices take up, including fragmentation and metadata.", "third number of /sys/block/zram*/mm_stat, summed over all devices", unit::BYTES, Kind::Gauge),
];

impl Zram {
    pub(super) fn new(roots: &Roots) -> Self {
        Self {
            roots: roots.clone(),
            files: Vec::new(),
        }
    }
}

impl Source for Zram {
    fn about(&self) -> About<'_> {
        About::new("memory", &["memory/zram/*"]).of_devices(&["block"])
    }

    fn discover(&mut self) -> Result<Vec<Metric>, Error> {
        let path = self.roots.sys.join("block");
        let entries = match regular_file::entries(&path) {
            Ok(entries) => entries,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(cause) => return Err(Error::io(&path, cause)),
        };
        self.files.clear();
        let mut whole: u64 = 0;
        for device in entries.into_iter().map(|entry| entry.path()) {
            let size = regular_file::table(&device.join("disksize")).ok();
            let size = size.and_then(|size| parse::number(size.trim_ascii()));
            // A device that was never set up has the size 0.
            if let Some(size @ 1..) = size {
                whole = whole.saturating_add(size);
                self.files.push(File::attribute(device.join("mm_stat")));
            }
        }
        if self.files.is_empty() {
            return Ok(Vec::new());
        }
        let object = Object::new("Compressed memory (zram)", Group::Memory);
        let properties = PROPERTIES.iter().enumerate();
        Ok(properties
            .map(|(column, property)| Metric {
                maximum: Some(whole as f64),
                ..property.of("memory", b"zram", &object, Formula::Level(column))
            })
            .collect())
    }

    fn read(&mut self, columns: &mut Vec<Raw>) -> Result<(), Error> {
        let mut sum: Option<MmStat> = None;
        for file in &mut self.files {
            let mm_stat = match file.read() {
                Ok(text) => MmStat::parse(text),
                // The device was removed, or is set up no longer.
                Err(error) if error.fault() == Fault::Gone => continue,
                Err(error) => return Err(error),
            };
            let total = sum.unwrap_or(MmStat::ZERO);
            sum = Some(total.plus(mm_stat));
        }
        let column = |bytes: Option<u64>| match bytes {
            Some(bytes) => Raw::Number(bytes as f64),
            None => Raw::Fault(Fault::Malformed),
        };
        match sum {
            Some(MmStat {
                orig_data_size,
                compr_data_size,
                mem_used_total,
            }) => columns.extend([orig_data_size, compr_data_size, mem_used_total].map(column)),
            None => columns.resize(PROPERTIES.len(), Raw::Fault(Fault::Gone)),
        }
        Ok(())
    }
}

/// The first numbers in a text of `mm_stat`, in bytes; none for a field that is no number.
///
/// ```text
///  1048576   262144   327680        0   327680        0        0        0
/// ```
///
/// The rest is not read: `mem_limit`, `mem_used_max`, `same_pages`, `pages_compacted`, and the fields that
/// newer kernels have added.
#[derive(Clone, Copy)]
struct MmStat {
    orig_data_size: Option<u64>,
    compr_data_size: Option<u64>,
    mem_used_total: Option<u64>,
}

impl MmStat {
    const ZERO: Self = Self {
        orig_data_size: Some(0),
        compr_data_size: Some(0),
        mem_used_total: Some(0),
    };

    fn parse(text: &[u8]) -> Self {
        // The number at the end of a cut line may have lost digits.
        let line = text.strip_suffix(b"\n").unwrap_or_default();
        let mut fields = parse::fields(line);
        let mut next = || fields.next().and_then(parse::number);
        Self {
            orig_data_size: next(),
            compr_data_size: next(),
            mem_used_total: next(),
        }
    }

    /// The sum; a field without a number, or whose sum does not fit, has none.
    fn plus(self, other: Self) -> Self {
        let sum = |one: Option<u64>, other: Option<u64>| one?.checked_add(other?);
        Self {
            orig_data_size: sum(self.orig_data_size, other.orig_data_size),
            compr_data_size: sum(self.compr_data_size, other.compr_data_size),
            mem_used_total: sum(self.mem_used_total, other.mem_used_total),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::tests::{Tree, read, roots};

    #[test]
    fn devices_are_added_up() {
        let tree = Tree::new();
        let mut zram = Zram::new(&tree.roots());
        assert_eq!(zram.discover().unwrap(), []);
        for (device, size) in [("zram0", "4096\n"), ("zram1", "4096\n"), ("zram2", "0\n")] {
            tree.write(&format!("block/{device}/disksize"), size);
            tree.write(&format!("block/{device}/mm_stat"), " 100 10 20 0 30 0 0\n");
        }
        assert_eq!(zram.discover().unwrap().len(), 3);
        // One of them was removed.
        std::fs::remove_file(tree.root.join("block/zram1/mm_stat")).unwrap();
        assert_eq!(read(&mut zram), [100.0, 10.0, 20.0].map(Raw::Number));
        tree.write("block/zram1/mm_stat", " 100 10 20 0 30 0 0\n");
        assert_eq!(read(&mut zram), [200.0, 20.0, 40.0].map(Raw::Number));
        // A strange field affects only its column.
        for (text, malformed) in [
            (" 18446744073709551615 10 20\n", &[0][..]),
            (" 100 99999999999999999999 20 0\n", &[1]),
            (" 100 x 20\n", &[1]),
            (" 100\n", &[1, 2]),
            (" 100 10 2", &[0, 1, 2]),
            ("", &[0, 1, 2]),
        ] {
            tree.write("block/zram1/mm_stat", text);
            let columns = read(&mut zram).into_iter().enumerate();
            let faults = columns.filter(|(_, column)| *column == Raw::Fault(Fault::Malformed));
            let faults: Vec<_> = faults.map(|(column, _)| column).collect();
            assert_eq!(faults, malformed, "{text:?}");
        }
    }

    #[test]
    fn fixtures() {
        let mut laptop = Zram::new(&roots("laptop"));
        assert_eq!(laptop.discover().unwrap().len(), 3);
        let expected = [1048576.0, 262144.0, 327680.0];
        assert_eq!(read(&mut laptop), expected.map(Raw::Number));
        assert_eq!(Zram::new(&roots("server")).discover().unwrap(), []);
    }
}
