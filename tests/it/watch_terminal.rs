//! `watch` on a terminal: each frame replaces the last one on the screen, and fits the terminal.

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

/// A `sampled watch` on a pseudoterminal.
struct Watch {
    child: Child,
    process: Process,
    master: OwnedFd,
    terminal: Terminal,
}

impl Watch {
    fn start(home: &Home, arguments: &str, height: u16, width: u16) -> Self {
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
            process: Process::open(child.id()).expect("a child exists until it is waited for"),
            child,
            master: pty.master,
            terminal: Terminal::new(height.into(), width.into()),
        }
    }

    /// Reads until the lines on the screen satisfy a condition; returns these lines.
    #[track_caller]
    fn wait_until(&mut self, is_shown: impl Fn(&[String]) -> bool) -> Vec<String> {
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
                self.terminal.write(&bytes[..read]);
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
        // The kernel sends SIGWINCH only to the foreground process group of a controlling terminal, which this is not.
        self.process.signal(Signal::WINCH);
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.process.signal(Signal::KILL);
        self.child.wait().ok();
    }
}

/// Whether the screen shows a whole table: a timestamp first, and a last line that satisfies a condition.
fn is_whole(lines: &[String], is_last: impl Fn(&str) -> bool) -> bool {
    let last = lines.iter().rfind(|line| !line.is_empty());
    lines[0].starts_with("20") && last.is_some_and(|line| is_last(line))
}

/// The timestamp of a table, its first line.
fn timestamp(lines: &[String]) -> &str {
    &lines[0]
}

/// Whether a line counts the rows that are left out.
fn counts_omitted_rows(line: &str) -> bool {
    line.starts_with("… ") && line.contains(" more")
}

#[test]
fn a_table_taller_than_the_terminal_shows_its_first_rows() {
    let home = Home::new();
    let mut watch = Watch::start(&home, "watch cpu memory --interval 50ms", 12, 80);
    let mut before = String::new();
    for _ in 0..4 {
        let lines = watch
            .wait_until(|lines| is_whole(lines, counts_omitted_rows) && timestamp(lines) != before);
        assert_eq!(watch.terminal.scrolled, 0, "{lines:#?}");
        assert!(lines[1].starts_with("cpu/all/"), "{lines:#?}");
        // The last line is free for the cursor.
        assert!(counts_omitted_rows(&lines[10]), "{lines:#?}");
        assert_eq!(lines[11], "");
        before = timestamp(&lines).to_owned();
    }
}

#[test]
fn the_last_line_counts_the_rows_left_out() {
    let home = Home::new();
    let directory = sources_d(&home);
    let metric = |number| format!("[metrics.'a/b/{number}']\nexpression = '{number}'\n");
    let text: String = (0..20).map(metric).collect();
    define(&directory, "a.toml", &text);
    let mut watch = Watch::start(&home, "watch a --interval 50ms", 12, 80);
    let lines = watch.wait_until(|lines| is_whole(lines, counts_omitted_rows));
    // Of twelve lines one is for the timestamp, one for the count, and one for the cursor.
    assert!(lines[10].starts_with("… 11 more: "), "{lines:#?}");
    assert!(lines[9].starts_with("a/b/8 "), "{lines:#?}");
    let mut watch = Watch::start(&home, "watch a --interval 50ms", 22, 80);
    let lines = watch.wait_until(|lines| is_whole(lines, |line| line.starts_with("a/b/19 ")));
    assert_eq!(watch.terminal.scrolled, 0, "{lines:#?}");
}

#[test]
fn long_lines_are_cut_to_the_width() {
    let home = Home::new();
    let value = home.dir().join("value");
    fs::write(&value, "日本".repeat(60)).unwrap();
    let text = format!(
        "[metrics.'a/b/c']\nfile = {value:?}\nkind = 'text'\n[metrics.'a/b/d']\nexpression = '1'\n"
    );
    define(&sources_d(&home), "a.toml", &text);
    for width in [40, 41, 20, 3] {
        let mut watch = Watch::start(&home, "watch a --interval 50ms", 8, width);
        let mut before = String::new();
        for _ in 0..4 {
            let lines = watch.wait_until(|lines| {
                is_whole(lines, |line| line.starts_with("a/b"))
                    && !lines[2].is_empty()
                    && timestamp(lines) != before
            });
            assert!(
                lines[1].starts_with("a/b") && lines[3].is_empty(),
                "{lines:#?}"
            );
            assert_eq!(watch.terminal.scrolled, 0, "{lines:#?}");
            before = timestamp(&lines).to_owned();
            // Three columns show the same part of every timestamp.
            if width == 3 {
                break;
            }
        }
    }
}

#[test]
fn a_resize_redraws_the_table_at_once() {
    let home = Home::new();
    // The next frame is an hour away.
    let mut watch = Watch::start(&home, "watch cpu memory --interval 1h", 30, 80);
    watch.wait_until(|lines| {
        is_whole(lines, counts_omitted_rows) && counts_omitted_rows(&lines[28])
    });
    for (height, width) in [(10, 80), (20, 50), (6, 24), (30, 80)] {
        watch.resize(height, width);
        let last = usize::from(height) - 2;
        let lines = watch.wait_until(|lines| {
            is_whole(lines, counts_omitted_rows) && counts_omitted_rows(&lines[last])
        });
        assert!(lines[1].starts_with("cpu/all/"), "{lines:#?}");
        assert_eq!(watch.terminal.scrolled, 0, "{lines:#?}");
    }
    watch.process.signal(Signal::TERM);
    watch.process.wait();
    assert_eq!(watch.child.wait().expect("wait").code(), Some(0));
}

#[test]
fn watch_runs_in_the_smallest_terminals() {
    let home = Home::new();
    for (height, width) in [(1, 1), (1, 80), (2, 10), (3, 80), (80, 1)] {
        let arguments = "watch memory --interval 50ms --count 4";
        let mut watch = Watch::start(&home, arguments, height, width);
        assert!(watch.process.ends_within(DEADLINE), "{height} {width}");
        assert_eq!(watch.child.wait().expect("wait").code(), Some(0));
    }
}
