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
        let devices = entries.into_iter().map(|entry| entry.path());
        // A device that was never set up has the size 0.
        let is_set_up = |device: &std::path::PathBuf| {
            let size = regular_file::table(&device.join("disksize")).ok();
            let size = size.and_then(|size| parse::number(size.trim_ascii()));
            size.is_some_and(|size| size > 0)
        };
        let files = devices
            .filter(is_set_up)
            .map(|device| device.join("mm_stat"));
        self.files = files.map(File::attribute).collect();
        if self.files.is_empty() {
            return Ok(Vec::new());
        }
        let object = Object::new("Compressed memory (zram)", Group::Memory);
        let properties = PROPERTIES.iter().enumerate();
        Ok(properties
            .map(|(column, property)| {
                property.of("memory", b"zram", &object, Formula::Level(column))
            })
            .collect())
    }

    fn read(&mut self, columns: &mut Vec<Raw>) -> Result<(), Error> {
        let mut sum: Option<MmStat> = None;
        for file in &mut self.files {
            let mm_stat = match file.read() {
                Ok(text) => MmStat::parse(text),
                // The device was removed.
                Err(error) if error.fault() == Fault::Gone => continue,
                Err(error) => return Err(error),
            };
            let Some(mm_stat) = mm_stat else {
                return Err(Error::malformed(file.path(), "it is not three numbers"));
            };
            let total = sum.unwrap_or_default().checked_add(mm_stat);
            sum = Some(total.ok_or_else(|| {
                Error::malformed(file.path(), "the sum of all devices does not fit")
            })?);
        }
        match sum {
            Some(MmStat {
                orig_data_size,
                compr_data_size,
                mem_used_total,
            }) => columns.extend(
                [orig_data_size, compr_data_size, mem_used_total]
                    .map(|bytes| Raw::Number(bytes as f64)),
            ),
            None => columns.resize(PROPERTIES.len(), Raw::Fault(Fault::Gone)),
        }
        Ok(())
    }
}

/// The first numbers in a text of `mm_stat`, in bytes.
///
/// ```text
///  1048576   262144   327680        0   327680        0        0        0
/// ```
///
/// The rest is not read: `mem_limit`, `mem_used_max`, `same_pages`, `pages_compacted`, and the fields that
/// newer kernels have added.
#[derive(Clone, Copy, Default)]
struct MmStat {
    orig_data_size: u64,
    compr_data_size: u64,
    mem_used_total: u64,
}

impl MmStat {
    fn parse(text: &[u8]) -> Option<Self> {
        let mut numbers = parse::numbers(text.strip_suffix(b"\n")?);
        Some(Self {
            orig_data_size: numbers.next()?,
            compr_data_size: numbers.next()?,
            mem_used_total: numbers.next()?,
        })
    }

    fn checked_add(self, other: Self) -> Option<Self> {
        Some(Self {
            orig_data_size: self.orig_data_size.checked_add(other.orig_data_size)?,
            compr_data_size: self.compr_data_size.checked_add(other.compr_data_size)?,
            mem_used_total: self.mem_used_total.checked_add(other.mem_used_total)?,
        })
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
        assert_eq!(read(&mut zram), [200.0, 20.0, 40.0].map(Raw::Number));
        tree.write("block/zram1/mm_stat", " 18446744073709551615 10 20\n");
        let error = zram.read(&mut Vec::new()).unwrap_err();
        assert_eq!(error.fault(), Fault::Malformed);
        tree.write("block/zram1/mm_stat", " 100 x\n");
        let error = zram.read(&mut Vec::new()).unwrap_err();
        assert_eq!(error.fault(), Fault::Malformed);
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
