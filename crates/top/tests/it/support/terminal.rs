//! A program in a pseudoterminal, and the screen that its output results in.

use std::{
    fs::File,
    io::{Read, Write},
    os::fd::OwnedFd,
    process::{Child, Command, ExitStatus},
    thread,
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::{Mode, OFlags, open},
    pty::{OpenptFlags, openpt, ptsname, unlockpt},
    termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize},
};
use vt100::{Color, MouseProtocolMode, Parser, Screen};

use super::{
    DEADLINE,
    bus::{Bus, TOP},
};

/// A program that controls a terminal.
pub(crate) struct Terminal {
    child: Child,
    master: Option<OwnedFd>,
    slave: OwnedFd,
    parser: Parser,
    /// Everything that the program has written.
    pub(crate) written: Vec<u8>,
}

impl Terminal {
    /// The monitor with these arguments, each separated by a blank.
    pub(crate) fn top(bus: &Bus, arguments: &str, height: u16, width: u16) -> Self {
        Self::top_with(bus, arguments, height, width, |_| {})
    }

    /// The monitor in another environment.
    pub(crate) fn top_with(
        bus: &Bus,
        arguments: &str,
        height: u16,
        width: u16,
        prepare: impl FnOnce(&mut Command),
    ) -> Self {
        let mut command = bus.command("setsid");
        command.args(["--ctty", TOP]);
        command.args(arguments.split(' ').filter(|argument| !argument.is_empty()));
        prepare(&mut command);
        Self::run(command, height, width)
    }

    /// A command that controls the terminal, as by setsid(1).
    pub(crate) fn run(mut command: Command, height: u16, width: u16) -> Self {
        // No other program may inherit the master: the terminal would outlive it.
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let master = openpt(flags).expect("terminal");
        unlockpt(&master).expect("terminal");
        tcsetwinsize(&master, winsize(height, width)).expect("size");
        let name = ptsname(&master, Vec::new()).expect("terminal");
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let slave = open(name, flags, Mode::empty()).expect("terminal");
        let other = || slave.try_clone().expect("dup");
        command.stdin(other()).stdout(other()).stderr(other());
        Self {
            child: command.spawn().expect("setsid"),
            master: Some(master),
            slave,
            parser: Parser::new(height, width, 0),
            written: Vec::new(),
        }
    }

    /// The pid of the program.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The screen.
    pub(crate) fn screen(&self) -> &Screen {
        self.parser.screen()
    }

    /// The text on the screen.
    pub(crate) fn text(&self) -> String {
        self.screen().contents()
    }

    /// The lines on the screen.
    pub(crate) fn lines(&self) -> Vec<String> {
        let (_, width) = self.screen().size();
        self.screen().rows(0, width).collect()
    }

    /// Whether a cell has a colour.
    pub(crate) fn has_colours(&self) -> bool {
        let (height, width) = self.screen().size();
        let cells = (0..height).flat_map(|row| (0..width).map(move |column| (row, column)));
        cells
            .filter_map(|(row, column)| self.screen().cell(row, column))
            .any(|cell| cell.fgcolor() != Color::Default || cell.bgcolor() != Color::Default)
    }

    /// Types.
    pub(crate) fn key_in(&self, keys: &str) {
        let mut master = File::from(self.master().try_clone().expect("dup"));
        master.write_all(keys.as_bytes()).expect("the terminal");
    }

    /// Clicks at a place that is counted from 0.
    pub(crate) fn click(&self, column: usize, row: usize) {
        let (column, row) = (column + 1, row + 1);
        self.key_in(&format!("\x1b[<0;{column};{row}M\x1b[<0;{column};{row}m"));
    }

    /// The place of a text on the screen, counted in columns and rows from 0.
    #[track_caller]
    pub(crate) fn place(&self, text: &str) -> (usize, usize) {
        let lines = self.lines();
        let row = lines.iter().position(|line| line.contains(text));
        let row = row.unwrap_or_else(|| panic!("no {text:?} in {lines:#?}"));
        let byte = lines[row].find(text).unwrap();
        (lines[row][..byte].chars().count(), row)
    }

    /// Reads until the text on the screen satisfies a condition; returns it.
    #[track_caller]
    pub(crate) fn until(&mut self, is_shown: impl Fn(&str) -> bool) -> String {
        self.until_screen(|screen| is_shown(&screen.contents()));
        self.text()
    }

    /// Reads until the screen satisfies a condition.
    #[track_caller]
    pub(crate) fn until_screen(&mut self, is_right: impl Fn(&Screen) -> bool) {
        let start = Instant::now();
        while !is_right(self.screen()) {
            let left = DEADLINE.saturating_sub(start.elapsed());
            assert!(!left.is_zero(), "{}", self.text());
            let time = Timespec::try_from(left).unwrap();
            let mut ready = [PollFd::new(self.master(), PollFlags::IN)];
            if poll(&mut ready, Some(&time)).expect("poll") > 0 {
                self.read();
            }
        }
    }

    /// Reads what the program writes in a time.
    #[allow(dead_code, reason = "the bench needs it")]
    pub(crate) fn drain(&mut self, time: Duration) {
        let begin = Instant::now();
        loop {
            let left = Timespec::try_from(time.saturating_sub(begin.elapsed())).unwrap();
            let mut ready = [PollFd::new(self.master(), PollFlags::IN)];
            if poll(&mut ready, Some(&left)).expect("poll") == 0 {
                return;
            }
            self.read();
        }
    }

    /// Reads what the program has written.
    fn read(&mut self) {
        let mut bytes = [0; 65536];
        let mut master = File::from(self.master().try_clone().expect("dup"));
        let read = master.read(&mut bytes).expect("the terminal is open");
        self.parser.process(&bytes[..read]);
        self.written.extend_from_slice(&bytes[..read]);
    }

    /// Changes the size. The kernel tells the program.
    pub(crate) fn resize(&mut self, height: u16, width: u16) {
        tcsetwinsize(self.master(), winsize(height, width)).expect("size");
        self.parser.screen_mut().set_size(height, width);
    }

    /// Waits until the program has ended and has given the terminal back.
    #[track_caller]
    pub(crate) fn end(&mut self) -> ExitStatus {
        let start = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("wait") {
                break status;
            }
            assert!(start.elapsed() < DEADLINE, "{}", self.text());
            let mut ready = [PollFd::new(self.master(), PollFlags::IN)];
            let time = Timespec {
                tv_sec: 0,
                tv_nsec: 10_000_000,
            };
            if poll(&mut ready, Some(&time)).expect("poll") > 0 {
                self.read();
            }
        };
        while self.has_output() {
            self.read();
        }
        assert!(!self.screen().alternate_screen());
        assert!(!self.screen().hide_cursor());
        assert_eq!(self.screen().mouse_protocol_mode(), MouseProtocolMode::None);
        let modes = tcgetattr(&self.slave).expect("modes").local_modes;
        assert!(modes.contains(LocalModes::ECHO | LocalModes::ICANON));
        status
    }

    fn has_output(&self) -> bool {
        let mut ready = [PollFd::new(self.master(), PollFlags::IN)];
        let now = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        poll(&mut ready, Some(&now)).expect("poll") > 0
    }

    /// Takes the terminal away.
    pub(crate) fn hang_up(&mut self) {
        self.master = None;
    }

    /// Waits until the program has ended, whatever has become of its terminal.
    #[track_caller]
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("wait") {
                return status;
            }
            assert!(start.elapsed() < DEADLINE, "it does not end");
            thread::yield_now();
        }
    }

    fn master(&self) -> &OwnedFd {
        self.master.as_ref().expect("the terminal is there")
    }
}

fn winsize(height: u16, width: u16) -> Winsize {
    Winsize {
        ws_row: height,
        ws_col: width,
        ws_xpixel: 0,
        ws_ypixel: 0,
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
