//! A page in the making.

use roff::{Inline, Roff};

/// A page, as far as it is written.
#[derive(Default)]
pub(super) struct Page(String);

impl Page {
    /// Appends a request, such as the begin of a paragraph.
    pub(super) fn control<'a>(
        &mut self,
        name: &str,
        arguments: impl IntoIterator<Item = &'a str>,
    ) -> &mut Self {
        // A section begins with a paragraph anyway.
        let last = self.0.lines().next_back().unwrap_or_default();
        if name == "PP" && (last.starts_with(".SH ") || last.starts_with(".SS ")) {
            return self;
        }
        let mut roff = Roff::new();
        roff.control(name, arguments);
        self.append(&roff.to_roff())
    }

    /// Appends text, in one line: roff breaks it.
    pub(super) fn text(&mut self, inlines: impl Into<Vec<Inline>>) -> &mut Self {
        let mut roff = Roff::new();
        roff.text(inlines);
        self.append(&roff.to_roff())
    }

    /// Appends roff. The ASCII characters that a typesetter makes others of become escapes, except in requests.
    pub(super) fn append(&mut self, roff: &str) -> &mut Self {
        for line in roff.lines() {
            if line.starts_with('.') {
                self.0.push_str(line);
            } else {
                for c in line.replace("\\*(Aq", "'").chars() {
                    match c {
                        '\'' => self.0.push_str("\\(aq"),
                        '`' => self.0.push_str("\\(ga"),
                        '^' => self.0.push_str("\\(ha"),
                        '~' => self.0.push_str("\\(ti"),
                        c => self.0.push(c),
                    }
                }
            }
            self.0.push('\n');
        }
        self
    }

    /// The text of the page.
    pub(super) fn finish(self) -> String {
        self.0
    }
}
