//! The metrics made of `/proc/meminfo`.

use crate::{
    metric::{Kind, unit},
    source::property::Property,
};

/// The object, the property, the quantity and, for a percentage, the quantity that is 100 per cent.
pub(super) type MemoryMetric = (usize, Property, usize, Option<usize>);

/// The objects: their names in ids, and their titles.
pub(super) const OBJECTS: [(&str, &str); 3] = [
    ("physical", "Memory"),
    ("swap", "Swap"),
    ("hugepages", "Huge pages"),
];
const PHYSICAL: usize = 0;
const SWAP: usize = 1;
const HUGE_PAGES: usize = 2;

pub(super) const TOTAL: usize = 0;
pub(super) const USED: usize = 1;
pub(super) const FREE: usize = 2;
pub(super) const APPLICATION: usize = 3;
pub(super) const CACHE: usize = 4;
pub(super) const BUFFER: usize = 5;
pub(super) const SWAP_TOTAL: usize = 6;
pub(super) const SWAP_USED: usize = 7;
pub(super) const SWAP_FREE: usize = 8;
pub(super) const SHARED: usize = 9;
pub(super) const SLAB: usize = 10;
pub(super) const DIRTY: usize = 11;
pub(super) const HUGE_TOTAL: usize = 12;
const HUGE_USED: usize = 13;
const HUGE_FREE: usize = 14;
const ARC: usize = 15;

#[rustfmt::skip]
pub(super) const METRICS: [MemoryMetric; 24] = [
    (PHYSICAL, bytes("total", "Total", "Memory of the machine that programs and the kernel can use.", "MemTotal of /proc/meminfo"), TOTAL, None),
    (PHYSICAL, bytes("used", "Used", "Memory that is in use and cannot be freed for other programs.", "MemTotal − MemAvailable of /proc/meminfo, − (size − c_min) of /proc/spl/kstat/zfs/arcstats with ZFS"), USED, None),
    (PHYSICAL, percent("usedPercent", "Used percentage", "Share of the memory that is in use and cannot be freed for other programs.", "memory/physical/used / MemTotal of /proc/meminfo"), USED, Some(TOTAL)),
    (PHYSICAL, bytes("free", "Free", "Memory that programs can get without swapping.", "MemAvailable of /proc/meminfo, before Linux 3.14 MemFree + Buffers + Cached + SReclaimable − Shmem; plus size − c_min of /proc/spl/kstat/zfs/arcstats with ZFS"), FREE, None),
    (PHYSICAL, percent("freePercent", "Free percentage", "Share of the memory that programs can get without swapping.", "memory/physical/free / MemTotal of /proc/meminfo"), FREE, Some(TOTAL)),
    (PHYSICAL, bytes("application", "Applications", "Memory of programs, without caches.", "MemTotal − MemFree − Cached − Buffers − Slab of /proc/meminfo, − (size − c_min) of /proc/spl/kstat/zfs/arcstats with ZFS"), APPLICATION, None),
    (PHYSICAL, percent("applicationPercent", "Applications percentage", "Share of the memory that programs use, without caches.", "memory/physical/application / MemTotal of /proc/meminfo"), APPLICATION, Some(TOTAL)),
    (PHYSICAL, bytes("cache", "Cache", "Memory that holds copies of files and objects of the kernel.", "Cached + Slab of /proc/meminfo"), CACHE, None),
    (PHYSICAL, percent("cachePercent", "Cache percentage", "Share of the memory that holds copies of files and objects of the kernel.", "(Cached + Slab) / MemTotal of /proc/meminfo"), CACHE, Some(TOTAL)),
    (PHYSICAL, bytes("buffer", "Buffers", "Memory that holds copies of blocks of disks.", "Buffers of /proc/meminfo"), BUFFER, None),
    (PHYSICAL, percent("bufferPercent", "Buffers percentage", "Share of the memory that holds copies of blocks of disks.", "Buffers / MemTotal of /proc/meminfo"), BUFFER, Some(TOTAL)),
    (SWAP, bytes("total", "Total", "Size of the swap space, 0 if there is none.", "SwapTotal of /proc/meminfo"), SWAP_TOTAL, None),
    (SWAP, bytes("used", "Used", "Swap space that is in use.", "SwapTotal − SwapFree of /proc/meminfo"), SWAP_USED, None),
    (SWAP, percent("usedPercent", "Used percentage", "Share of the swap space that is in use.", "(SwapTotal − SwapFree) / SwapTotal of /proc/meminfo"), SWAP_USED, Some(SWAP_TOTAL)),
    (SWAP, bytes("free", "Free", "Swap space that is free.", "SwapFree of /proc/meminfo"), SWAP_FREE, None),
    (SWAP, percent("freePercent", "Free percentage", "Share of the swap space that is free.", "SwapFree / SwapTotal of /proc/meminfo"), SWAP_FREE, Some(SWAP_TOTAL)),
    (PHYSICAL, bytes("available", "Available", "Memory that programs can get without swapping.", "the same as memory/physical/free: MemAvailable of /proc/meminfo"), FREE, None),
    (PHYSICAL, bytes("shared", "Shared", "Memory that processes share, and files in temporary file systems.", "Shmem of /proc/meminfo"), SHARED, None),
    (PHYSICAL, bytes("slab", "Kernel slab", "Memory that the kernel uses for its own objects.", "Slab of /proc/meminfo"), SLAB, None),
    (PHYSICAL, bytes("dirty", "Dirty", "Memory with changes that must still be written to disks.", "Dirty of /proc/meminfo"), DIRTY, None),
    (HUGE_PAGES, bytes("total", "Total", "Memory that is reserved for huge pages.", "HugePages_Total × Hugepagesize of /proc/meminfo"), HUGE_TOTAL, None),
    (HUGE_PAGES, bytes("used", "Used", "Memory in huge pages that is in use.", "(HugePages_Total − HugePages_Free) × Hugepagesize of /proc/meminfo"), HUGE_USED, None),
    (HUGE_PAGES, bytes("free", "Free", "Memory in huge pages that is free.", "HugePages_Free × Hugepagesize of /proc/meminfo"), HUGE_FREE, None),
    (PHYSICAL, bytes("arc", "ZFS cache", "Memory that ZFS uses as its cache (ARC).", "size of /proc/spl/kstat/zfs/arcstats"), ARC, None),
];

const fn bytes(
    id: &'static str,
    name: &'static str,
    description: &'static str,
    formula: &'static str,
) -> Property {
    Property::new(id, name, description, formula, unit::BYTES, Kind::Gauge)
}

const fn percent(
    id: &'static str,
    name: &'static str,
    description: &'static str,
    formula: &'static str,
) -> Property {
    Property::new(id, name, description, formula, unit::PERCENT, Kind::Gauge)
}
