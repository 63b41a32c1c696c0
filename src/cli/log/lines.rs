//! The lines of the log. A line that cannot be written at once is dropped and counted, and the next written line reports
//! the count.

use std::{
    sync::{Mutex, PoisonError},
    time::Instant,
};

use tracing::Level;

use crate::cli::output::terminal_text::escape_lines;

use super::stderr::Stderr;

/// The dropped lines since the last written one.
#[derive(Debug, Default)]
struct DroppedLines {
    count: u64,
    /// Whether the last line was written in part.
    is_cut: bool,
}

static DROPPED_LINES: Mutex<DroppedLines> = Mutex::new(DroppedLines {
    count: 0,
    is_cut: false,
});

/// Writes a text, if there is room for it at once or before `until`.
pub(super) fn write(text: &str, level: Level, until: Option<Instant>) {
    let text = escape_lines(text);
    let (mut stderr, is_journal) = Stderr::open();
    let prefix_of = |level| match is_journal {
        true => prefix(level),
        false => "",
    };
    // Only `report_failure` waits while it holds this.
    let mut dropped = DROPPED_LINES.lock().unwrap_or_else(PoisonError::into_inner);
    dropped.write(&text, prefix_of(level), prefix_of(Level::WARN), |bytes| {
        stderr.write(bytes, until)
    });
}

/// The prefix for the journal (sd-daemon(3)); levels are mapped as in tracing-journald.
fn prefix(level: Level) -> &'static str {
    match level {
        Level::ERROR => "<3>",
        Level::WARN => "<4>",
        Level::INFO => "<5>",
        Level::DEBUG => "<6>",
        Level::TRACE => "<7>",
    }
}

impl DroppedLines {
    /// Writes a text with this prefix before each line, and the count of dropped lines before it. `write` returns how
    /// many bytes it has written.
    fn write(
        &mut self,
        text: &str,
        line_prefix: &str,
        warning_prefix: &str,
        write: impl FnOnce(&[u8]) -> usize,
    ) {
        let mut all = String::new();
        if self.is_cut {
            all.push('\n');
        }
        if self.count > 0 {
            let count = self.count;
            all += &format!("{warning_prefix} WARN lines of the log that found no room: {count}\n");
        }
        let before = all.len();
        for line in text.lines() {
            all += line_prefix;
            all += line;
            all.push('\n');
        }
        let written = write(all.as_bytes());
        if written == all.len() {
            *self = Self::default();
            return;
        }
        if written >= before {
            self.count = 0;
        }
        self.is_cut |= written > 0;
        self.count = self.count.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes texts with so much room for each, and checks all that was written.
    #[track_caller]
    fn check(texts: &[(&str, usize)], expected: &str) {
        let mut lines = DroppedLines::default();
        let mut written = String::new();
        for (text, room) in texts {
            lines.write(text, "<6>", "<4>", |bytes| {
                let room = bytes.len().min(*room);
                written += str::from_utf8(&bytes[..room]).unwrap();
                room
            });
        }
        assert_eq!(written, expected);
    }

    #[test]
    fn dropped_lines_are_counted() {
        const ALL: usize = usize::MAX;
        check(&[("one\n", ALL), ("two\n", ALL)], "<6>one\n<6>two\n");
        check(&[("one\ntwo\n", ALL)], "<6>one\n<6>two\n");
        check(
            &[
                ("one\n", 0),
                ("two\n", 0),
                ("three\n", ALL),
                ("four\n", ALL),
            ],
            "<4> WARN lines of the log that found no room: 2\n<6>three\n<6>four\n",
        );
        // A cut line counts as dropped, and the next one starts on a new line.
        check(
            &[("one\n", 4), ("two\n", ALL)],
            "<6>o\n<4> WARN lines of the log that found no room: 1\n<6>two\n",
        );
        check(
            &[("one\n", 4), ("two\n", 3), ("three\n", ALL)],
            "<6>o\n<4\n<4> WARN lines of the log that found no room: 2\n<6>three\n",
        );
    }
}
