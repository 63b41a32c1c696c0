//! The columns of a device, and the properties made of them.

use crate::{
    metric::{Kind, unit},
    rate::Formula,
    source::{property::Property, rows::table::RowProperty},
};

/// The first column is that of the owner of the row.
pub(super) const READS: usize = 1;
pub(super) const READ: usize = 2;
pub(super) const READ_TIME: usize = 3;
pub(super) const WRITES: usize = 4;
pub(super) const WRITTEN: usize = 5;
pub(super) const WRITE_TIME: usize = 6;
pub(super) const IN_FLIGHT: usize = 7;
pub(super) const BUSY_TIME: usize = 8;
pub(super) const QUEUE_TIME: usize = 9;
/// The same as READ and WRITTEN, for the devices that are counted in the totals.
pub(super) const ALL_READ: usize = 10;
pub(super) const ALL_WRITTEN: usize = 11;
pub(super) const WIDTH: usize = 12;

/// The number of columns that a line fills.
pub(super) const FIELDS: usize = ALL_READ - READS;

/// The unit of the kernel's counters, independent of the sector size of the device.
pub(super) const SECTOR: f64 = 512.0;

const fn bytes(column: usize) -> Formula {
    Formula::Rate {
        counter: column,
        scale: SECTOR,
    }
}

const READ_PROPERTY: Property = Property::new(
    "read",
    "read rate",
    "Bytes read: field 3 (sectors of 512 bytes) of the device's line in /proc/diskstats",
    unit::BYTES_PER_SECOND,
    Kind::Rate,
);
const WRITE_PROPERTY: Property = Property::new(
    "write",
    "write rate",
    "Bytes written: field 7 (sectors of 512 bytes) of the device's line in /proc/diskstats",
    unit::BYTES_PER_SECOND,
    Kind::Rate,
);

/// The properties of a device, and the formula of each over its row.
#[rustfmt::skip]
pub(super) const PROPERTIES: [RowProperty; 9] = [
    (READ_PROPERTY, |row| bytes(row + READ)),
    (WRITE_PROPERTY, |row| bytes(row + WRITTEN)),
    (Property::new("readOperations", "reads", "Read requests completed: field 1 of the device's line in /proc/diskstats", unit::PER_SECOND, Kind::Rate),
     |row| Formula::Rate { counter: row + READS, scale: 1.0 }),
    (Property::new("writeOperations", "writes", "Write requests completed: field 5 of the device's line in /proc/diskstats", unit::PER_SECOND, Kind::Rate),
     |row| Formula::Rate { counter: row + WRITES, scale: 1.0 }),
    (Property::new("readAwait", "read latency", "Time that a read request took, in the queue and the device, on average: field 4 / field 1 of the device's line in /proc/diskstats; stale while there was none", unit::MILLISECONDS, Kind::Rate),
     |row| Formula::Each { amount: row + READ_TIME, count: row + READS, scale: 1.0 }),
    (Property::new("writeAwait", "write latency", "Time that a write request took, in the queue and the device, on average: field 8 / field 5 of the device's line in /proc/diskstats; stale while there was none", unit::MILLISECONDS, Kind::Rate),
     |row| Formula::Each { amount: row + WRITE_TIME, count: row + WRITES, scale: 1.0 }),
    (Property::new("busy", "busy", "Share of the time in which the device had a request to do: field 10 (milliseconds) of its line in /proc/diskstats", unit::PERCENT, Kind::Rate),
     |row| Formula::Busy { counter: row + BUSY_TIME, second: 1000.0 }),
    (Property::new("queue", "queue length", "Requests waiting or being done, on average: field 11 (milliseconds, times the requests) of the device's line in /proc/diskstats", unit::ONE, Kind::Rate),
     |row| Formula::Rate { counter: row + QUEUE_TIME, scale: 1e-3 }),
    (Property::new("inFlight", "requests in flight", "Requests given to the device and not done at this moment: field 9 of its line in /proc/diskstats", unit::ONE, Kind::Gauge),
     |row| Formula::Level(row + IN_FLIGHT)),
];

/// The properties of a file system are those of its device.
pub(super) const FILE_SYSTEM_PROPERTIES: [RowProperty; 2] = [
    (READ_PROPERTY, |row| bytes(row + READ)),
    (WRITE_PROPERTY, |row| bytes(row + WRITTEN)),
];

pub(super) const ALL: [(Property, usize); 2] = [
    (
        Property::new(
            "read",
            "read rate",
            "Bytes read of all drives, each once: field 3 (sectors of 512 bytes) of the lines of whole devices in /proc/diskstats, without partitions, volumes, arrays, loop devices and those in memory",
            unit::BYTES_PER_SECOND,
            Kind::Rate,
        ),
        ALL_READ,
    ),
    (
        Property::new(
            "write",
            "write rate",
            "Bytes written to all drives, each once: field 7 (sectors of 512 bytes) of the lines of whole devices in /proc/diskstats, without partitions, volumes, arrays, loop devices and those in memory",
            unit::BYTES_PER_SECOND,
            Kind::Rate,
        ),
        ALL_WRITTEN,
    ),
];
