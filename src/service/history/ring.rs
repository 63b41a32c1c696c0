//! The ring: records of 64-bit words in chunks, from the oldest to the newest.
//!
//! A chunk is allocated when the last one is full, and freed when its last record is dropped, so that the ring takes
//! about as much memory as it holds.

use std::{collections::VecDeque, mem::size_of};

/// The words of a chunk of a large ring, and of a small one.
const CHUNK_WORDS: usize = 1024;
const SMALLEST_CHUNK_WORDS: usize = 32;

/// A ring has at least so many chunks within its budget: the oldest one is dropped as a whole.
const CHUNKS: usize = 16;

/// Records, from the oldest to the newest.
#[derive(Debug, Default)]
pub(super) struct Ring {
    chunks: VecDeque<Chunk>,
    /// The memory of the chunk that was dropped last: a full ring allocates nothing.
    spare: Vec<u64>,
    /// The capacity of all chunks, in words.
    capacity: usize,
}

#[derive(Debug)]
struct Chunk {
    words: Vec<u64>,
    /// The words of its records that are dropped already.
    start: usize,
}

impl Ring {
    /// Appends a record. `budget` is the memory of the whole ring in bytes, which decides the size of a new chunk.
    pub(super) fn push(&mut self, record: &[u64], budget: usize) {
        let has_room = |chunk: &&mut Chunk| {
            let room = chunk.words.capacity().saturating_sub(chunk.words.len());
            room >= record.len()
        };
        if let Some(last) = self.chunks.back_mut().filter(has_room) {
            last.words.extend_from_slice(record);
            return;
        }
        let usual = budget.div_euclid(CHUNKS).div_euclid(size_of::<u64>());
        let usual = usual.clamp(SMALLEST_CHUNK_WORDS, CHUNK_WORDS);
        let mut words = std::mem::take(&mut self.spare);
        words.clear();
        words.reserve_exact(usual.max(record.len()));
        words.extend_from_slice(record);
        self.capacity = self.capacity.saturating_add(words.capacity());
        self.chunks.push_back(Chunk { words, start: 0 });
    }

    /// The words from the oldest record to the end of its chunk; `None` if the ring is empty.
    pub(super) fn oldest(&self) -> Option<&[u64]> {
        self.chunks.front().map(Chunk::records)
    }

    /// Drops the oldest record, of so many words.
    pub(super) fn drop_oldest(&mut self, words: usize) {
        let Some(oldest) = self.chunks.front_mut() else {
            return;
        };
        oldest.start = oldest.start.saturating_add(words.max(1));
        if oldest.start < oldest.words.len() {
            return;
        }
        if let Some(chunk) = self.chunks.pop_front() {
            self.capacity = self.capacity.saturating_sub(chunk.words.capacity());
            self.spare = chunk.words;
        }
    }

    /// The records, as slices that each hold whole ones.
    pub(super) fn slices(&self) -> impl DoubleEndedIterator<Item = &[u64]> {
        self.chunks.iter().map(Chunk::records)
    }

    /// The memory of the ring in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.capacity.saturating_mul(size_of::<u64>())
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }
}

impl Chunk {
    fn records(&self) -> &[u64] {
        self.words.get(self.start..).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(ring: &Ring) -> Vec<u64> {
        ring.slices().flatten().copied().collect()
    }

    #[test]
    fn the_oldest_record_is_dropped_first() {
        let mut ring = Ring::default();
        assert!(ring.is_empty() && ring.oldest().is_none());
        for number in 0..1000 {
            ring.push(&[number; 10], 1 << 16);
        }
        assert_eq!(words(&ring).len(), 10_000);
        for number in 0..999 {
            assert_eq!(ring.oldest().unwrap()[0], number);
            ring.drop_oldest(10);
        }
        assert_eq!(words(&ring), [999; 10]);
        ring.drop_oldest(10);
        assert!(ring.is_empty());
        assert_eq!(ring.bytes(), 0);
    }

    #[test]
    fn memory_follows_the_content() {
        let mut ring = Ring::default();
        for count in 1..500_usize {
            ring.push(&[0; 20], 1 << 20);
            let used = count * 20 * 8;
            assert!(
                ring.bytes() <= used + CHUNK_WORDS * 8 + used / 20,
                "{count}"
            );
        }
        // A record that is longer than a chunk has its own.
        ring.push(&vec![0; 5 * CHUNK_WORDS], 1 << 20);
        assert_eq!(ring.slices().next_back().unwrap().len(), 5 * CHUNK_WORDS);
    }

    #[test]
    fn a_full_ring_allocates_nothing() {
        let mut ring = Ring::default();
        let mut addresses = std::collections::BTreeSet::new();
        for _ in 0..10_000 {
            ring.push(&[0; 16], 1 << 14);
            if ring.bytes() > 1 << 14 {
                for _ in 0..8 {
                    ring.drop_oldest(16);
                }
            }
            addresses.insert(ring.slices().next_back().unwrap().as_ptr());
        }
        assert!(addresses.len() < 300, "{}", addresses.len());
    }
}
