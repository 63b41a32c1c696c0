//! What a terminal shows of what is written to it.

/// A terminal, as far as tables need one: what it shows, and how many lines have left it at the top.
pub(crate) struct Terminal {
    rows: Vec<Vec<char>>,
    width: usize,
    row: usize,
    column: usize,
    pub(crate) scrolled: usize,
    /// What has begun and has not come whole.
    rest: Vec<u8>,
}

impl Terminal {
    pub(crate) fn new(height: usize, width: usize) -> Self {
        Self {
            rows: vec![Vec::new(); height],
            width,
            row: 0,
            column: 0,
            scrolled: 0,
            rest: Vec::new(),
        }
    }

    /// Another size: what is wider is cut off, and what is higher leaves at the top.
    pub(crate) fn resize(&mut self, height: usize, width: usize) {
        let over = (self.row + 1).saturating_sub(height);
        self.rows.drain(..over);
        self.row -= over;
        self.rows.resize(height, Vec::new());
        self.rows.iter_mut().for_each(|row| row.truncate(width));
        self.width = width;
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        let rows = self.rows.iter();
        let lines = rows.map(|row| row.iter().collect::<String>().trim_end().to_owned());
        lines.collect()
    }

    pub(crate) fn take(&mut self, bytes: &[u8]) {
        self.rest.extend(bytes);
        let rest = std::mem::take(&mut self.rest);
        let whole = match str::from_utf8(&rest) {
            Ok(text) => text,
            Err(error) => str::from_utf8(&rest[..error.valid_up_to()]).unwrap(),
        };
        let mut text = whole;
        while let Some(c) = text.chars().next() {
            let after = &text[c.len_utf8()..];
            text = match c {
                '\x1b' => match after.find(|c: char| c.is_ascii_alphabetic()) {
                    Some(end) => {
                        self.obey(&after[..=end]);
                        &after[end + 1..]
                    }
                    None => break,
                },
                c => {
                    self.show(c);
                    after
                }
            };
        }
        let taken = whole.len() - text.len();
        self.rest = rest[taken..].to_vec();
    }

    fn obey(&mut self, sequence: &str) {
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

    fn show(&mut self, c: char) {
        match c {
            '\r' => self.column = 0,
            '\n' if self.row + 1 < self.rows.len() => self.row += 1,
            '\n' => {
                self.rows.remove(0);
                self.rows.push(Vec::new());
                self.scrolled += 1;
            }
            c => {
                let columns = if c >= '\u{1100}' && c.is_alphabetic() {
                    2
                } else {
                    1
                };
                if self.column + columns > self.width {
                    self.show('\n');
                    self.column = 0;
                }
                self.rows[self.row].resize(self.column, ' ');
                self.rows[self.row].push(c);
                self.column += 1;
                if columns == 2 {
                    // The second half of it.
                    self.rows[self.row].push('\u{200b}');
                    self.column += 1;
                }
            }
        }
    }
}
