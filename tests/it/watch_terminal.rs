//! `watch` on a terminal: one table in its place, whatever the size of either.

use std::{
    fs::{self, File},
    io::Read,
    os::fd::{AsFd, OwnedFd},
    process::{Child, Stdio},
    time::Instant,
};

use nix::pty::{Winsize, openpty};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::Signal,
    termios::{self, tcsetwinsize},
};

use crate::{
    custom::fixture::{define, sources_d},
    support::{
        home::Home,
        process::{DEADLINE, Process},
        terminal_emulator::Terminal,
    },
};

/// A watch on a terminal.
struct Watch {
    child: Child,
    process: Process,
    master: OwnedFd,
    terminal: Terminal,
}

impl Watch {
    fn begin(home: &Home, arguments: &str, height: u16, width: u16) -> Self {
        let size = Winsize {
            ws_row: height,
            ws_col: width,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        let pty = openpty(Some(&size), None).expect("terminal");
        let arguments: Vec<_> = arguments.split(' ').collect();
        let mut command = home.sampled(&arguments);
        command.env("TERM", "xterm").stdout(pty.slave);
        let child = command.stderr(Stdio::null()).spawn().expect("spawn");
        Self {
            process: Process::open(child.id()).expect("it is there"),
            child,
            master: pty.master,
            terminal: Terminal::new(height.into(), width.into()),
        }
    }

    /// Reads until the terminal shows this.
    #[track_caller]
    fn until(&mut self, is_shown: impl Fn(&[String]) -> bool) -> Vec<String> {
        let start = Instant::now();
        loop {
            let lines = self.terminal.lines();
            if is_shown(&lines) {
                return lines;
            }
            let left = DEADLINE.saturating_sub(start.elapsed());
            assert!(!left.is_zero(), "{lines:#?}");
            let time = Timespec::try_from(left).unwrap();
            let mut ready = [PollFd::new(&self.master, PollFlags::IN)];
            if poll(&mut ready, Some(&time)).expect("poll") > 0 {
                let mut bytes = [0; 4096];
                let mut master = File::from(self.master.try_clone().expect("dup"));
                let read = master.read(&mut bytes).expect("the terminal is open");
                self.terminal.take(&bytes[..read]);
            }
        }
    }

    fn resize(&mut self, height: u16, width: u16) {
        let size = termios::Winsize {
            ws_row: height,
            ws_col: width,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(self.master.as_fd(), size).expect("size");
        self.terminal.resize(height.into(), width.into());
        // As it comes to those whose terminal it is.
        self.process.signal(Signal::WINCH);
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.process.signal(Signal::KILL);
        self.child.wait().ok();
    }
}

/// Whether a whole table is shown whose last line this is the start of, and the first one a moment.
fn ends(lines: &[String], last: impl Fn(&str) -> bool) -> bool {
    let shown = lines.iter().rfind(|line| !line.is_empty());
    lines[0].starts_with("20") && shown.is_some_and(|line| last(line))
}

/// The moment that a table is of.
fn moment(lines: &[String]) -> &str {
    &lines[0]
}

fn is_more(line: &str) -> bool {
    line.starts_with("… ") && line.contains(" more")
}

#[test]
fn a_table_that_is_taller_keeps_its_top() {
    let home = Home::new();
    let mut watch = Watch::begin(&home, "watch cpu memory --interval 50ms", 12, 80);
    let mut before = String::new();
    for _ in 0..4 {
        let lines = watch.until(|lines| ends(lines, is_more) && moment(lines) != before);
        assert_eq!(watch.terminal.scrolled, 0, "{lines:#?}");
        assert!(lines[1].starts_with("cpu/all/"), "{lines:#?}");
        // The cursor stands below.
        assert!(is_more(&lines[10]), "{lines:#?}");
        assert_eq!(lines[11], "");
        before = moment(&lines).to_owned();
    }
}

#[test]
fn what_is_left_out_is_counted() {
    let home = Home::new();
    let directory = sources_d(&home);
    let metric = |number| format!("[metrics.'a/b/{number}']\nexpression = '{number}'\n");
    let text: String = (0..20).map(metric).collect();
    define(&directory, "a.toml", &text);
    let mut watch = Watch::begin(&home, "watch a --interval 50ms", 12, 80);
    let lines = watch.until(|lines| ends(lines, is_more));
    // Of twelve rows one is the cursor's, one the moment's, and one this one's.
    assert!(lines[10].starts_with("… 11 more: "), "{lines:#?}");
    assert!(lines[9].starts_with("a/b/8 "), "{lines:#?}");
    let mut watch = Watch::begin(&home, "watch a --interval 50ms", 22, 80);
    let lines = watch.until(|lines| ends(lines, |line| line.starts_with("a/b/19 ")));
    assert_eq!(watch.terminal.scrolled, 0, "{lines:#?}");
}

#[test]
fn long_lines_are_cut() {
    let home = Home::new();
    let value = home.dir().join("value");
    fs::write(&value, "日本".repeat(60)).unwrap();
    let text = format!(
        "[metrics.'a/b/c']\nfile = {value:?}\nkind = 'text'\n[metrics.'a/b/d']\nexpression = '1'\n"
    );
    define(&sources_d(&home), "a.toml", &text);
    for width in [40, 41, 20, 3] {
        let mut watch = Watch::begin(&home, "watch a --interval 50ms", 8, width);
        let mut before = String::new();
        for _ in 0..4 {
            let lines = watch.until(|lines| {
                ends(lines, |line| line.starts_with("a/b"))
                    && !lines[2].is_empty()
                    && moment(lines) != before
            });
            assert!(
                lines[1].starts_with("a/b") && lines[3].is_empty(),
                "{lines:#?}"
            );
            assert_eq!(watch.terminal.scrolled, 0, "{lines:#?}");
            before = moment(&lines).to_owned();
            if width == 3 {
                break;
            }
        }
    }
}

#[test]
fn another_size_is_followed_at_once() {
    let home = Home::new();
    // No other frame comes.
    let mut watch = Watch::begin(&home, "watch cpu memory --interval 1h", 30, 80);
    watch.until(|lines| ends(lines, is_more) && is_more(&lines[28]));
    for (height, width) in [(10, 80), (20, 50), (6, 24), (30, 80)] {
        watch.resize(height, width);
        let last = usize::from(height) - 2;
        let lines = watch.until(|lines| ends(lines, is_more) && is_more(&lines[last]));
        assert!(lines[1].starts_with("cpu/all/"), "{lines:#?}");
        assert_eq!(watch.terminal.scrolled, 0, "{lines:#?}");
    }
    watch.process.signal(Signal::INT);
    watch.process.wait();
    assert_eq!(watch.child.wait().expect("wait").code(), Some(0));
}

#[test]
fn the_smallest_terminal_is_no_problem() {
    let home = Home::new();
    for (height, width) in [(1, 1), (1, 80), (2, 10), (3, 80), (80, 1)] {
        let arguments = "watch memory --interval 50ms --count 4";
        let mut watch = Watch::begin(&home, arguments, height, width);
        assert!(watch.process.ends_within(DEADLINE), "{height} {width}");
        assert_eq!(watch.child.wait().expect("wait").code(), Some(0));
    }
}
