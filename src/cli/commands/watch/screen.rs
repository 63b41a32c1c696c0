//! Tables shown one after the other; on a terminal each overwrites the one before.

use std::{
    env,
    io::{self, IsTerminal},
    mem,
    sync::Arc,
};

// nix has no tcgetwinsize(3).
use rustix::termios::{Winsize, tcgetwinsize};

use crate::cli::output::{
    events::{Stops, wait_for_foreground},
    terminal_text::columns,
};

/// The output of tables, on standard output.
pub(crate) struct Screen {
    stops: Arc<Stops>,
    /// The number of lines of the last table. The cursor is below it.
    shown: usize,
    /// The size of the terminal at that time.
    size: Option<Size>,
}

/// The size of a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Size {
    rows: usize,
    columns: usize,
}

/// A table to be drawn.
pub(crate) struct Drawing {
    /// On a terminal, the stops after which the cursor is below what a shell has printed, not below the last table.
    stops: Option<Arc<Stops>>,
    /// Moves the cursor to the place of the last table.
    to_last: String,
    table: String,
}

impl Drawing {
    /// The bytes of the drawing. Called right before they are written.
    pub(crate) fn into_bytes(self) -> io::Result<Vec<u8>> {
        let Self {
            stops,
            mut to_last,
            table,
        } = self;
        if let Some(stops) = stops {
            wait_for_foreground()?;
            if stops.take() {
                to_last.clear();
            }
        }
        Ok((to_last + &table).into_bytes())
    }
}

impl Screen {
    pub(crate) fn new(stops: Arc<Stops>) -> Self {
        Self {
            stops,
            shown: 0,
            size: None,
        }
    }

    /// Draws a table. A table taller than the terminal is cut, and the last line counts the rest; longer lines are cut.
    pub(crate) fn draw(&mut self, lines: &[String]) -> Drawing {
        let size = Size::of_stdout();
        let before = mem::replace(&mut self.size, size);
        let shown = mem::replace(&mut self.shown, lines.len());
        let Some(size) = size else {
            let separator = if shown > 0 { "\n" } else { "" };
            return Drawing {
                stops: None,
                to_last: String::new(),
                table: lines
                    .iter()
                    .fold(separator.to_owned(), |table, line| table + line + "\n"),
            };
        };
        let to_last = match shown {
            0 => String::new(),
            shown if before == Some(size) => format!("\x1b[{shown}F"),
            // Terminals differ in how they reflow text at a resize: clear the screen.
            _ => "\x1b[H\x1b[J".to_owned(),
        };
        let (lines, more) = fitting(lines, size.rows);
        // Clear line by line: tmux, for one, moves a screen that is cleared at once to its scrollback.
        // Clear before the line: after a line of full width, the last character would be cleared.
        let clear = if shown > 0 { "\x1b[K" } else { "" };
        let lines = lines.iter().chain(&more);
        self.shown = lines.clone().count();
        let lines = lines.map(|line| format!("{clear}{}\n", cut(line, size.columns)));
        let mut table: String = lines.collect();
        if shown > 0 {
            table += "\x1b[J";
        }
        Drawing {
            stops: Some(self.stops.clone()),
            to_last,
            table,
        }
    }

    /// Whether the table depends on the size of a terminal.
    pub(crate) fn has_size(&self) -> bool {
        self.size.is_some()
    }

    /// Notes that something else was printed: the next table goes below it.
    pub(crate) fn interrupt(&mut self) {
        self.shown = 0;
    }
}

impl Size {
    /// The size of the terminal, if standard output is one whose cursor can be moved.
    fn of_stdout() -> Option<Self> {
        let stdout = io::stdout();
        let is_dumb = env::var_os("TERM").is_none_or(|term| term == "dumb");
        if is_dumb || !stdout.is_terminal() {
            return None;
        }
        let Winsize { ws_row, ws_col, .. } = tcgetwinsize(&stdout).ok()?;
        (ws_row > 0 && ws_col > 0).then_some(Self {
            rows: ws_row.into(),
            columns: ws_col.into(),
        })
    }
}

/// The lines that fit above the cursor, and a line that counts the others.
fn fitting(lines: &[String], rows: usize) -> (&[String], Option<String>) {
    let room = rows.saturating_sub(1).max(1);
    if lines.len() <= room {
        return (lines, None);
    }
    let (shown, others) = lines.split_at(room.saturating_sub(1));
    let others = others.iter().filter(|line| !line.is_empty()).count();
    let more = format!("… {others} more: a taller terminal or a narrower selector shows them");
    (shown, Some(more))
}

/// A line cut to so many columns. Escape sequences of colours take no column and are all kept.
fn cut(line: &str, room: usize) -> String {
    let (mut left, mut is_escape, mut is_full) = (room, false, false);
    let mut cut = String::with_capacity(line.len());
    for c in line.chars() {
        if is_escape || c == '\x1b' {
            is_escape = c != 'm';
            cut.push(c);
            continue;
        }
        let rest = left.checked_sub(columns(c));
        is_full |= rest.is_none();
        if !is_full {
            left = rest.unwrap_or(0);
            cut.push(c);
        }
    }
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taller_table_is_cut() {
        let lines: Vec<_> = ["a", "", "b", "c"].map(str::to_owned).into();
        let check = |rows, expected: &[&str]| {
            let (shown, more) = fitting(&lines, rows);
            let shown: Vec<_> = shown.iter().chain(&more).collect();
            let is_start = |(line, start): (&&String, &&str)| line.starts_with(*start);
            assert_eq!(shown.len(), expected.len(), "{shown:?}");
            assert!(shown.iter().zip(expected).all(is_start), "{shown:?}");
        };
        check(9, &["a", "", "b", "c"]);
        check(5, &["a", "", "b", "c"]);
        check(4, &["a", "", "… 2 more"]);
        check(3, &["a", "… 2 more"]);
        check(1, &["… 3 more"]);
    }

    #[test]
    fn colours_have_no_width() {
        let check = |line, room, expected: &str| assert_eq!(cut(line, room), expected);
        check("\x1b[2mab\x1b[0m  c", 5, "\x1b[2mab\x1b[0m  c");
        check("\x1b[2mab\x1b[0m  c", 1, "\x1b[2ma\x1b[0m");
        check(
            "\x1b[2mab\x1b[0m \x1b[31mc\x1b[0m",
            2,
            "\x1b[2mab\x1b[0m\x1b[31m\x1b[0m",
        );
        check("日本a", 3, "日");
    }
}
