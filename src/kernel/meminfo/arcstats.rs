//! The adaptive replacement cache of ZFS: `/proc/spl/kstat/zfs/arcstats`.
//!
//! ZFS keeps its cache in memory that the kernel does not count as a cache: it is neither in Cached nor in
//! MemAvailable of `/proc/meminfo`.
//!
//! <https://openzfs.github.io/openzfs-docs/man/master/4/zfs.4.html>

use crate::{
    kernel::lxcfs,
    reading::Fault,
    source::{
        Roots,
        file::File,
        parse::{self, layout::Layout},
    },
};

use super::record::{Amount, Line, MemInfo};

/// `/proc/spl/kstat/zfs/arcstats`.
pub(super) struct ArcStatsFile {
    file: File,
    layout: Layout<{ LINES.len() }>,
}

/// The lines that are read, up to the type of the number.
///
/// ```text
/// c_min                           4    1073741824
/// size                            4    4831838208
/// ```
struct ArcStats {
    /// The size to which ZFS shrinks the cache when memory is short, in bytes.
    c_min: Amount,
    /// The size of the cache, in bytes.
    size: Amount,
}

const LINES: [&[u8]; 2] = [b"c_min ", b"size "];

impl ArcStatsFile {
    /// The file; none if this kernel has no ZFS, or if the file tells of the host and `/proc/meminfo` of a container.
    pub(super) fn find(roots: &Roots, lines: &MemInfo) -> Option<Self> {
        let mut file = Self {
            file: File::of_records(roots.proc.join("spl/kstat/zfs/arcstats")),
            layout: Layout::default(),
        };
        let is_there = file.file.read_if_present().is_ok_and(|text| text.is_some());
        if !is_there || lxcfs::provides(&roots.proc, "meminfo") {
            return None;
        }
        let size = file.read().map(|stats| stats.size);
        let is_of_this_memory = size.is_ok_and(|size| size.is_err() || fits(size, lines));
        is_of_this_memory.then_some(file)
    }

    fn read(&mut self) -> Result<ArcStats, Fault> {
        let text = self.file.read().map_err(|error| error.fault())?;
        Ok(ArcStats::parse(text, &mut self.layout))
    }

    /// The size of the cache, and the part of it that programs can get.
    pub(super) fn amounts(&mut self, lines: &MemInfo) -> [Line; 2] {
        let ArcStats { c_min, size } = match self.read() {
            Ok(stats) => stats,
            // ZFS has been unloaded.
            Err(Fault::Gone) => return [Some(Err(Fault::Gone)), None],
            Err(fault) => return [Some(Err(fault)); 2],
        };
        if size.is_ok() && !fits(size, lines) {
            return [Some(Err(Fault::Malformed)), None];
        }
        let shrinkable = size.and_then(|size| Ok(size.saturating_sub(c_min?)));
        [Some(size), Some(shrinkable)]
    }
}

/// Whether the memory that is in use has room for a cache of this size. That of a container has not: the file tells of
/// its host.
fn fits(size: Amount, lines: &MemInfo) -> bool {
    let in_use = match (lines.mem_total, lines.mem_free) {
        (Some(Ok(total)), Some(Ok(free))) => total.checked_sub(free),
        _ => None,
    };
    matches!((size, in_use), (Ok(size), Some(in_use)) if size <= in_use)
}

impl ArcStats {
    fn parse(text: &[u8], layout: &mut Layout<{ LINES.len() }>) -> Self {
        let [c_min, size] = layout.find(text, &LINES).map(|rest| {
            let (_type, number) = parse::word(rest.ok_or(Fault::Malformed)?);
            parse::ended_number(number).ok_or(Fault::Malformed)
        });
        Self { c_min, size }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        let text = b"13 1 0x01 147 39984 5216 99\nname                            type data\nhits                            4    7\nc_min                           4    1024\nc_max                           4    9\nsize                            4    4096\ncompressed_size                 4    5\n";
        let stats = ArcStats::parse(text, &mut Layout::default());
        assert_eq!((stats.c_min, stats.size), (Ok(1024), Ok(4096)));
        let cut = ArcStats::parse(&text[..text.len() - 40], &mut Layout::default());
        assert_eq!((cut.c_min, cut.size), (Ok(1024), Err(Fault::Malformed)));
        let none = ArcStats::parse(b"", &mut Layout::default());
        assert_eq!(none.size, Err(Fault::Malformed));
    }
}
