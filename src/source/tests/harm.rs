//! Damaged texts, for parsers.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Copies a directory with its contents. Returns the files and their texts.
pub(crate) fn copy(from: &Path, to: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    let mut open = vec![(from.to_owned(), to.to_owned())];
    while let Some((from, to)) = open.pop() {
        for entry in fs::read_dir(&from).unwrap() {
            let entry = entry.unwrap();
            let (from, to) = (entry.path(), to.join(entry.file_name()));
            let kind = entry.file_type().unwrap();
            if kind.is_dir() {
                fs::create_dir_all(&to).unwrap();
                open.push((from, to));
            } else if kind.is_symlink() {
                std::os::unix::fs::symlink(fs::read_link(&from).unwrap(), &to).unwrap();
            } else {
                let text = fs::read(&from).unwrap();
                fs::write(&to, &text).unwrap();
                files.push((to, text));
            }
        }
    }
    files
}

/// Checks each text cut at every length, with flipped bits, and with numbers that are too large.
pub(crate) fn torment(texts: &[&str], check: impl Fn(&[u8])) {
    let mut random = Random::default();
    for text in texts.iter().map(|text| text.as_bytes()) {
        for length in 0..=text.len() {
            check(&text[..length]);
            let mut flipped = text.to_vec();
            for _ in 0..=random.below(3) {
                flipped[random.below(text.len())] ^= 1 << random.below(8);
            }
            check(&flipped);
            // A number with more digits than fit.
            let mut longer = text.to_vec();
            if let Some(digit) = text[random.below(text.len())..]
                .iter()
                .position(u8::is_ascii_digit)
            {
                longer.splice(digit..digit, *b"9999999999999999999");
            }
            check(&longer);
        }
    }
}

/// Marsaglia's xorshift: the same numbers in every run.
pub(crate) struct Random(u64);

impl Default for Random {
    fn default() -> Self {
        Self(0x9e37_79b9_7f4a_7c15)
    }
}

impl Random {
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }

    /// A damaged copy of the text.
    pub(crate) fn harm(&mut self, text: &[u8]) -> Vec<u8> {
        const NUMBERS: [&[u8]; 6] = [
            b"18446744073709551615",
            b"99999999999999999999",
            b"-9223372036854775808",
            b"4294967295",
            b"0",
            b"",
        ];
        let mut text = text.to_vec();
        for _ in 0..self.below(4) {
            if text.is_empty() {
                break;
            }
            let place = self.below(text.len());
            match self.below(4) {
                0 => text.truncate(place),
                1 => text[place] ^= 1 << self.below(8),
                _ => {
                    let is_digit = |byte: &u8| byte.is_ascii_digit();
                    let length = text[place..]
                        .iter()
                        .take_while(|byte| is_digit(byte))
                        .count();
                    let number = NUMBERS[self.below(NUMBERS.len())];
                    text.splice(place..place + length, number.iter().copied());
                }
            }
        }
        text
    }
}
