//! The columns of an interface, and the properties made of them.

use crate::{
    metric::{Kind, unit},
    rate::Formula,
    source::{
        property::Property,
        rows::{OWNER, table::RowProperty},
    },
};

/// The totals are the first columns.
pub(super) const TOTALS: usize = 2;

/// The first column of a row is that of its owner.
pub(super) const DOWN: usize = 1;
pub(super) const DOWN_PACKETS: usize = 2;
pub(super) const DOWN_ERRORS: usize = 3;
pub(super) const DOWN_DROPS: usize = 4;
pub(super) const UP: usize = 5;
pub(super) const UP_PACKETS: usize = 6;
pub(super) const UP_ERRORS: usize = 7;
pub(super) const UP_DROPS: usize = 8;
/// The same as DOWN and UP, for the interfaces that are counted in the totals.
pub(super) const ALL_DOWN: usize = 9;
pub(super) const ALL_UP: usize = 10;
pub(super) const WIDTH: usize = 11;

/// The number of columns that a line fills.
pub(super) const FIELDS: usize = ALL_DOWN - DOWN;

/// The properties of an interface, and the formula of each over its row.
#[rustfmt::skip]
pub(super) const PROPERTIES: [RowProperty; 12] = [
    (Property::new("download", "Download rate", "Data received per second.", "growth of bytes of Receive in the interface's line of /proc/net/dev per second", unit::BYTES_PER_SECOND, Kind::Rate), |row| rate(row + DOWN, 1.0)),
    (Property::new("upload", "Upload rate", "Data sent per second.", "growth of bytes of Transmit in the interface's line of /proc/net/dev per second", unit::BYTES_PER_SECOND, Kind::Rate), |row| rate(row + UP, 1.0)),
    (Property::new("downloadBits", "Download rate in bits", "Bits received per second.", "growth of 8 × bytes of Receive in the interface's line of /proc/net/dev per second", unit::BITS_PER_SECOND, Kind::Rate).short("Download bits"), |row| rate(row + DOWN, 8.0)),
    (Property::new("uploadBits", "Upload rate in bits", "Bits sent per second.", "growth of 8 × bytes of Transmit in the interface's line of /proc/net/dev per second", unit::BITS_PER_SECOND, Kind::Rate).short("Upload bits"), |row| rate(row + UP, 8.0)),
    (Property::new("totalDownload", "Total downloaded", "Data received since the interface was created.", "bytes of Receive in the interface's line of /proc/net/dev", unit::BYTES, Kind::Total), |row| Formula::Level(row + DOWN)),
    (Property::new("totalUpload", "Total uploaded", "Data sent since the interface was created.", "bytes of Transmit in the interface's line of /proc/net/dev", unit::BYTES, Kind::Total), |row| Formula::Level(row + UP)),
    (Property::new("downloadPackets", "Packets received", "Packets received per second.", "growth of packets of Receive in the interface's line of /proc/net/dev per second", unit::PER_SECOND, Kind::Rate), |row| rate(row + DOWN_PACKETS, 1.0)),
    (Property::new("uploadPackets", "Packets sent", "Packets sent per second.", "growth of packets of Transmit in the interface's line of /proc/net/dev per second", unit::PER_SECOND, Kind::Rate), |row| rate(row + UP_PACKETS, 1.0)),
    (Property::new("downloadErrors", "Receive errors", "Packets per second that arrived with errors.", "growth of errs of Receive in the interface's line of /proc/net/dev per second", unit::PER_SECOND, Kind::Rate), |row| rate(row + DOWN_ERRORS, 1.0)),
    (Property::new("uploadErrors", "Send errors", "Packets per second that could not be sent.", "growth of errs of Transmit in the interface's line of /proc/net/dev per second", unit::PER_SECOND, Kind::Rate), |row| rate(row + UP_ERRORS, 1.0)),
    (Property::new("downloadDrops", "Dropped packets received", "Packets per second that arrived and were dropped.", "growth of drop of Receive in the interface's line of /proc/net/dev per second", unit::PER_SECOND, Kind::Rate).short("Receive drops"), |row| rate(row + DOWN_DROPS, 1.0)),
    (Property::new("uploadDrops", "Dropped packets sent", "Packets per second that were to be sent and were dropped.", "growth of drop of Transmit in the interface's line of /proc/net/dev per second", unit::PER_SECOND, Kind::Rate).short("Send drops"), |row| rate(row + UP_DROPS, 1.0)),
];

/// The properties of all interfaces together.
#[rustfmt::skip]
pub(super) const ALL: [(Property, Formula); 6] = [
    (Property::new("download", "Download rate", "Data that the machine received per second.", "growth of bytes of Receive in /proc/net/dev, summed over the uplinks, which carry traffic out of the machine or the container, per second", unit::BYTES_PER_SECOND, Kind::Rate), sum(ALL_DOWN, 1.0)),
    (Property::new("upload", "Upload rate", "Data that the machine sent per second.", "growth of bytes of Transmit in /proc/net/dev, summed over the uplinks, which carry traffic out of the machine or the container, per second", unit::BYTES_PER_SECOND, Kind::Rate), sum(ALL_UP, 1.0)),
    (Property::new("downloadBits", "Download rate in bits", "Bits that the machine received per second.", "growth of 8 × bytes of Receive in /proc/net/dev, summed over the uplinks, which carry traffic out of the machine or the container, per second", unit::BITS_PER_SECOND, Kind::Rate).short("Download bits"), sum(ALL_DOWN, 8.0)),
    (Property::new("uploadBits", "Upload rate in bits", "Bits that the machine sent per second.", "growth of 8 × bytes of Transmit in /proc/net/dev, summed over the uplinks, which carry traffic out of the machine or the container, per second", unit::BITS_PER_SECOND, Kind::Rate).short("Upload bits"), sum(ALL_UP, 8.0)),
    (Property::new("totalDownload", "Total downloaded", "Data that the present interfaces have received since they were created.", "bytes of Receive in /proc/net/dev, summed over the uplinks, which carry traffic out of the machine or the container", unit::BYTES, Kind::Total), Formula::Level(0)),
    (Property::new("totalUpload", "Total uploaded", "Data that the present interfaces have sent since they were created.", "bytes of Transmit in /proc/net/dev, summed over the uplinks, which carry traffic out of the machine or the container", unit::BYTES, Kind::Total), Formula::Level(1)),
];

const fn rate(column: usize, scale: f64) -> Formula {
    Formula::Rate {
        counter: column,
        scale,
    }
}

const fn sum(column: usize, scale: f64) -> Formula {
    Formula::Sum {
        owner: TOTALS.saturating_add(OWNER),
        first: TOTALS.saturating_add(column),
        step: WIDTH,
        scale,
    }
}
