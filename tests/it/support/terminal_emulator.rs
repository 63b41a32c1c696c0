//! A terminal emulator: the screen that the bytes written to a terminal result in.

use unicode_width::UnicodeWidthChar;

/// The columns that the characters of a text take.
pub(crate) fn columns(text: &str) -> usize {
    text.chars().filter_map(UnicodeWidthChar::width).sum()
}

/// As much of a terminal as tables need.
pub(crate) struct Terminal {
    rows: Vec<Vec<char>>,
    width: usize,
    row: usize,
    column: usize,
    /// The number of lines that have scrolled off the top.
    pub(crate) scrolled: usize,
    /// The start of a character or an escape sequence whose end has not been written yet.
    incomplete: Vec<u8>,
}

impl Terminal {
    pub(crate) fn new(height: usize, width: usize) -> Self {
        Self {
            rows: vec![Vec::new(); height],
            width,
            row: 0,
            column: 0,
            scrolled: 0,
            incomplete: Vec::new(),
        }
    }

    /// Changes the size. Columns beyond the width are cut off; rows that no longer fit are removed at the top.
    pub(crate) fn resize(&mut self, height: usize, width: usize) {
        let removed = (self.row + 1).saturating_sub(height);
        self.rows.drain(..removed);
        self.row -= removed;
        self.rows.resize(height, Vec::new());
        self.rows.iter_mut().for_each(|row| row.truncate(width));
        self.width = width;
    }

    /// The lines on the screen, without trailing spaces.
    pub(crate) fn lines(&self) -> Vec<String> {
        let rows = self.rows.iter();
        let lines = rows.map(|row| row.iter().collect::<String>().trim_end().to_owned());
        lines.collect()
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) {
        self.incomplete.extend(bytes);
        let bytes = std::mem::take(&mut self.incomplete);
        let valid = match str::from_utf8(&bytes) {
            Ok(text) => text,
            Err(error) => str::from_utf8(&bytes[..error.valid_up_to()]).unwrap(),
        };
        let mut text = valid;
        while let Some(c) = text.chars().next() {
            let after = &text[c.len_utf8()..];
            text = match c {
                '\x1b' => match after.find(|c: char| c.is_ascii_alphabetic()) {
                    Some(end) => {
                        self.run_sequence(&after[..=end]);
                        &after[end + 1..]
                    }
                    None => break,
                },
                c => {
                    self.print(c);
                    after
                }
            };
        }
        let written = valid.len() - text.len();
        self.incomplete = bytes[written..].to_vec();
    }

    /// Runs an escape sequence. Panics at one that tables do not need.
    fn run_sequence(&mut self, sequence: &str) {
        match sequence
            .strip_prefix('[')
            .map(|code| code.split_at(code.len() - 1))
        {
            Some((_, "m")) => {}
            Some(("", "H")) => (self.row, self.column) = (0, 0),
            Some(("", "K")) => self.rows[self.row].truncate(self.column),
            Some(("", "J")) => {
                self.rows[self.row].truncate(self.column);
                self.rows.iter_mut().skip(self.row + 1).for_each(Vec::clear);
            }
            Some((up, "F")) => {
                self.row = self.row.saturating_sub(up.parse().unwrap());
                self.column = 0;
            }
            _ => panic!("{sequence:?}"),
        }
    }

    fn print(&mut self, c: char) {
        match c {
            '\r' => self.column = 0,
            '\n' if self.row + 1 < self.rows.len() => self.row += 1,
            '\n' => {
                self.rows.remove(0);
                self.rows.push(Vec::new());
                self.scrolled += 1;
            }
            c => {
                let columns = c.width().unwrap_or(0);
                if columns == 0 {
                    return;
                }
                if self.column + columns > self.width {
                    self.print('\n');
                    self.column = 0;
                }
                self.rows[self.row].resize(self.column, ' ');
                self.rows[self.row].push(c);
                self.column += 1;
                if columns == 2 {
                    // The second column of a wide character.
                    self.rows[self.row].push('\u{200b}');
                    self.column += 1;
                }
            }
        }
    }
}
