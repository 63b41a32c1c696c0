//! The answer of statvfs(3), and the columns made from it.

use super::properties::PROPERTIES;
use crate::reading::{Fault, Raw};

/// The fields of `struct statvfs` that are read, by statvfs(3).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Statvfs {
    /// The unit of the numbers of blocks, in bytes.
    pub(super) f_frsize: u64,
    /// The size of the file system, in blocks.
    pub(super) f_blocks: u64,
    /// The free blocks.
    pub(super) f_bfree: u64,
    /// The free blocks that users may take.
    pub(super) f_bavail: u64,
    /// The number of files that the file system can hold.
    pub(super) f_files: u64,
    /// The number of files that can still be created.
    pub(super) f_ffree: u64,
    /// The id of the file system, for most types made from its UUID; 0 where the type has none.
    pub(super) f_fsid: u64,
}

/// The space of a file system in bytes, and its inodes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct SpaceUsage {
    /// 0 if the file system does not tell its size.
    pub(super) total: u64,
    pub(super) used: u64,
    pub(super) free: u64,
    /// 0 if the file system has no fixed number of inodes, or does not tell it.
    pub(super) inodes: u64,
    pub(super) inodes_free: u64,
    /// The device number of its directories.
    pub(super) device: (u64, u64),
}

/// The smallest number that means no limit, or a negative number.
const UNLIMITED: u64 = i64::MAX as u64;

impl SpaceUsage {
    /// The space in an answer for a directory with this device number.
    ///
    /// A part is at most its whole: free blocks beyond the size are the size, and blocks for users beyond the free ones are
    /// the free ones. A negative number of free blocks, which servers tell while their reserve is in use, is 0. A number of
    /// free inodes above that of all is none of either.
    ///
    /// # Errors
    /// [`Fault::Malformed`] if the size does not fit into 64 bits.
    pub(super) fn new(answer: &Statvfs, device: (u64, u64)) -> Result<Self, Fault> {
        let part = |part: u64, whole: u64| if part > UNLIMITED { 0 } else { part.min(whole) };
        let unused = part(answer.f_bfree, answer.f_blocks);
        let for_users = part(answer.f_bavail, unused);
        let bytes = |blocks: u64| blocks.checked_mul(answer.f_frsize).ok_or(Fault::Malformed);
        // Btrfs and FAT have no fixed number of inodes, and a server that does not count them says so with the largest
        // number.
        let has_inodes = answer.f_files < UNLIMITED && answer.f_ffree <= answer.f_files;
        let (inodes, inodes_free) = match has_inodes {
            true => (answer.f_files, answer.f_ffree),
            false => (0, 0),
        };
        Ok(Self {
            total: bytes(answer.f_blocks)?,
            used: bytes(answer.f_blocks.saturating_sub(unused))?,
            free: bytes(for_users)?,
            inodes,
            inodes_free,
            device,
        })
    }

    /// The sum of the space; none if it overflows.
    pub(super) fn checked_add(self, other: Self) -> Option<Self> {
        Some(Self {
            total: self.total.checked_add(other.total)?,
            used: self.used.checked_add(other.used)?,
            free: self.free.checked_add(other.free)?,
            ..Self::default()
        })
    }

    /// Whether each property has a value, in the order of [`PROPERTIES`]. Programs and servers that do not know the size
    /// tell 0.
    pub(super) fn has_values(self) -> [bool; PROPERTIES.len()] {
        let (space, inodes) = (self.total > 0, self.inodes > 0);
        let share = space && self.used.checked_add(self.free) != Some(0);
        [
            space, space, space, share, share, inodes, inodes, inodes, inodes,
        ]
    }

    /// The size of which each property is a part, in the order of [`PROPERTIES`].
    pub(super) fn wholes(self) -> [Option<f64>; PROPERTIES.len()] {
        let known = |size: u64| (size > 0).then_some(size as f64);
        let (space, inodes) = (known(self.total), known(self.inodes));
        [None, space, space, None, None, None, inodes, inodes, None]
    }

    pub(super) fn columns(self) -> [Raw; PROPERTIES.len()] {
        let percent = |part: u64, whole: Option<u64>| match whole {
            None => Raw::Fault(Fault::Malformed),
            Some(whole) => Raw::Number(100.0 * part as f64 / whole as f64),
        };
        let number = |number: u64| Raw::Number(number as f64);
        let usable = self.used.checked_add(self.free);
        let inodes_used = self.inodes.saturating_sub(self.inodes_free);
        let mut columns = [
            number(self.total),
            number(self.used),
            number(self.free),
            percent(self.used, usable),
            percent(self.free, usable),
            number(self.inodes),
            number(inodes_used),
            number(self.inodes_free),
            percent(inodes_used, Some(self.inodes)),
        ];
        for (column, has_value) in columns.iter_mut().zip(self.has_values()) {
            if !has_value {
                *column = Raw::Fault(Fault::Gone);
            }
        }
        columns
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MB: u64 = 1 << 20;

    #[test]
    fn columns_of_df() {
        let usage = SpaceUsage {
            total: 100 * MB,
            used: 60 * MB,
            free: 30 * MB,
            inodes: 1000,
            inodes_free: 750,
            ..SpaceUsage::default()
        };
        let numbers = [100.0, 60.0, 30.0].map(|megabytes| megabytes * MB as f64);
        let columns = usage.columns();
        assert_eq!(columns[..3], numbers.map(Raw::Number));
        let [used, free] = [&columns[3], &columns[4]].map(crate::source::tests::number_of);
        assert!((used - 66.666).abs() < 1e-3 && (used + free - 100.0).abs() < 1e-9);
        assert_eq!(columns[5..], [1000.0, 250.0, 750.0, 25.0].map(Raw::Number));
    }

    #[test]
    fn a_size_of_0_is_unknown() {
        let gone = [const { Raw::Fault(Fault::Gone) }; PROPERTIES.len()];
        assert_eq!(SpaceUsage::default().columns(), gone);
        assert_eq!(
            SpaceUsage::default().has_values(),
            [false; PROPERTIES.len()]
        );
    }

    #[test]
    fn a_sum_that_overflows_is_malformed() {
        let usage = |used| SpaceUsage {
            total: 1,
            used,
            free: 1,
            ..SpaceUsage::default()
        };
        assert_eq!(usage(1).checked_add(usage(2)).map(|sum| sum.used), Some(3));
        assert!(usage(u64::MAX).checked_add(usage(1)).is_none());
        assert_eq!(usage(u64::MAX).columns()[3], Raw::Fault(Fault::Malformed));
    }

    /// Checks total, used and free, in blocks.
    #[track_caller]
    fn check_space(f_blocks: u64, f_bfree: u64, f_bavail: u64, expected: [u64; 3]) {
        let answer = Statvfs {
            f_frsize: 4096,
            f_blocks,
            f_bfree,
            f_bavail,
            ..Statvfs::default()
        };
        let usage = SpaceUsage::new(&answer, (8, 1)).unwrap();
        let blocks = [usage.total, usage.used, usage.free].map(|bytes| bytes / 4096);
        assert_eq!(blocks, expected);
        assert!(usage.used + usage.free <= usage.total);
        for column in &usage.columns()[3..5] {
            assert!(!matches!(column, Raw::Number(percent) if !(0.0..=100.0).contains(percent)));
        }
    }

    #[test]
    fn a_part_is_at_most_its_whole() {
        check_space(100, 40, 30, [100, 60, 30]);
        check_space(100, 40, 50, [100, 60, 40]);
        check_space(100, 120, 110, [100, 0, 100]);
        check_space(100, 40, 0_u64.wrapping_sub(5), [100, 60, 0]);
        check_space(
            100,
            0_u64.wrapping_sub(1),
            0_u64.wrapping_sub(6),
            [100, 100, 0],
        );
        check_space(100, 0, 0, [100, 100, 0]);
    }

    #[track_caller]
    fn check_inodes(f_files: u64, f_ffree: u64, expected: Option<f64>) {
        let answer = Statvfs {
            f_frsize: 1,
            f_blocks: 1,
            f_files,
            f_ffree,
            ..Statvfs::default()
        };
        let usage = SpaceUsage::new(&answer, (8, 1)).unwrap();
        let used = usage.columns()[6].clone();
        assert_eq!(used, expected.map_or(Raw::Fault(Fault::Gone), Raw::Number));
        assert_eq!(usage.has_values()[5..], [expected.is_some(); 4]);
    }

    #[test]
    fn numbers_of_inodes_that_mean_none() {
        check_inodes(10, 4, Some(6.0));
        check_inodes(10, 0, Some(10.0));
        check_inodes(0, 0, None);
        check_inodes(0, 7, None);
        check_inodes(i64::MAX as u64, 1, None);
        check_inodes(u64::MAX, u64::MAX, None);
        // Ceph counts its objects, and any number more may come.
        check_inodes(10, u64::MAX, None);
        check_inodes(10, 11, None);
    }

    #[test]
    fn a_size_beyond_64_bits_is_malformed() {
        let answer = Statvfs {
            f_frsize: 1 << 12,
            f_blocks: 1 << 60,
            ..Statvfs::default()
        };
        assert_eq!(SpaceUsage::new(&answer, (8, 1)), Err(Fault::Malformed));
    }
}
