//! A line of `/proc/net/dev`.

use crate::source::parse;

/// The numbers of a line, by the headings of the file; none for a number that has no 64 bits, or is missing.
///
/// ```text
/// Inter-|   Receive                                                |  Transmit
///  face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
///   eth0: 1296000   12000    0    3    0     0          0       120   420000    5000    0    0    0     0       0          0
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(in crate::kernel) struct InterfaceRecord {
    pub(super) receive: DirectionRecord,
    pub(super) transmit: DirectionRecord,
}

/// The numbers of one direction. `fifo`, `frame` or `colls`, `compressed`, and `multicast` or `carrier` are not read.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(in crate::kernel) struct DirectionRecord {
    pub(super) bytes: Option<u64>,
    pub(super) packets: Option<u64>,
    pub(super) errs: Option<u64>,
    pub(super) drop: Option<u64>,
}

impl InterfaceRecord {
    /// Parses the rest of a line after the name; none for a line without a number. A field that is not as documented, and
    /// one that is missing, takes no other with it.
    pub(super) fn parse(rest: &[u8]) -> Option<Self> {
        let numbers = Self::of(parse::numbers(rest).map(Some));
        let record = match numbers.fields().contains(&None) {
            true => Self::of(parse::fields(rest).map(parse::number)),
            false => numbers,
        };
        record
            .fields()
            .iter()
            .any(Option::is_some)
            .then_some(record)
    }

    fn of(mut fields: impl Iterator<Item = Option<u64>>) -> Self {
        let receive = DirectionRecord::of(&mut fields);
        // fifo, frame, compressed and multicast.
        let mut fields = fields.skip(4);
        Self {
            receive,
            transmit: DirectionRecord::of(&mut fields),
        }
    }

    /// The fields in the order of the line, which is that of the columns.
    pub(super) fn fields(&self) -> [Option<u64>; 8] {
        let [rx, tx] = [self.receive, self.transmit];
        [
            rx.bytes, rx.packets, rx.errs, rx.drop, tx.bytes, tx.packets, tx.errs, tx.drop,
        ]
    }
}

impl DirectionRecord {
    fn of(fields: &mut impl Iterator<Item = Option<u64>>) -> Self {
        let mut next = || fields.next().flatten();
        Self {
            bytes: next(),
            packets: next(),
            errs: next(),
            drop: next(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_named_as_in_the_heading() {
        let record = InterfaceRecord::parse(b" 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16").unwrap();
        let direction = |bytes, packets, errs, drop| DirectionRecord {
            bytes: Some(bytes),
            packets: Some(packets),
            errs: Some(errs),
            drop: Some(drop),
        };
        assert_eq!(record.receive, direction(1, 2, 3, 4));
        assert_eq!(record.transmit, direction(9, 10, 11, 12));
        let strange = InterfaceRecord::parse(b" 1 x 3").unwrap();
        assert_eq!(strange.receive.bytes, Some(1));
        assert_eq!(strange.receive.packets, None);
        assert_eq!(strange.receive.errs, Some(3));
        assert_eq!(strange.transmit, DirectionRecord::default());
        assert_eq!(InterfaceRecord::parse(b" x"), None);
    }
}
