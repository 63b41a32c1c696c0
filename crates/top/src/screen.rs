//! The terminal: its modes, its size, and the cells that differ from what it shows.

use std::{
    fs::{File, OpenOptions},
    io::{self, IsTerminal, Write},
    mem,
    os::{fd::AsFd, unix::fs::OpenOptionsExt},
    time::{Duration, Instant},
};

use crossterm::terminal::{disable_raw_mode, enable_raw_mode};
use ratatui::{
    backend::{Backend, CrosstermBackend},
    layout::Rect,
};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::OFlags,
    process::{Signal, getpid, kill_process},
    termios::tcgetwinsize,
};
// A terminal, too, is a descriptor that becomes writable.
use tokio::net::unix::pipe::Sender;

use crate::{
    changes::Changes,
    drawing::{Drawing, Row},
};

/// Enters the alternate screen, hides the cursor, and asks for clicks (but not for moves of the mouse) and for marks
/// around pasted text.
const ENTER: &[u8] = b"\x1b[?1049h\x1b[?25l\x1b[?1000h\x1b[?1006h\x1b[?2004h\x1b[0m\x1b[2J";
/// Undoes that.
const LEAVE: &[u8] = b"\x1b[?2004l\x1b[?1006l\x1b[?1000l\x1b[0m\x1b[?25h\x1b[?1049l";

/// Marks the beginning and the end of a frame, which a terminal with synchronized output shows as a whole.
const BEGIN_FRAME: &[u8] = b"\x1b[?2026h";
const END_FRAME: &[u8] = b"\x1b[?2026l";

const CLEAR: &[u8] = b"\x1b[0m\x1b[2J";

/// How long the terminal has to take the sequences that restore it.
const RESTORE_TIMEOUT: Duration = Duration::from_secs(1);

/// The screen of a terminal that does not tell its size.
const USUAL: (u16, u16) = (80, 24);

/// The terminal that standard output is.
pub(crate) struct Screen {
    /// Opened anew, so that it does not block while nobody else's descriptor is changed. `None` if that is refused.
    output: Option<Sender>,
    /// The size of the terminal when it was drawn.
    area: Rect,
    /// The rows that the terminal shows.
    shown: Vec<Row>,
    /// The changes of the last frame, for their memory.
    changes: Changes,
    /// Whether the terminal has to be cleared before the next frame.
    is_dirty: bool,
}

impl Screen {
    /// Takes the terminal over.
    ///
    /// # Errors
    /// If standard output is no terminal, or it refuses its modes.
    pub(crate) fn open() -> io::Result<Self> {
        let screen = Self {
            output: reopened().ok(),
            area: Rect::ZERO,
            shown: Vec::new(),
            changes: Changes::default(),
            is_dirty: true,
        };
        screen.enter()?;
        Ok(screen)
    }

    /// The size of the terminal.
    pub(crate) fn area(&self) -> Rect {
        let size = tcgetwinsize(io::stdout()).ok();
        let size = size.filter(|size| size.ws_col > 0 && size.ws_row > 0);
        let (width, height) = size.map_or(USUAL, |size| (size.ws_col, size.ws_row));
        Rect::new(0, 0, width, height)
    }

    /// The bytes that make the terminal show a drawing: none if it shows it already. The rows of the drawing are lost.
    pub(crate) fn frame(&mut self, drawing: &mut Drawing) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        if self.is_dirty || self.area != drawing.area() {
            bytes.extend_from_slice(BEGIN_FRAME);
            bytes.extend_from_slice(CLEAR);
            self.area = drawing.area();
            self.shown.clear();
            self.shown
                .resize_with(self.area.height.into(), Row::default);
            self.is_dirty = false;
        }
        self.changes.clear();
        let rows = self.shown.iter_mut().zip(drawing.rows());
        for ((shown, row), at) in rows.zip(self.area.rows()) {
            if shown != row {
                self.changes.add(shown, row, at);
                mem::swap(shown, row);
            }
        }
        if !self.changes.is_empty() {
            if bytes.is_empty() {
                bytes.extend_from_slice(BEGIN_FRAME);
            }
            CrosstermBackend::new(&mut bytes).draw(self.changes.iter())?;
        }
        if !bytes.is_empty() {
            bytes.extend_from_slice(END_FRAME);
        }
        Ok(bytes)
    }

    /// Draws everything with the next frame: the terminal may show something else.
    pub(crate) fn forget(&mut self) {
        self.is_dirty = true;
    }

    /// Writes bytes. It waits while the terminal takes none, as after ^S; a future that is dropped leaves the terminal with
    /// a part of them.
    pub(crate) async fn write(&self, mut bytes: &[u8]) -> io::Result<()> {
        let Some(output) = &self.output else {
            let mut stdout = io::stdout();
            stdout.write_all(bytes)?;
            return stdout.flush();
        };
        while !bytes.is_empty() {
            output.writable().await?;
            match output.try_write(bytes) {
                Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Takes the terminal over, again after a stop.
    pub(crate) fn enter(&self) -> io::Result<()> {
        enable_raw_mode()?;
        write_within(ENTER, RESTORE_TIMEOUT)
    }

    /// Stops the process as a shell expects after ^Z; goes on when the shell continues it.
    pub(crate) fn suspend(&mut self) -> io::Result<()> {
        restore();
        kill_process(getpid(), Signal::STOP)?;
        self.forget();
        self.enter()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        restore();
    }
}

/// Whether standard output is a terminal whose cursor can be moved.
pub(crate) fn is_terminal() -> bool {
    let is_dumb = std::env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb");
    io::stdout().is_terminal() && !is_dumb
}

/// Gives the terminal back. A terminal that has gone is no error.
pub(crate) fn restore() {
    write_within(LEAVE, RESTORE_TIMEOUT).ok();
    disable_raw_mode().ok();
}

/// Writes to the terminal, which may not take everything in time.
fn write_within(mut bytes: &[u8], timeout: Duration) -> io::Result<()> {
    let begin = Instant::now();
    // Standard output itself may block: another open file of the same terminal does not.
    let Ok(output) = open_again() else {
        let mut stdout = io::stdout();
        stdout.write_all(bytes)?;
        return stdout.flush();
    };
    while !bytes.is_empty() {
        match rustix::io::write(&output, bytes) {
            Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
            Err(rustix::io::Errno::AGAIN) => {
                let left = timeout.saturating_sub(begin.elapsed());
                let left = Timespec::try_from(left).map_err(io::Error::other)?;
                let mut ready = [PollFd::new(&output, PollFlags::OUT)];
                if poll(&mut ready, Some(&left))? == 0 {
                    return Err(io::ErrorKind::TimedOut.into());
                }
            }
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

fn open_again() -> io::Result<File> {
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    OpenOptions::new()
        .write(true)
        .custom_flags(flags.bits().cast_signed())
        .open("/proc/self/fd/1")
}

fn reopened() -> io::Result<Sender> {
    let file = open_again()?;
    // A mount may show another file there.
    let same =
        rustix::fs::fstat(&file)?.st_rdev == rustix::fs::fstat(io::stdout().as_fd())?.st_rdev;
    if !same {
        return Err(io::ErrorKind::NotFound.into());
    }
    Sender::from_file_unchecked(file)
}

#[cfg(test)]
mod tests {
    use ratatui::style::{Color, Modifier, Style};

    use super::*;
    use crate::text;

    fn screen() -> Screen {
        Screen {
            output: None,
            area: Rect::ZERO,
            shown: Vec::new(),
            changes: Changes::default(),
            is_dirty: true,
        }
    }

    #[test]
    fn only_changes_are_written() {
        let mut screen = screen();
        let frame = |screen: &mut Screen, number: &str| {
            let mut drawing = Drawing::default();
            drawing.begin(Rect::new(0, 0, 80, 24));
            drawing.text(Rect::new(0, 0, 80, 1), "Usage", 5, Style::new());
            drawing.text(Rect::new(10, 5, 70, 1), number, 5, Style::new());
            screen.frame(&mut drawing).unwrap()
        };
        let first = frame(&mut screen, "3.1 %");
        assert!(first.starts_with(BEGIN_FRAME) && first.ends_with(END_FRAME));
        assert_eq!(frame(&mut screen, "3.1 %"), b"");
        let second = frame(&mut screen, "3.2 %");
        assert!(second.len() < 64, "{}", second.len());
        assert!(second.windows(7).any(|bytes| bytes == b"\x1b[6;13H"));
        screen.forget();
        let third = frame(&mut screen, "3.2 %");
        assert!(third.len() > second.len());
        std::mem::forget(screen);
    }

    #[test]
    fn changes_make_the_same_screen_as_everything() {
        // No wide character: what a terminal shows of one that is half covered is its own affair.
        const TEXTS: [&str; 6] = ["ab", "12.3 %", "▂▃▄▅", "°C µs", "e\u{301}é x", "      "];
        let area = Rect::new(0, 0, 24, 3);
        let mut incremental = screen();
        let mut shown = vt100::Parser::new(area.height, area.width, 0);
        let mut seed = 1_u32;
        // The generator of Park and Miller.
        let mut below = |limit: usize| {
            seed = (u64::from(seed) * 48271 % 0x7fff_ffff) as u32;
            seed as usize % limit
        };
        let mut parts = Vec::new();
        for _ in 0..2000 {
            // One text more, or one less, or another one.
            let kept = below(3);
            if parts.len() > below(12) {
                parts.remove(below(parts.len()));
            }
            if parts.is_empty() || kept > 0 {
                let part = (below(24), below(3), below(TEXTS.len() + 1), below(3));
                parts.insert(below(parts.len() + 1), part);
            }
            let drawn = || {
                let mut drawing = Drawing::default();
                drawing.begin(area);
                for &(column, row, text, colour) in &parts {
                    let at = Rect::new(column as u16, row as u16, 24 - column as u16, 1);
                    let style = match colour {
                        0 => Style::reset(),
                        1 => Style::new().fg(Color::Indexed(1)),
                        _ => Style::new().add_modifier(Modifier::REVERSED),
                    };
                    match TEXTS.get(text) {
                        Some(text) => drawing.text(at, text, text::width(text), style),
                        None => drawing.style(at, style),
                    }
                }
                drawing
            };
            shown.process(&incremental.frame(&mut drawn()).unwrap());
            let mut expected = vt100::Parser::new(area.height, area.width, 0);
            let mut other = screen();
            expected.process(&other.frame(&mut drawn()).unwrap());
            let cells = |parser: &vt100::Parser| -> Vec<_> {
                let places =
                    (0..area.height).flat_map(|row| (0..area.width).map(move |x| (row, x)));
                let cells = places.filter_map(|(row, x)| parser.screen().cell(row, x));
                // The colour of a blank is not seen unless it is reversed.
                let seen = cells.map(|cell| match (cell.contents().trim(), cell.inverse()) {
                    ("", false) => (String::new(), None, false),
                    (text, inverse) => (text.to_owned(), Some(cell.fgcolor()), inverse),
                });
                seen.collect()
            };
            assert_eq!(cells(&shown), cells(&expected), "{parts:?}");
            std::mem::forget(other);
        }
        std::mem::forget(incremental);
    }
}
