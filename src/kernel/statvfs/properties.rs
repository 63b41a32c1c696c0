//! The properties of a file system, in the order of their columns.

use crate::{
    metric::{Kind, unit},
    source::property::Property,
};

/// The number of properties that all file systems have together. Their columns come first.
pub(super) const ALL: usize = 5;

#[rustfmt::skip]
pub(super) const PROPERTIES: [Property; 9] = [
    Property::new("total", "Total space", "Size of the file system.", "f_blocks × f_frsize of statvfs(3)", unit::BYTES, Kind::Gauge),
    Property::new("used", "Used space", "Space that files and directories take up.", "(f_blocks − f_bfree) × f_frsize of statvfs(3)", unit::BYTES, Kind::Gauge),
    Property::new("free", "Free space", "Space that users can still fill.", "f_bavail × f_frsize of statvfs(3)", unit::BYTES, Kind::Gauge),
    Property::new("usedPercent", "Used percentage", "Share of the space for users that is used.", "used / (used + free) as in df(1): (f_blocks − f_bfree) / (f_blocks − f_bfree + f_bavail) of statvfs(3)", unit::PERCENT, Kind::Gauge),
    Property::new("freePercent", "Free percentage", "Share of the space for users that is free.", "free / (used + free): f_bavail / (f_blocks − f_bfree + f_bavail) of statvfs(3)", unit::PERCENT, Kind::Gauge),
    Property::new("totalInodes", "Total inodes", "Number of files that the file system can hold.", "f_files of statvfs(3); no metric without a fixed number", unit::ONE, Kind::Gauge),
    Property::new("usedInodes", "Used inodes", "Number of files that the file system holds.", "f_files − f_ffree of statvfs(3); no metric without a fixed number", unit::ONE, Kind::Gauge),
    Property::new("freeInodes", "Free inodes", "Number of files that can still be created.", "f_ffree of statvfs(3); no metric without a fixed number", unit::ONE, Kind::Gauge),
    Property::new("usedInodesPercent", "Used inodes percentage", "Share of the files that the file system can hold which exist.", "(f_files − f_ffree) / f_files of statvfs(3); no metric without a fixed number", unit::PERCENT, Kind::Gauge).short("Inode percentage"),
];

/// The properties of all file systems together: the first of [`PROPERTIES`].
#[rustfmt::skip]
pub(super) const ALL_PROPERTIES: [Property; ALL] = [
    Property::new("total", "Total space", "Size of all file systems on disks of this machine.", "f_blocks × f_frsize of statvfs(3), summed", unit::BYTES, Kind::Gauge),
    Property::new("used", "Used space", "Space that files and directories take up on all disks of this machine.", "(f_blocks − f_bfree) × f_frsize of statvfs(3), summed", unit::BYTES, Kind::Gauge),
    Property::new("free", "Free space", "Space that users can still fill on all disks of this machine.", "f_bavail × f_frsize of statvfs(3), summed", unit::BYTES, Kind::Gauge),
    Property::new("usedPercent", "Used percentage", "Share of the space for users that is used, on all disks of this machine.", "used / (used + free) of the sums from statvfs(3)", unit::PERCENT, Kind::Gauge),
    Property::new("freePercent", "Free percentage", "Share of the space for users that is free, on all disks of this machine.", "free / (used + free) of the sums from statvfs(3)", unit::PERCENT, Kind::Gauge),
];
