//! Disks: what goes through block devices, and how much room file systems have.
//!
//! An object is a block device, by what it has of its own (see [`block`]), or a file system that is
//! mounted, by its UUID.

mod block;
mod counters;
mod identity;
mod mounts;
mod names;
mod space;

use super::{Options, Roots, Source, pool::Pool};

#[cfg(feature = "own")]
pub(super) use mounts::foreign;

/// The sources of `disk`: what diskstats counts, names, and the room of file systems.
pub(super) fn sources(roots: &Roots, options: &Options, pool: &Pool) -> Vec<Box<dyn Source>> {
    vec![
        Box::new(counters::Counters::new(roots)),
        Box::new(names::Names::new(roots, options.network_mounts)),
        Box::new(space::Space::new(roots, options.network_mounts, pool)),
    ]
}

/// Parses a text whatever is in it.
#[cfg(test)]
pub(super) fn check_text(text: &[u8]) {
    use super::rows::{Memo, Rows};
    let names = ["nvme0n1", "nvme0n1p1", "dm-0"].map(|name| name.as_bytes().to_vec());
    let lines = names.into_iter().zip([0, 1, 2].map(Some)).collect();
    let (rows, mut memo) = (Rows::new(lines), Memo::default());
    counters::read_rows(text, &rows, &mut memo, 3, |_, _| true, &mut Vec::new());
    mounts::mounts(text, true);
}
