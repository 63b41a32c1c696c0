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
pub(super) const HUGE_USED: usize = 13;
pub(super) const HUGE_FREE: usize = 14;

#[rustfmt::skip]
pub(super) const METRICS: [MemoryMetric; 23] = [
    (PHYSICAL, bytes("total", "Total memory",
     "Memory that the kernel can use: MemTotal of /proc/meminfo"), TOTAL, None),
    (PHYSICAL, bytes("used", "Used memory",
     "Memory that new programs could not have without swapping: MemTotal - MemAvailable of /proc/meminfo"), USED, None),
    (PHYSICAL, percent("usedPercent", "Used memory, per cent",
     "Share of the memory that is used: (MemTotal - MemAvailable) / MemTotal of /proc/meminfo"), USED, Some(TOTAL)),
    (PHYSICAL, bytes("free", "Available memory",
     "Memory that new programs could have without swapping: MemAvailable of /proc/meminfo, before Linux 3.14 MemFree + Buffers + Cached + SReclaimable - Shmem"), FREE, None),
    (PHYSICAL, percent("freePercent", "Available memory, per cent",
     "Share of the memory that is available: MemAvailable / MemTotal of /proc/meminfo"), FREE, Some(TOTAL)),
    (PHYSICAL, bytes("application", "Application memory",
     "Memory that is neither free nor cache: MemTotal - MemFree - Cached - Buffers - Slab of /proc/meminfo"), APPLICATION, None),
    (PHYSICAL, percent("applicationPercent", "Application memory, per cent",
     "Share of the memory that is neither free nor cache: (MemTotal - MemFree - Cached - Buffers - Slab) / MemTotal of /proc/meminfo"), APPLICATION, Some(TOTAL)),
    (PHYSICAL, bytes("cache", "Cache memory",
     "Memory of cached files and of the kernel's own caches: Cached + Slab of /proc/meminfo"), CACHE, None),
    (PHYSICAL, percent("cachePercent", "Cache memory, per cent",
     "Share of the memory that is cache: (Cached + Slab) / MemTotal of /proc/meminfo"), CACHE, Some(TOTAL)),
    (PHYSICAL, bytes("buffer", "Buffer memory",
     "Memory of cached blocks of disks: Buffers of /proc/meminfo"), BUFFER, None),
    (PHYSICAL, percent("bufferPercent", "Buffer memory, per cent",
     "Share of the memory that is cached blocks of disks: Buffers / MemTotal of /proc/meminfo"), BUFFER, Some(TOTAL)),
    (SWAP, bytes("total", "Total swap",
     "Swap space, 0 where there is none: SwapTotal of /proc/meminfo"), SWAP_TOTAL, None),
    (SWAP, bytes("used", "Used swap",
     "Swap space that is used: SwapTotal - SwapFree of /proc/meminfo"), SWAP_USED, None),
    (SWAP, percent("usedPercent", "Used swap, per cent",
     "Share of the swap space that is used: (SwapTotal - SwapFree) / SwapTotal of /proc/meminfo; gone while there is none"), SWAP_USED, Some(SWAP_TOTAL)),
    (SWAP, bytes("free", "Free swap",
     "Swap space that is free: SwapFree of /proc/meminfo"), SWAP_FREE, None),
    (SWAP, percent("freePercent", "Free swap, per cent",
     "Share of the swap space that is free: SwapFree / SwapTotal of /proc/meminfo; gone while there is none"), SWAP_FREE, Some(SWAP_TOTAL)),
    (PHYSICAL, bytes("available", "Memory available to programs",
     "Memory that new programs could have without swapping: the same as memory/physical/free, MemAvailable of /proc/meminfo"), FREE, None),
    (PHYSICAL, bytes("shared", "Shared memory",
     "Memory of tmpfs and of shared memory, which is cache that cannot be dropped: Shmem of /proc/meminfo"), SHARED, None),
    (PHYSICAL, bytes("slab", "Slab memory",
     "Memory of the kernel's own caches: Slab of /proc/meminfo"), SLAB, None),
    (PHYSICAL, bytes("dirty", "Dirty memory",
     "Memory that waits to be written to disks: Dirty of /proc/meminfo"), DIRTY, None),
    (HUGE_PAGES, bytes("total", "Total huge pages",
     "Memory set aside for huge pages: HugePages_Total times Hugepagesize of /proc/meminfo"), HUGE_TOTAL, None),
    (HUGE_PAGES, bytes("used", "Used huge pages",
     "Memory set aside for huge pages and used: (HugePages_Total - HugePages_Free) times Hugepagesize of /proc/meminfo"), HUGE_USED, None),
    (HUGE_PAGES, bytes("free", "Free huge pages",
     "Memory set aside for huge pages and not used: HugePages_Free times Hugepagesize of /proc/meminfo"), HUGE_FREE, None),
];

const fn bytes(id: &'static str, name: &'static str, description: &'static str) -> Property {
    Property::new(id, name, description, unit::BYTES, Kind::Gauge)
}

const fn percent(id: &'static str, name: &'static str, description: &'static str) -> Property {
    Property::new(id, name, description, unit::PERCENT, Kind::Gauge)
}
