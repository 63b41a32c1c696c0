//! The sizes of the memories that `gpu/all` sums up.

use std::{collections::HashMap, mem};

use super::gpu_reader::GpuReader;
use crate::reading::Raw;

/// The sizes that are known, by the owner of the row.
#[derive(Debug, Default)]
pub(super) struct MemorySizes(HashMap<u64, f64>);

impl MemorySizes {
    /// Reads the sizes. That of a GPU that sleeps may be known from before.
    pub(super) fn read<'a>(&mut self, readers: impl Iterator<Item = &'a mut GpuReader>) {
        let before = mem::take(&mut self.0);
        for each in readers {
            let size = match each.gpu.may_be_read() {
                Ok(()) => each.reader.memory_size(),
                Err(_) => None,
            };
            let owner = each.gpu.owner;
            let size = size.or_else(|| before.get(&owner).copied());
            self.0.extend(size.map(|size| (owner, size)));
        }
    }

    /// The sum; none if no size is known.
    pub(super) fn sum(&self) -> Option<f64> {
        (!self.0.is_empty()).then(|| self.0.values().sum())
    }

    /// Whether more memories than these have been read: a GPU that slept is awake. A row begins with its owner.
    pub(super) fn are_fewer_than<'a>(&self, mut rows: impl Iterator<Item = &'a [Raw]>) -> bool {
        let known = self.0.len();
        let is_read = |row: &&'a [Raw]| matches!(row.get(1), Some(Raw::Number(_)));
        rows.by_ref().filter(is_read).nth(known).is_some()
    }
}
