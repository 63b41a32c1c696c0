//! The contents of `/proc/meminfo`.

use crate::{
    reading::Fault,
    source::parse::{self, layout::Layout},
};

/// Bytes, or the fault of a line that is malformed.
pub(super) type Amount = Result<u64, Fault>;

/// The amount on a line; none if the kernel has no such line.
pub(super) type Line = Option<Amount>;

/// The lines of `/proc/meminfo` that are read, by proc(5). The fields have the names of the lines, and are in bytes or
/// in pages.
///
/// ```text
/// MemTotal:       16000000 kB
/// HugePages_Total:      16
/// ```
///
/// `MemAvailable` exists since Linux 3.14, `Shmem` since 2.6.32, `SReclaimable` since 2.6.19; the lines of huge
/// pages exist if the kernel has them (`CONFIG_HUGETLB_PAGE`). Of these lines, gVisor has none of the slab, and WSL 1
/// has `MemTotal`, `MemFree`, `SwapTotal` and `SwapFree` alone.
#[derive(Default)]
pub(super) struct MemInfo {
    pub(super) mem_total: Line,
    pub(super) mem_free: Line,
    pub(super) mem_available: Line,
    pub(super) buffers: Line,
    pub(super) cached: Line,
    pub(super) swap_total: Line,
    pub(super) swap_free: Line,
    pub(super) dirty: Line,
    pub(super) shmem: Line,
    pub(super) slab: Line,
    pub(super) s_reclaimable: Line,
    /// In pages of `hugepagesize`, as the next one.
    pub(super) huge_pages_total: Line,
    pub(super) huge_pages_free: Line,
    pub(super) hugepagesize: Line,
}

/// The lines of [`MemInfo`], up to the number, in the order of the file.
pub(super) const LINES: [&[u8]; 14] = [
    b"MemTotal:",
    b"MemFree:",
    b"MemAvailable:",
    b"Buffers:",
    b"Cached:",
    b"SwapTotal:",
    b"SwapFree:",
    b"Dirty:",
    b"Shmem:",
    b"Slab:",
    b"SReclaimable:",
    b"HugePages_Total:",
    b"HugePages_Free:",
    b"Hugepagesize:",
];

/// The indices in [`LINES`] of lines that count pages, not kilobytes.
const PAGES: std::ops::RangeInclusive<usize> = 11..=12;

impl MemInfo {
    /// Parses the text. Of two lines with one name, the first one counts.
    pub(super) fn parse(
        text: &[u8],
        layout: &mut Layout<{ LINES.len() }>,
    ) -> Result<Self, &'static str> {
        let found = layout.find(text, &LINES);
        if found[..*PAGES.start()].iter().all(Option::is_none) {
            return Err("no line tells of memory");
        }
        let [
            mem_total,
            mem_free,
            mem_available,
            buffers,
            cached,
            swap_total,
            swap_free,
            dirty,
            shmem,
            slab,
            s_reclaimable,
            huge_pages_total,
            huge_pages_free,
            hugepagesize,
        ] = std::array::from_fn(|which| {
            let value = found[which]?;
            let amount = if PAGES.contains(&which) {
                parse::ended_number(value)
            } else {
                parse::kilobytes(value)
            };
            Some(amount.ok_or(Fault::Malformed))
        });
        Ok(Self {
            mem_total,
            mem_free,
            mem_available,
            buffers,
            cached,
            swap_total,
            swap_free,
            dirty,
            shmem,
            slab,
            s_reclaimable,
            huge_pages_total,
            huge_pages_free,
            hugepagesize,
        })
    }
}
