//! The fields of a line, one after the other.

use crate::source::parse;

/// The rest of the line.
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

impl Fields<'_> {
    /// The next field, which always has another one or the end of the line behind it; none if the text ends before.
    pub(super) fn number(&mut self) -> Option<Option<u64>> {
        // So many digits always fit into 64 bits.
        const SAFE: usize = 19;
        let mut number = 0_u64;
        for (length, &byte) in self.0.iter().enumerate() {
            let digit = byte.wrapping_sub(b'0');
            if digit > 9 {
                if !(1..=SAFE).contains(&length) || !matches!(byte, b' ' | b'\n') {
                    return self.odd_number();
                }
                self.0 = self.0.get(length..)?.get(1..)?;
                return Some(Some(number));
            }
            number = number.wrapping_mul(10).wrapping_add(digit.into());
        }
        None
    }

    /// The next field, if it may be longer or no number.
    #[cold]
    fn odd_number(&mut self) -> Option<Option<u64>> {
        let is_end = |byte: &u8| matches!(byte, b' ' | b'\n');
        let (field, rest) = self.0.split_at(self.0.iter().position(is_end)?);
        self.0 = rest.get(1..)?;
        Some(parse::number(field))
    }

    pub(super) fn signed(&mut self) -> Option<Option<i64>> {
        Some(match self.0 {
            [b'-', rest @ ..] => {
                self.0 = rest;
                let number = self.number()?;
                number.and_then(|number| 0_i64.checked_sub_unsigned(number))
            }
            _ => self.number()?.and_then(|number| number.try_into().ok()),
        })
    }

    pub(super) fn skip(&mut self, count: u32) -> Option<()> {
        let mut left = count;
        // Searches eight bytes at a time.
        while let Some((word, rest)) = self.0.split_first_chunk::<8>() {
            let mut blanks = blanks(u64::from_le_bytes(*word));
            let found = (blanks >> 7).wrapping_mul(ONES) >> 56;
            if found < u64::from(left) {
                left = left.saturating_sub(found as u32);
                self.0 = rest;
                continue;
            }
            for _ in 1..left {
                blanks &= blanks.wrapping_sub(1);
            }
            self.0 = self
                .0
                .get(blanks.trailing_zeros() as usize / 8..)?
                .get(1..)?;
            return Some(());
        }
        for _ in 0..left {
            let blank = self.0.iter().position(|&byte| byte == b' ')?;
            self.0 = self.0.get(blank..)?.get(1..)?;
        }
        Some(())
    }
}

const ONES: u64 = u64::from_ne_bytes([1; 8]);

/// A word with the highest bit of each byte that is a blank in `word`.
fn blanks(word: u64) -> u64 {
    const LOW: u64 = 0x7f * ONES;
    const BLANKS: u64 = b' ' as u64 * ONES;
    let others = word ^ BLANKS;
    // The addition does not carry from one byte into the next.
    !((others & LOW).wrapping_add(LOW) | others | LOW)
}
