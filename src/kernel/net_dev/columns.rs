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
    (Property::new("download", "download rate", "Bytes received: bytes of Receive in the interface's line of /proc/net/dev", unit::BYTES_PER_SECOND, Kind::Rate), |row| rate(row + DOWN, 1.0)),
    (Property::new("upload", "upload rate", "Bytes sent: bytes of Transmit in the interface's line of /proc/net/dev", unit::BYTES_PER_SECOND, Kind::Rate), |row| rate(row + UP, 1.0)),
    (Property::new("downloadBits", "download rate, bits", "Bits received: bytes of Receive in the interface's line of /proc/net/dev, times 8", unit::BITS_PER_SECOND, Kind::Rate), |row| rate(row + DOWN, 8.0)),
    (Property::new("uploadBits", "upload rate, bits", "Bits sent: bytes of Transmit in the interface's line of /proc/net/dev, times 8", unit::BITS_PER_SECOND, Kind::Rate), |row| rate(row + UP, 8.0)),
    (Property::new("totalDownload", "total downloaded", "Bytes received since the interface is there: bytes of Receive in its line of /proc/net/dev", unit::BYTES, Kind::Total), |row| Formula::Level(row + DOWN)),
    (Property::new("totalUpload", "total uploaded", "Bytes sent since the interface is there: bytes of Transmit in its line of /proc/net/dev", unit::BYTES, Kind::Total), |row| Formula::Level(row + UP)),
    (Property::new("downloadPackets", "packets received", "Packets received: packets of Receive in the interface's line of /proc/net/dev", unit::PER_SECOND, Kind::Rate), |row| rate(row + DOWN_PACKETS, 1.0)),
    (Property::new("uploadPackets", "packets sent", "Packets sent: packets of Transmit in the interface's line of /proc/net/dev", unit::PER_SECOND, Kind::Rate), |row| rate(row + UP_PACKETS, 1.0)),
    (Property::new("downloadErrors", "errors received", "Packets received with errors: errs of Receive in the interface's line of /proc/net/dev", unit::PER_SECOND, Kind::Rate), |row| rate(row + DOWN_ERRORS, 1.0)),
    (Property::new("uploadErrors", "errors sent", "Packets that could not be sent: errs of Transmit in the interface's line of /proc/net/dev", unit::PER_SECOND, Kind::Rate), |row| rate(row + UP_ERRORS, 1.0)),
    (Property::new("downloadDrops", "packets dropped, received", "Packets received and dropped: drop of Receive in the interface's line of /proc/net/dev", unit::PER_SECOND, Kind::Rate), |row| rate(row + DOWN_DROPS, 1.0)),
    (Property::new("uploadDrops", "packets dropped, sent", "Packets to be sent and dropped: drop of Transmit in the interface's line of /proc/net/dev", unit::PER_SECOND, Kind::Rate), |row| rate(row + UP_DROPS, 1.0)),
];

/// The properties of all interfaces together.
#[rustfmt::skip]
pub(super) const ALL: [(Property, Formula); 6] = [
    (Property::new("download", "download rate", "Bytes received by the machine, each once: bytes of Receive in the lines of hardware in /proc/net/dev, or, where there is none, of what stands on no other interface; never lo", unit::BYTES_PER_SECOND, Kind::Rate), sum(ALL_DOWN, 1.0)),
    (Property::new("upload", "upload rate", "Bytes sent by the machine, each once: bytes of Transmit in the lines of hardware in /proc/net/dev, or, where there is none, of what stands on no other interface; never lo", unit::BYTES_PER_SECOND, Kind::Rate), sum(ALL_UP, 1.0)),
    (Property::new("downloadBits", "download rate, bits", "Bits received by the machine: network/all/download times 8, from /proc/net/dev", unit::BITS_PER_SECOND, Kind::Rate), sum(ALL_DOWN, 8.0)),
    (Property::new("uploadBits", "upload rate, bits", "Bits sent by the machine: network/all/upload times 8, from /proc/net/dev", unit::BITS_PER_SECOND, Kind::Rate), sum(ALL_UP, 8.0)),
    (Property::new("totalDownload", "total downloaded", "Bytes received by the interfaces that are there and count for network/all/download: bytes of Receive in /proc/net/dev", unit::BYTES, Kind::Total), Formula::Level(0)),
    (Property::new("totalUpload", "total uploaded", "Bytes sent by the interfaces that are there and count for network/all/upload: bytes of Transmit in /proc/net/dev", unit::BYTES, Kind::Total), Formula::Level(1)),
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
