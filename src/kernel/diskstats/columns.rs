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
    "Read rate",
    "Data read per second.",
    "growth of field 3 (sectors of 512 bytes) of the device's line in /proc/diskstats per second",
    unit::BYTES_PER_SECOND,
    Kind::Rate,
);
const WRITE_PROPERTY: Property = Property::new(
    "write",
    "Write rate",
    "Data written per second.",
    "growth of field 7 (sectors of 512 bytes) of the device's line in /proc/diskstats per second",
    unit::BYTES_PER_SECOND,
    Kind::Rate,
);

/// The properties of a device, and the formula of each over its row.
#[rustfmt::skip]
pub(super) const PROPERTIES: [RowProperty; 9] = [
    (READ_PROPERTY, |row| bytes(row + READ)),
    (WRITE_PROPERTY, |row| bytes(row + WRITTEN)),
    (Property::new("readOperations", "Reads", "Read requests completed per second.", "growth of field 1 of the device's line in /proc/diskstats per second", unit::PER_SECOND, Kind::Rate),
     |row| Formula::Rate { counter: row + READS, scale: 1.0 }),
    (Property::new("writeOperations", "Writes", "Write requests completed per second.", "growth of field 5 of the device's line in /proc/diskstats per second", unit::PER_SECOND, Kind::Rate),
     |row| Formula::Rate { counter: row + WRITES, scale: 1.0 }),
    (Property::new("readAwait", "Read latency", "Average time that a read request took, including its time in the queue.", "growth of field 4 (ms) / growth of field 1 of the device's line in /proc/diskstats; stale without a request", unit::MILLISECONDS, Kind::Rate),
     |row| Formula::Each { amount: row + READ_TIME, count: row + READS, scale: 1.0 }),
    (Property::new("writeAwait", "Write latency", "Average time that a write request took, including its time in the queue.", "growth of field 8 (ms) / growth of field 5 of the device's line in /proc/diskstats; stale without a request", unit::MILLISECONDS, Kind::Rate),
     |row| Formula::Each { amount: row + WRITE_TIME, count: row + WRITES, scale: 1.0 }),
    (Property::new("busy", "Busy", "Share of the time in which the device worked on requests.", "growth of field 10 (ms) / time between two readings, of the device's line in /proc/diskstats", unit::PERCENT, Kind::Rate),
     |row| Formula::Busy { counter: row + BUSY_TIME, second: 1000.0 }),
    (Property::new("queue", "Queue length", "Average number of requests that waited or were being served.", "growth of field 11 (ms × requests) / time between two readings, of the device's line in /proc/diskstats", unit::ONE, Kind::Rate).precision(2),
     |row| Formula::Rate { counter: row + QUEUE_TIME, scale: 1e-3 }),
    (Property::new("inFlight", "Requests in flight", "Number of requests that the device is serving at this moment.", "field 9 of the device's line in /proc/diskstats", unit::ONE, Kind::Gauge).short("Requests"),
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
            "Read rate",
            "Data read per second from all drives.",
            "growth of field 3 (sectors of 512 bytes) per second, summed over the lines of /proc/diskstats of devices that stand on no other device there, without loop devices and memory",
            unit::BYTES_PER_SECOND,
            Kind::Rate,
        ),
        ALL_READ,
    ),
    (
        Property::new(
            "write",
            "Write rate",
            "Data written per second to all drives.",
            "growth of field 7 (sectors of 512 bytes) per second, summed over the lines of /proc/diskstats of devices that stand on no other device there, without loop devices and memory",
            unit::BYTES_PER_SECOND,
            Kind::Rate,
        ),
        ALL_WRITTEN,
    ),
];
