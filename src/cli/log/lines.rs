//! Lines of the log, each of which is written now or never. What is lost is counted, and the next line that finds
//! room says so.

use std::{
    io,
    sync::{Mutex, PoisonError},
    time::Instant,
};

use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

use crate::cli::output::plain::plain_lines;

use super::stderr::Stderr;

/// What has become of the lines so far.
#[derive(Debug, Default)]
struct Lines {
    lost: u64,
    /// Whether the last one was written in part.
    is_cut: bool,
}

static LINES: Mutex<Lines> = Mutex::new(Lines {
    lost: 0,
    is_cut: false,
});

/// Writes a line, if there is room before `until`, or now.
pub(super) fn write(text: &str, level: Level, until: Option<Instant>) {
    let text = plain_lines(text);
    let (mut stderr, is_journal) = Stderr::open();
    let mark = |level| match is_journal {
        true => prefix(level),
        false => "",
    };
    // Nothing waits while it holds this, but for the last words.
    let mut lines = LINES.lock().unwrap_or_else(PoisonError::into_inner);
    lines.write(&text, mark(level), mark(Level::WARN), |bytes| {
        stderr.write(bytes, until)
    });
}

/// What the journal takes for the level of a line (sd-daemon(3)), as tracing-journald has it.
fn prefix(level: Level) -> &'static str {
    match level {
        Level::ERROR => "<3>",
        Level::WARN => "<4>",
        Level::INFO => "<5>",
        Level::DEBUG => "<6>",
        Level::TRACE => "<7>",
    }
}

impl Lines {
    /// Writes a text, each line behind this mark, and before it what has become of others. `write` returns how
    /// much it has written.
    fn write(&mut self, text: &str, mark: &str, warning: &str, write: impl FnOnce(&[u8]) -> usize) {
        let mut all = String::new();
        if self.is_cut {
            all.push('\n');
        }
        if self.lost > 0 {
            let lost = self.lost;
            all += &format!("{warning} WARN lines of the log that found no room: {lost}\n");
        }
        let before = all.len();
        for line in text.lines() {
            all += mark;
            all += line;
            all.push('\n');
        }
        let written = write(all.as_bytes());
        if written == all.len() {
            *self = Self::default();
            return;
        }
        if written >= before {
            self.lost = 0;
        }
        self.is_cut |= written > 0;
        self.lost = self.lost.saturating_add(1);
    }
}

/// What tracing writes to.
pub(super) struct Log;

/// What tracing writes an event of this level to.
pub(super) struct Event(Level);

impl<'a> MakeWriter<'a> for Log {
    type Writer = Event;

    fn make_writer(&'a self) -> Event {
        Event(Level::INFO)
    }

    fn make_writer_for(&'a self, meta: &Metadata<'_>) -> Event {
        Event(*meta.level())
    }
}

impl io::Write for Event {
    /// tracing writes an event as a whole.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        write(&String::from_utf8_lossy(bytes), self.0, None);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes texts where there is so much room for each, and returns all that was written.
    #[track_caller]
    fn check(texts: &[(&str, usize)], expected: &str) {
        let mut lines = Lines::default();
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
    fn what_is_lost_is_counted() {
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
        // A line that is cut is lost, and the next one does not go on in it.
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
