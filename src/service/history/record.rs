//! A record of the ring: what was read at one moment for one layout.

/// The words before the values.
const HEAD: usize = 3;

/// The bits of the first word: whether the record has a mask, and whether it is a break.
const HAS_MASK: u64 = 1 << 32;
const IS_BREAK: u64 = 1 << 33;

/// One record, as words: the layout and two bits, the moment, the timestamp, a mask of the columns that have a value
/// (unless all have), and the values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Record<'a> {
    /// The number of the layout; `None` for a break: nothing was read between the records around it.
    pub(super) layout: Option<u32>,
    /// CLOCK_BOOTTIME, in microseconds.
    pub(super) moment: u64,
    /// The timestamp of the frame.
    pub(super) timestamp: u64,
    /// One bit for each column of the layout; empty if all have a value.
    mask: &'a [u64],
    values: &'a [u64],
}

impl<'a> Record<'a> {
    /// The first record of these words, and the words behind it. `width` is the number of columns of a layout. `None` if
    /// the words are no record.
    pub(super) fn split(
        words: &'a [u64],
        width: impl FnOnce(u32) -> Option<usize>,
    ) -> Option<(Self, &'a [u64])> {
        let (&[first, moment, timestamp], rest) = words.split_first_chunk::<HEAD>()?;
        let mut record = Self {
            layout: None,
            moment,
            timestamp,
            mask: &[],
            values: &[],
        };
        if first == IS_BREAK {
            return Some((record, rest));
        }
        let layout = u32::try_from(first & !HAS_MASK).ok()?;
        record.layout = Some(layout);
        let width = width(layout)?;
        if first & HAS_MASK == 0 {
            let (values, rest) = rest_at(rest, width)?;
            record.values = values;
            return Some((record, rest));
        }
        let (mask, rest) = rest_at(rest, width.div_ceil(64))?;
        let count: u32 = mask.iter().map(|word| word.count_ones()).sum();
        let unused = width.div_ceil(64).saturating_mul(64).saturating_sub(width);
        let unused = u32::try_from(unused).ok()?;
        if mask
            .last()
            .is_some_and(|last| last.leading_zeros() < unused)
        {
            return None;
        }
        let (values, rest) = rest_at(rest, usize::try_from(count).ok()?)?;
        (record.mask, record.values) = (mask, values);
        Some((record, rest))
    }

    /// The number of words.
    pub(super) fn len(&self) -> usize {
        HEAD.saturating_add(self.mask.len())
            .saturating_add(self.values.len())
    }

    /// The value of a column of the layout, if the record has one.
    pub(super) fn value(&self, column: usize) -> Option<f64> {
        let number = match self.mask.get(column / 64) {
            // All columns have a value.
            None => column,
            Some(word) => {
                let bit = 1_u64 << (column % 64);
                let before = self.mask.iter().take(column / 64);
                let before: u32 = before.map(|word| word.count_ones()).sum();
                let before = before.saturating_add((word & bit.wrapping_sub(1)).count_ones());
                (word & bit != 0).then_some(before as usize)?
            }
        };
        self.values.get(number).copied().map(f64::from_bits)
    }
}

fn rest_at(words: &[u64], at: usize) -> Option<(&[u64], &[u64])> {
    (at <= words.len()).then(|| words.split_at(at))
}

/// A record that is being written.
#[derive(Debug, Default)]
pub(super) struct Draft {
    words: Vec<u64>,
    width: usize,
    mask_words: usize,
}

impl Draft {
    /// Begins a record of a layout with so many columns.
    pub(super) fn begin(&mut self, layout: u32, width: usize, moment: u64, timestamp: u64) {
        self.width = width;
        self.mask_words = width.div_ceil(64);
        self.words.clear();
        self.words
            .extend([u64::from(layout) | HAS_MASK, moment, timestamp]);
        let head = HEAD.saturating_add(self.mask_words);
        self.words.resize(head, 0);
    }

    /// Adds the value of a column. Columns come in ascending order.
    pub(super) fn push(&mut self, column: usize, value: f64) {
        let word = HEAD.saturating_add(column / 64);
        self.words[word] |= 1 << (column % 64);
        self.words.push(value.to_bits());
    }

    /// The record; `None` if no column has a value.
    pub(super) fn finish(&mut self) -> Option<&[u64]> {
        let head = HEAD.saturating_add(self.mask_words);
        let values = self.words.len().saturating_sub(head);
        if values == 0 {
            return None;
        }
        if values == self.width {
            self.words[0] &= !HAS_MASK;
            self.words.drain(HEAD..head);
        }
        Some(&self.words)
    }
}

/// The words of a break.
pub(super) fn a_break(moment: u64, timestamp: u64) -> [u64; HEAD] {
    [IS_BREAK, moment, timestamp]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(width: usize, values: &[(usize, f64)], words: usize) {
        let mut draft = Draft::default();
        // A draft is used again and again.
        draft.begin(3, 200, 1, 2);
        draft.push(199, 1.0);
        draft.begin(7, width, 11, 12);
        for &(column, value) in values {
            draft.push(column, value);
        }
        let mut written = draft.finish().unwrap().to_vec();
        assert_eq!(written.len(), words);
        written.push(99);
        let width_of = |layout| (layout == 7).then_some(width);
        let (record, rest) = Record::split(&written, width_of).unwrap();
        assert_eq!(rest, [99]);
        assert_eq!(record.len(), words);
        assert_eq!(
            (record.layout, record.moment, record.timestamp),
            (Some(7), 11, 12)
        );
        let read = (0..width).filter_map(|column| Some((column, record.value(column)?)));
        assert_eq!(read.collect::<Vec<_>>(), values);
    }

    #[test]
    fn records_are_written_and_read() {
        check(1, &[(0, 1.5)], 4);
        check(3, &[(0, 1.0), (1, 2.0), (2, 3.0)], 6);
        check(3, &[(1, 2.0)], 5);
        check(130, &[(0, 1.0), (64, 2.0), (129, 3.0)], 9);
        let all: Vec<_> = (0..130).map(|column| (column, column as f64)).collect();
        check(130, &all, 133);
    }

    #[test]
    fn nothing_is_no_record() {
        let mut draft = Draft::default();
        draft.begin(0, 5, 1, 2);
        assert_eq!(draft.finish(), None);
    }

    #[test]
    fn words_that_are_no_record_are_refused() {
        let refuses = |words: &[u64]| assert_eq!(Record::split(words, |_| Some(3)), None);
        refuses(&[]);
        refuses(&[0, 1]);
        refuses(&[0, 1, 2, 3, 4]);
        refuses(&[HAS_MASK, 1, 2]);
        refuses(&[HAS_MASK, 1, 2, 0b11, 4]);
        // A column behind the last one.
        refuses(&[HAS_MASK, 1, 2, 0b1000, 4]);
        refuses(&[1 << 40, 1, 2, 3, 4, 5]);
        assert_eq!(Record::split(&[9, 1, 2, 3, 4, 5], |_| None), None);
        let words = a_break(1, 2);
        let (record, rest) = Record::split(&words, |_| None).unwrap();
        assert_eq!((record.layout, rest), (None, &[][..]));
    }
}
