//! The space of all file systems together.

use super::space::SpaceUsage;
use crate::{kernel::mountinfo::Counting, reading::Fault};

/// A sum over file systems, in which each byte is counted once.
#[derive(Default)]
pub(super) struct Totals<'a> {
    /// The file systems that are counted; those of a pool with its name.
    counted: Vec<(Option<&'a str>, SpaceUsage)>,
    layers: Vec<SpaceUsage>,
}

impl<'a> Totals<'a> {
    /// Adds a file system.
    pub(super) fn add(&mut self, counting: &'a Counting, usage: SpaceUsage) {
        // One that does not tell its size adds nothing.
        if usage.total == 0 {
            return;
        }
        match counting {
            Counting::Elsewhere => {}
            Counting::Layers => self.layers.push(usage),
            Counting::Whole => self.count(None, usage),
            Counting::DataSet { pool } => self.count(Some(pool), usage),
        }
    }

    fn count(&mut self, pool: Option<&'a str>, usage: SpaceUsage) {
        // Two directories that stat(2) shows on one device are of one file system.
        let is_known = |(_, other): &(_, SpaceUsage)| other.device == usage.device;
        if !self.counted.iter().any(is_known) {
            self.counted.push((pool, usage));
        }
    }

    /// The sum; none if nothing is counted.
    ///
    /// # Errors
    /// [`Fault::Malformed`] if the sum overflows.
    pub(super) fn sum(mut self) -> Option<Result<SpaceUsage, Fault>> {
        for layer in std::mem::take(&mut self.layers) {
            let is_of = |(_, other): &(_, SpaceUsage)| is_same_space(&layer, other);
            if !self.counted.iter().any(is_of) {
                self.counted.push((None, layer));
            }
        }
        if self.counted.is_empty() {
            return None;
        }
        let sum = self.checked_sum().ok_or(Fault::Malformed);
        Some(sum)
    }

    fn checked_sum(mut self) -> Option<SpaceUsage> {
        let mut sum = SpaceUsage::default();
        while let Some((pool, mut usage)) = self.counted.pop() {
            if pool.is_some() {
                let of_pool = |other: &mut (Option<&str>, SpaceUsage)| other.0 == pool;
                for (_, other) in self.counted.extract_if(.., of_pool) {
                    usage = join_data_sets(usage, other)?;
                }
            }
            sum = sum.checked_add(usage)?;
        }
        Some(sum)
    }
}

/// The space of two data sets of a pool. The size that statvfs tells of a data set is its own used space and the space that
/// is free for it, which is that of the pool unless a quota or a reservation says otherwise (`zfs_statvfs`).
fn join_data_sets(one: SpaceUsage, other: SpaceUsage) -> Option<SpaceUsage> {
    let used = one.used.checked_add(other.used)?;
    let free = one.free.max(other.free);
    Some(SpaceUsage {
        total: used.checked_add(free)?,
        used,
        free,
        ..one
    })
}

/// Whether two file systems show the same space, as an overlay does that of its upper layer (`ovl_statfs`). They were asked
/// one after the other, and files are written meanwhile.
fn is_same_space(one: &SpaceUsage, other: &SpaceUsage) -> bool {
    one.total.abs_diff(other.total) <= one.total / 1024
        && one.used.abs_diff(other.used) <= one.total / 64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(minor: u64, used: u64, free: u64) -> SpaceUsage {
        SpaceUsage {
            total: used + free,
            used,
            free,
            device: (0, minor),
            ..SpaceUsage::default()
        }
    }

    /// Checks total, used and free.
    #[track_caller]
    fn check(all: &[(Counting, SpaceUsage)], expected: Option<[u64; 3]>) {
        let mut totals = Totals::default();
        for (counting, usage) in all {
            totals.add(counting, *usage);
        }
        let sum = totals.sum().map(Result::unwrap);
        assert_eq!(sum.map(|sum| [sum.total, sum.used, sum.free]), expected);
    }

    fn data_set(pool: &str) -> Counting {
        Counting::DataSet { pool: pool.into() }
    }

    #[test]
    fn each_device_is_counted_once() {
        let (whole, elsewhere) = (Counting::Whole, Counting::Elsewhere);
        check(&[], None);
        check(&[(elsewhere.clone(), usage(1, 10, 20))], None);
        check(&[(whole.clone(), usage(1, 0, 0))], None);
        check(
            &[
                (whole.clone(), usage(1, 10, 20)),
                (elsewhere, usage(3, 1, 1)),
                (whole.clone(), usage(2, 100, 200)),
                (whole, usage(1, 11, 19)),
            ],
            Some([330, 110, 220]),
        );
    }

    #[test]
    fn data_sets_share_the_free_space_of_their_pool() {
        let all = [
            (data_set("rpool"), usage(1, 10, 500)),
            (data_set("rpool"), usage(2, 20, 500)),
            // A quota leaves it 7.
            (data_set("rpool"), usage(3, 3, 7)),
            (data_set("bpool"), usage(4, 1, 9)),
            (Counting::Whole, usage(5, 100, 100)),
        ];
        check(&all[..1], Some([510, 10, 500]));
        check(&all[..3], Some([533, 33, 500]));
        check(&all, Some([743, 134, 609]));
    }

    #[test]
    fn layers_are_counted_where_the_file_system_below_is_not() {
        let disk = (Counting::Whole, usage(1, 40_000, 60_000));
        let root = (Counting::Layers, usage(2, 40_010, 59_990));
        let other = (Counting::Layers, usage(3, 10, 20));
        check(std::slice::from_ref(&root), Some([100_000, 40_010, 59_990]));
        check(
            &[root.clone(), disk.clone()],
            Some([100_000, 40_000, 60_000]),
        );
        check(&[disk, root, other], Some([100_030, 40_010, 60_020]));
    }

    #[test]
    fn a_sum_that_overflows_is_malformed() {
        let mut totals = Totals::default();
        let whole = Counting::Whole;
        for minor in [1, 2] {
            let usage = SpaceUsage {
                total: u64::MAX,
                ..usage(minor, 1, 1)
            };
            totals.add(&whole, usage);
        }
        assert_eq!(totals.sum(), Some(Err(Fault::Malformed)));
    }
}
