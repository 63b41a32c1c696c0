//! A running `sampled alert`.

use std::{
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    time::Instant,
};

use rustix::process::Signal;

use crate::{
    support::{
        bus::Bus,
        process::{DEADLINE, Process},
    },
    thresholds::room::{DESK, Room},
};

/// A running `sampled alert` of the desk, every 50 ms.
pub(crate) struct Alert {
    pub(crate) child: Child,
    stdout: BufReader<ChildStdout>,
}

impl Alert {
    pub(crate) fn command(room: &Room, arguments: &[&str]) -> Command {
        let mut command = room.bus.sampled(&["alert", DESK, "--interval", "50ms"]);
        command.args(arguments).current_dir(room.bus.dir());
        command
    }

    pub(crate) fn start(room: &Room, arguments: &[&str]) -> Self {
        let child = Self::command(room, arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut child = child.expect("spawn");
        let stdout = BufReader::new(child.stdout.take().expect("stdout is a pipe"));
        Self { child, stdout }
    }

    /// An alert above 25 degrees that runs a script of sh(1).
    pub(crate) fn running(room: &Room, options: &[&str], script: &str) -> Self {
        let command = ["--above", "25", "--", "sh", "-c", script];
        Self::start(room, &[options, &command].concat())
    }

    /// The next line of its output.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).expect("UTF-8");
        assert!(line.ends_with('\n'), "{line:?} is no line");
        line.trim_end().to_owned()
    }

    pub(crate) fn process(&self) -> Process {
        Process::open(self.child.id()).expect("a child exists until it is waited for")
    }

    /// Sends a signal that ends it; returns its exit status and its stderr.
    pub(crate) fn interrupt(self, signal: Signal) -> (Option<i32>, String) {
        self.process().signal(signal);
        self.end()
    }

    /// Waits for its end; returns its exit status and its stderr.
    pub(crate) fn end(mut self) -> (Option<i32>, String) {
        self.process().wait();
        // A process that outlives it would hold the pipes open, and fail the test by its deadline.
        let mut text = String::new();
        let mut stderr = self.child.stderr.take().expect("stderr is a pipe");
        stderr.read_to_string(&mut text).expect("UTF-8");
        (self.child.wait().expect("wait").code(), text)
    }

    /// Closes its stdout.
    pub(crate) fn without_reader(self) -> Child {
        self.child
    }
}

/// Waits until a state is reached.
#[track_caller]
pub(crate) fn until(what: &str, is_reached: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_reached() {
        assert!(start.elapsed() < DEADLINE, "{what}");
        std::thread::yield_now();
    }
}

/// Waits until the service has a watch that has read.
#[track_caller]
pub(crate) fn until_watched(bus: &Bus) {
    until("there is no watch", || {
        let sessions = bus.block_on(async { bus.client().await.sessions().await });
        sessions.is_ok_and(|sessions| sessions.values().any(|session| session.threshold.is_some()))
    });
}

/// The lines of a file.
pub(crate) fn lines(path: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// Waits until a file has so many lines.
#[track_caller]
pub(crate) fn until_lines(path: &Path, count: usize) {
    until(&format!("{} has not {count} lines", path.display()), || {
        lines(path).len() >= count
    });
}
