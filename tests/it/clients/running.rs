//! A client that runs, and its lines.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
};

use crate::support::{
    bus::Bus,
    process::{DEADLINE, Process},
};

/// A client that writes lines.
pub(super) struct Client {
    child: Child,
    process: Process,
    lines: Receiver<String>,
    /// The file with its output to stderr.
    errors: PathBuf,
}

impl Client {
    /// Runs a command with this bus address.
    pub(super) fn run(bus: &Bus, mut command: Command, address: &str) -> Self {
        let directory = tempfile::tempdir_in(bus.dir()).expect("directory").keep();
        let errors = directory.join("errors");
        let piped = command
            .env("DBUS_SESSION_BUS_ADDRESS", address)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(fs::File::create(&errors).expect("errors"));
        let mut child = piped.spawn().expect("the program can be run");
        let stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Self {
            process: Process::open(child.id()).expect("a child"),
            child,
            lines,
            errors,
        }
    }

    pub(super) fn process(&self) -> &Process {
        &self.process
    }

    /// The next line of its output; `None` if it has closed it.
    #[track_caller]
    pub(super) fn line(&mut self) -> Option<String> {
        match self.lines.recv_timeout(DEADLINE) {
            Ok(line) => Some(line),
            Err(mpsc::RecvTimeoutError::Disconnected) => None,
            Err(error) => panic!("no further line ({error}): {}", self.errors()),
        }
    }

    /// The lines up to the first one with this text.
    #[track_caller]
    pub(super) fn lines_to(&mut self, text: &str) -> Vec<String> {
        const LIMIT: usize = 1000;
        let mut lines = Vec::new();
        while let Some(line) = self.line() {
            let found = line.contains(text);
            lines.push(line);
            if found {
                return lines;
            }
            assert!(lines.len() < LIMIT, "no line {text:?} in {lines:#?}");
        }
        panic!("no line {text:?} in {lines:#?}: {}", self.errors());
    }

    /// The other lines, and how it has ended.
    #[track_caller]
    pub(super) fn rest(&mut self) -> (Vec<String>, ExitStatus) {
        let mut lines = Vec::new();
        while let Some(line) = self.line() {
            lines.push(line);
        }
        self.process.wait();
        (lines, self.child.wait().expect("a child"))
    }

    /// Its standard error so far.
    pub(super) fn errors(&self) -> String {
        fs::read_to_string(&self.errors).unwrap_or_default()
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // The home of the test kills what it has started.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
