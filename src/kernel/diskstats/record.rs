//! A line of `/proc/diskstats`.

use crate::source::parse;

/// The fields that are read, as Documentation/admin-guide/iostats.rst calls them; none for a field that has no 64 bits, or is
/// missing.
///
/// ```text
///    8       0 sda 1010 10 80800 505 900 20 70000 800 0 1200 1305 0 0 0 0 12 3
/// ```
///
/// Major, minor and name; eleven fields since Linux 2.6.25, four more since 4.18 and two since 5.5, which are not read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::kernel) struct DiskRecord {
    /// Field 1.
    pub(super) reads_completed: Option<u64>,
    /// Field 3, in sectors of 512 bytes.
    pub(super) sectors_read: Option<u64>,
    /// Field 4, in milliseconds modulo 2³².
    pub(super) time_reading: Option<u64>,
    /// Field 5.
    pub(super) writes_completed: Option<u64>,
    /// Field 7, in sectors of 512 bytes.
    pub(super) sectors_written: Option<u64>,
    /// Field 8, in milliseconds modulo 2³².
    pub(super) time_writing: Option<u64>,
    /// Field 9, the only one that goes down.
    pub(super) ios_in_progress: Option<u64>,
    /// Field 10, in milliseconds modulo 2³².
    pub(super) time_doing_ios: Option<u64>,
    /// Field 11, in milliseconds modulo 2³².
    pub(super) weighted_time_doing_ios: Option<u64>,
}

impl DiskRecord {
    /// Parses the rest of a line after the name. A field that is no number, or does not fit into 64 bits, or is missing at
    /// the end, affects only itself. The kernel has appended fields, and may do so again. None for a partition before Linux
    /// 2.6.25, which had four fields with another meaning.
    pub(super) fn parse(rest: &[u8]) -> Option<Self> {
        const OLD_PARTITION: usize = 4;
        let numbers = Self::of(parse::numbers(rest).map(Some));
        if numbers.weighted_time_doing_ios.is_some() {
            return Some(numbers);
        }
        let is_old = parse::fields(rest).count() <= OLD_PARTITION;
        (!is_old).then(|| Self::of(parse::fields(rest).map(parse::number)))
    }

    fn of(mut fields: impl Iterator<Item = Option<u64>>) -> Self {
        let mut next = || fields.next().flatten();
        let (reads_completed, _merged) = (next(), next());
        let (sectors_read, time_reading) = (next(), next());
        let (writes_completed, _merged) = (next(), next());
        Self {
            reads_completed,
            sectors_read,
            time_reading,
            writes_completed,
            sectors_written: next(),
            time_writing: next(),
            ios_in_progress: next(),
            time_doing_ios: next(),
            weighted_time_doing_ios: next(),
        }
    }

    /// Whether a counter has gone backwards. The milliseconds wrap after days under load, and the others do not.
    pub(super) fn is_reset(&self, now: &Self) -> bool {
        let counters = |record: &Self| {
            [
                record.reads_completed,
                record.sectors_read,
                record.writes_completed,
                record.sectors_written,
            ]
        };
        let times = |record: &Self| {
            [
                record.time_reading,
                record.time_writing,
                record.time_doing_ios,
                record.weighted_time_doing_ios,
            ]
        };
        let has_fallen = |(before, now): (Option<u64>, Option<u64>)| {
            before.zip(now).is_some_and(|(before, now)| now < before)
        };
        let is_wrap = |(before, now): (Option<u64>, Option<u64>)| {
            before
                .zip(now)
                .is_some_and(|(before, now)| before > u64::from(u32::MAX / 2) && now < before / 2)
        };
        let mut counters = counters(self).into_iter().zip(counters(now));
        let mut times = times(self).into_iter().zip(times(now));
        counters.any(has_fallen) || times.any(|both| has_fallen(both) && !is_wrap(both))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_those_of_the_documentation() {
        let record = DiskRecord::parse(b" 1 2 3 4 5 6 7 8 9 10 11 12 13").unwrap();
        let expected = DiskRecord {
            reads_completed: Some(1),
            sectors_read: Some(3),
            time_reading: Some(4),
            writes_completed: Some(5),
            sectors_written: Some(7),
            time_writing: Some(8),
            ios_in_progress: Some(9),
            time_doing_ios: Some(10),
            weighted_time_doing_ios: Some(11),
        };
        assert_eq!(record, expected);
        let strange = DiskRecord::parse(b" 1 2 x 4 5 6 7 8 9 10").unwrap();
        let expected = DiskRecord {
            sectors_read: None,
            weighted_time_doing_ios: None,
            ..expected
        };
        assert_eq!(strange, expected);
        assert_eq!(DiskRecord::parse(b" 1 2 3 4"), None);
    }
}
