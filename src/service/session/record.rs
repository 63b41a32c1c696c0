//! The records of a stream: little-endian, `u64` timestamp and an `f64` for each column.

use std::sync::Arc;

use crate::transport::pipe::ATOMIC_BYTES;

/// The most columns of a stream: a record is written as a whole or not at all.
pub(crate) const MAX_COLUMNS: usize = ATOMIC_BYTES / 8 - 1;

/// The bytes of a record with so many columns.
pub(super) fn length(columns: usize) -> usize {
    columns.saturating_add(1).saturating_mul(8)
}

/// The record of a frame. NaN stands for a fault or a text.
pub(super) fn encode(timestamp: u64, values: &[f64]) -> Arc<[u8]> {
    let mut record = Vec::with_capacity(length(values.len()));
    record.extend_from_slice(&timestamp.to_le_bytes());
    for value in values {
        record.extend_from_slice(&value.to_le_bytes());
    }
    record.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_little_endian() {
        let record = encode(0x0102, &[1.0, f64::NAN]);
        assert_eq!(record.len(), length(2));
        assert_eq!(record[..8], [2, 1, 0, 0, 0, 0, 0, 0]);
        assert_eq!(record[8..16], [0, 0, 0, 0, 0, 0, 0xf0, 0x3f]);
        assert!(f64::from_le_bytes(record[16..].try_into().unwrap()).is_nan());
        assert_eq!(length(MAX_COLUMNS), 4096);
    }
}
