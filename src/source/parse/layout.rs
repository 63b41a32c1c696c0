//! Lines that begin with a key, found where they were in the last text: `/proc/meminfo`, `/proc/vmstat`.

use super::lines;

/// The offsets of the lines that begin with `N` keys in the last text.
///
/// The kernel writes the same lines in the same order, so that a line moves only by as many bytes as the numbers before
/// it have gained or lost digits. A check at the expected offset costs a third of a search.
pub(crate) struct Layout<const N: usize> {
    offsets: [Option<usize>; N],
    /// The length of the last text. A missing line is searched for when the length has changed.
    length: usize,
}

impl<const N: usize> Default for Layout<N> {
    fn default() -> Self {
        Self {
            offsets: [None; N],
            length: 0,
        }
    }
}

impl<const N: usize> Layout<N> {
    /// The text behind each key; none for a missing line. This is fastest with the keys in the order of the text.
    pub(crate) fn find<'a>(&mut self, text: &'a [u8], keys: &[&[u8]; N]) -> [Option<&'a [u8]>; N] {
        let has_changed = text.len() != self.length;
        self.length = text.len();
        let mut moved = 0;
        std::array::from_fn(|which| {
            let key = keys[which];
            let before = self.offsets[which];
            let found = match before {
                Some(offset) => {
                    let expected = offset.saturating_add_signed(moved);
                    if begins_line(text, expected, key) {
                        Some(expected)
                    } else {
                        near(text, expected, key).or_else(|| anywhere(text, key))
                    }
                }
                None if has_changed => anywhere(text, key),
                None => None,
            };
            if let (Some(before), Some(found)) = (before, found) {
                moved = found.wrapping_sub(before).cast_signed();
            }
            self.offsets[which] = found;
            text.get(found?..)?.get(key.len()..)
        })
    }
}

fn begins_line(text: &[u8], offset: usize, key: &[u8]) -> bool {
    let line = text.get(offset..);
    line.is_some_and(|line| line.starts_with(key))
        && text[..offset].last().is_none_or(|&byte| byte == b'\n')
}

fn near(text: &[u8], offset: usize, key: &[u8]) -> Option<usize> {
    const REACH: usize = 64;
    let end = text.len().min(offset.saturating_add(REACH));
    (offset.saturating_sub(REACH)..end).find(|&offset| begins_line(text, offset, key))
}

fn anywhere(text: &[u8], key: &[u8]) -> Option<usize> {
    let mut start = 0_usize;
    lines(text).find_map(|line| {
        let offset = start;
        start = start.saturating_add(line.len()).saturating_add(1);
        line.starts_with(key).then_some(offset)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: [&[u8]; 3] = [b"a ", b"bc ", b"d "];

    /// Finds the keys in one text after the other, each time as if there had been no text before.
    #[track_caller]
    fn check(texts: &[&str]) {
        let mut layout = Layout::default();
        for text in texts {
            let found = layout.find(text.as_bytes(), &KEYS);
            let fresh = Layout::default().find(text.as_bytes(), &KEYS);
            assert_eq!(found, fresh, "{text}");
        }
    }

    #[test]
    fn lines_that_move_come_and_go_are_found() {
        let text = "a 1\nbc 2\nd 3\n";
        let mut layout = Layout::default();
        let expected = [&text[2..], &text[7..], &text[11..]].map(|rest| Some(rest.as_bytes()));
        assert_eq!(layout.find(text.as_bytes(), &KEYS), expected);
        check(&[text, "a 10\nbc 20\nd 3\n", text]);
        check(&[text, "a 1\nd 3\n", text, "", text]);
        check(&[text, "x\n", "a 1", text]);
        check(&[text, "ab 1\nxbc 2\nd 3\n", text]);
        let far = "x 1\n".repeat(100) + text;
        check(&[text, &far, text]);
        check(&["bc 2\na 1\nd 3\n", text]);
    }
}
