//! Fingerprints: FNV-1a of 64 bits, over words where speed matters. They find damage and changed definitions, not
//! attacks: only the user can write the file.

use crate::metric::{Kind, Metric};

/// A hash of what was added so far.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fingerprint(u64);

impl Fingerprint {
    pub(super) fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    /// Adds a text, and its end.
    pub(super) fn text(self, text: &str) -> Self {
        let added = text.bytes().fold(self, |hash, byte| hash.word(byte.into()));
        added.word(u64::MAX)
    }

    /// Adds bytes, eight at a time, and their number: eight bytes that end in zeros are the same word as fewer of them.
    pub(super) fn bytes(self, bytes: &[u8]) -> Self {
        let (words, rest) = bytes.as_chunks::<8>();
        let words = words.iter().map(|word| u64::from_le_bytes(*word));
        let added = words.fold(self, Self::word);
        let added = rest.iter().fold(added, |hash, &b| hash.word(b.into()));
        added.word(bytes.len() as u64)
    }

    fn word(self, word: u64) -> Self {
        let mixed = (self.0 ^ word).wrapping_mul(0x0000_0100_0000_01b3);
        // FNV-1a carries upwards only, and words have bits in all places.
        Self(mixed ^ mixed >> 32)
    }

    pub(super) fn finish(self) -> u64 {
        self.0
    }
}

/// The fingerprint of the meaning of a metric's values; `None` for a text, which has no history.
pub(super) fn definition(metric: &Metric, is_custom: bool) -> Option<u64> {
    let hash = Fingerprint::new().text(&metric.unit);
    let hash = hash.text(metric.kind.as_str()).text(&metric.formula_text);
    let origin = if is_custom { "custom" } else { "kernel" };
    (metric.kind != Kind::Text).then(|| hash.text(origin).finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_change_changes_the_fingerprint() {
        let all = [
            Fingerprint::new(),
            Fingerprint::new().text(""),
            Fingerprint::new().text("a").text("b"),
            Fingerprint::new().text("ab"),
            Fingerprint::new().bytes(b"12345678"),
            Fingerprint::new().bytes(b"12345679"),
            Fingerprint::new().bytes(b"92345678"),
            Fingerprint::new().bytes(b"123456789"),
            Fingerprint::new().bytes(b"1"),
            Fingerprint::new().bytes(b"1\0\0\0\0\0\0\0"),
        ];
        for (number, one) in all.iter().enumerate() {
            for other in &all[..number] {
                assert_ne!(one.finish(), other.finish(), "{number}");
            }
        }
    }
}
