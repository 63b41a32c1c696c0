//! The terminal: its modes, its size, and the cells that differ from what it shows.

use std::{
    fs::{File, OpenOptions},
    io::{self, IsTerminal, Write},
    os::{fd::AsFd, unix::fs::OpenOptionsExt},
    time::{Duration, Instant},
};

use crossterm::terminal::{disable_raw_mode, enable_raw_mode};
use ratatui::{
    backend::{Backend, CrosstermBackend},
    buffer::Buffer,
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
    /// The screen of the terminal.
    shown: Buffer,
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
            shown: Buffer::empty(Rect::ZERO),
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

    /// The bytes that make the terminal show a buffer: none if it shows it already.
    pub(crate) fn frame(&mut self, buffer: Buffer) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        if self.is_dirty || self.shown.area != buffer.area {
            bytes.extend_from_slice(BEGIN_FRAME);
            bytes.extend_from_slice(CLEAR);
            self.shown = Buffer::empty(buffer.area);
            self.is_dirty = false;
        }
        let mut changes = self.shown.diff_iter(&buffer).peekable();
        if changes.peek().is_some() {
            if bytes.is_empty() {
                bytes.extend_from_slice(BEGIN_FRAME);
            }
            CrosstermBackend::new(&mut bytes).draw(changes)?;
        }
        if !bytes.is_empty() {
            bytes.extend_from_slice(END_FRAME);
        }
        self.shown = buffer;
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
    use ratatui::style::Style;

    use super::*;

    fn screen() -> Screen {
        Screen {
            output: None,
            shown: Buffer::empty(Rect::ZERO),
            is_dirty: true,
        }
    }

    #[test]
    fn only_changes_are_written() {
        let mut screen = screen();
        let buffer = |number: &str| {
            let mut buffer = Buffer::empty(Rect::new(0, 0, 80, 24));
            buffer.set_string(0, 0, "Usage", Style::new());
            buffer.set_string(10, 5, number, Style::new());
            buffer
        };
        let first = screen.frame(buffer("3.1 %")).unwrap();
        assert!(first.starts_with(BEGIN_FRAME) && first.ends_with(END_FRAME));
        assert_eq!(screen.frame(buffer("3.1 %")).unwrap(), b"");
        let second = screen.frame(buffer("3.2 %")).unwrap();
        assert!(second.len() < 64, "{}", second.len());
        assert!(second.windows(7).any(|bytes| bytes == b"\x1b[6;13H"));
        screen.forget();
        let third = screen.frame(buffer("3.2 %")).unwrap();
        assert!(third.len() > second.len());
        std::mem::forget(screen);
    }
}
