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

use super::{Roots, Source};

/// The sources of `disk`: what diskstats counts, names, and the room of file systems.
pub(super) fn sources(roots: &Roots) -> Vec<Box<dyn Source>> {
    vec![
        Box::new(counters::Counters::new(roots)),
        Box::new(names::Names::new(roots)),
        Box::new(space::Space::new(roots)),
    ]
}
