//! `watch` and the other jobs of a shell: ^Z and `fg`, the background, ^C in a loop.

use std::{
    fs::File,
    io::{Read, Write},
    os::fd::{AsFd, OwnedFd},
    process::Child,
    time::Instant,
};

use nix::pty::{Winsize, openpty};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::support::{
    home::{Home, SAMPLED},
    process::DEADLINE,
    terminal_emulator::Terminal,
};

/// The last line of a table of `$WATCH`.
const LAST_LINE: &str = "cpu/loadaverages/loadaverage15 ";

/// An interactive shell that controls a terminal, in which `$WATCH` watches load averages.
struct Shell {
    child: Child,
    master: OwnedFd,
    terminal: Terminal,
}

impl Shell {
    fn start(home: &Home, interval: &str) -> Self {
        let (height, width) = (120, 100);
        let size = Winsize {
            ws_row: height,
            ws_col: width,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        let pty = openpty(Some(&size), None).expect("terminal");
        let mut command = home.command("setsid");
        command.args(["--ctty", "bash", "--norc", "--noprofile", "--noediting"]);
        let watch = format!("{SAMPLED} watch cpu/loadaverages --interval {interval}");
        command.arg("-i").env("TERM", "xterm").env("WATCH", watch);
        command
            .env("PS1", "> ")
            .env("BASH_SILENCE_DEPRECATION_WARNING", "1");
        let other = || pty.slave.try_clone().expect("dup");
        command.stdin(other()).stdout(other()).stderr(other());
        Self {
            child: command.spawn().expect("setsid"),
            master: pty.master,
            terminal: Terminal::new(height.into(), width.into()),
        }
    }

    fn key_in(&mut self, text: &str) {
        let mut master = File::from(self.master.try_clone().expect("dup"));
        master
            .write_all(text.as_bytes())
            .expect("the terminal is open");
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
            let shown: Vec<_> = lines.iter().filter(|line| !line.is_empty()).collect();
            assert!(!left.is_zero(), "{shown:#?}");
            let time = Timespec::try_from(left).unwrap();
            let mut ready = [PollFd::new(&self.master, PollFlags::IN)];
            if poll(&mut ready, Some(&time)).expect("poll") > 0 {
                let mut bytes = [0; 4096];
                let mut master = File::from(self.master.as_fd().try_clone_to_owned().expect("dup"));
                let read = master.read(&mut bytes).expect("the terminal is open");
                self.terminal.write(&bytes[..read]);
            }
        }
    }

    /// Waits for a prompt and keys in a command.
    #[track_caller]
    fn command(&mut self, command: &str) {
        self.wait_until(|lines| {
            let last = lines.iter().rfind(|line| !line.is_empty());
            last.is_some_and(|line| line == ">")
        });
        self.key_in(&format!("{command}\n"));
    }

    /// Waits until so many lines on the screen contain a text; returns all lines.
    #[track_caller]
    fn until_shown(&mut self, text: &str, count: usize) -> Vec<String> {
        self.wait_until(|lines| matching(lines, text) == count)
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// The number of lines that contain a text.
fn matching(lines: &[String], text: &str) -> usize {
    lines.iter().filter(|line| line.contains(text)).count()
}

/// Stops the job by ^Z.
const STOP: &str = "\u{1a}";

#[test]
fn after_a_stop_the_table_is_drawn_below_what_the_shell_has_printed() {
    let home = Home::new();
    for interval in ["1h", "60ms"] {
        let mut shell = Shell::start(&home, interval);
        shell.command("$WATCH 2>/dev/null");
        shell.until_shown(LAST_LINE, 1);
        for count in 1..=6 {
            shell.key_in(STOP);
            shell.until_shown("Stopped", count);
            shell.command(&format!("echo mark $((100 + {count}))"));
            shell.until_shown(&format!("mark {}", 100 + count), 1);
            shell.command("fg");
            // Also if the next frame is an hour away.
            let lines = shell.until_shown(LAST_LINE, count + 1);
            assert_eq!(matching(&lines, "Stopped"), count, "{lines:#?}");
            assert_eq!(matching(&lines, "mark 10"), count, "{lines:#?}");
            assert_eq!(matching(&lines, "> fg"), count, "{lines:#?}");
        }
    }
}

/// A command that waits until the kernel has stopped the job because it writes to the terminal.
const UNTIL_STOPPED: &str = "until jobs -l | grep output >/dev/null; do :; done";

#[test]
fn in_the_background_nothing_is_drawn() {
    let home = Home::new();
    let mut shell = Shell::start(&home, "60ms");
    shell.command("$WATCH 2>/dev/null &");
    shell.command(&format!("{UNTIL_STOPPED}; echo first $((100 + 1))"));
    let lines = shell.until_shown("first 101", 1);
    assert_eq!(matching(&lines, LAST_LINE), 0, "{lines:#?}");
    shell.command("fg");
    shell.until_shown(LAST_LINE, 1);
    shell.key_in(STOP);
    shell.command(&format!("bg; {UNTIL_STOPPED}; echo second $((100 + 2))"));
    let lines = shell.until_shown("second 102", 1);
    assert_eq!(matching(&lines, LAST_LINE), 1, "{lines:#?}");
    shell.command("fg");
    let lines = shell.until_shown(LAST_LINE, 2);
    assert_eq!(matching(&lines, "> fg"), 2, "{lines:#?}");
}

#[test]
fn an_interrupt_ends_a_loop_of_the_shell() {
    let home = Home::new();
    let mut shell = Shell::start(&home, "1h");
    shell.command("while true; do $WATCH 2>/dev/null; done");
    shell.until_shown(LAST_LINE, 1);
    shell.key_in("\u{3}");
    shell.command("echo alive $((100 + 3))");
    shell.until_shown("alive 103", 1);
    shell.command("$WATCH --count 1 2>/dev/null; echo status $?");
    let lines = shell.until_shown("status 0", 1);
    assert_eq!(matching(&lines, LAST_LINE), 2, "{lines:#?}");
}
