//! Numbers, texts and words in the file of the history, little-endian.

/// Bytes that are being written.
#[derive(Debug, Default)]
pub(super) struct Writer(pub(super) Vec<u8>);

impl Writer {
    pub(super) fn u32(&mut self, number: u32) {
        self.0.extend(number.to_le_bytes());
    }

    pub(super) fn u64(&mut self, number: u64) {
        self.0.extend(number.to_le_bytes());
    }

    /// Writes the number of things that follow.
    pub(super) fn count(&mut self, count: usize) {
        self.u32(u32::try_from(count).unwrap_or(u32::MAX));
    }

    pub(super) fn text(&mut self, text: &[u8]) {
        self.count(text.len());
        self.0.extend(text);
    }
}

/// Bytes that are being read. Each method returns `None` if too few are left.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.take(4)?.try_into().ok().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        self.take(8)?.try_into().ok().map(u64::from_le_bytes)
    }

    /// The number of things that follow, of at least `size` bytes each. A damaged number allocates no memory.
    pub(super) fn count(&mut self, size: usize) -> Option<usize> {
        let count = usize::try_from(self.u32()?).ok()?;
        (count.checked_mul(size)? <= self.0.len()).then_some(count)
    }

    pub(super) fn text(&mut self) -> Option<&'a [u8]> {
        let length = self.count(1)?;
        self.take(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let mut writer = Writer::default();
        writer.u32(7);
        writer.u64(u64::MAX);
        writer.text(b"cpu");
        writer.count(2);
        let mut reader = Reader(&writer.0);
        assert_eq!((reader.u32(), reader.u64()), (Some(7), Some(u64::MAX)));
        assert_eq!(reader.text(), Some(&b"cpu"[..]));
        // Two things of one byte do not follow.
        assert_eq!(reader.count(1), None);
        assert_eq!(
            (reader.u32(), reader.u64(), reader.text()),
            (None, None, None)
        );
    }
}
