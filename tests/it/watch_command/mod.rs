//! `watch`: it prints frames, also when the service restarts.

mod ends;

use std::{
    io::{BufRead, BufReader, Lines, Read},
    process::{Child, ChildStdout, Stdio},
    time::{Instant, SystemTime},
};

use rustix::process::Signal;

use crate::{
    cli::frame,
    support::{
        bus::Bus,
        home::Home,
        process::{DEADLINE, Process},
    },
};

/// A running `sampled watch --json`.
struct Watch {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Watch {
    fn start(mut command: std::process::Command) -> Self {
        let child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut child = child.expect("spawn");
        let stdout = child.stdout.take().expect("stdout is a pipe");
        let lines = BufReader::new(stdout).lines();
        Self { child, lines }
    }

    /// The timestamp of the next frame.
    fn next(&mut self) -> u64 {
        let line = self.lines.next().expect("another frame").expect("line");
        let (timestamp, readings, faults) = frame(&line);
        assert!(!readings.is_empty() || !faults.is_empty());
        timestamp
    }

    /// Sends a signal that ends it; returns its exit status and its stderr.
    fn interrupt(mut self, signal: Signal) -> (Option<i32>, String) {
        let process =
            Process::open(self.child.id()).expect("a child exists until it is waited for");
        process.signal(signal);
        // Its output is read to the end, so that no write blocks it.
        self.lines.by_ref().for_each(drop);
        self.end()
    }

    /// Closes its stdout and waits for its end; returns its exit status and its stderr.
    fn end(mut self) -> (Option<i32>, String) {
        drop(self.lines);
        let mut text = String::new();
        let mut stderr = self.child.stderr.take().expect("stderr is a pipe");
        stderr.read_to_string(&mut text).expect("UTF-8");
        (self.child.wait().expect("wait").code(), text)
    }
}

/// Waits until the service has no session: a client that has left the bus is noticed a moment later.
#[track_caller]
fn until_no_session(bus: &Bus) {
    let deadline = Instant::now() + DEADLINE;
    while sessions(bus) > 0 {
        assert!(Instant::now() < deadline, "the session does not end");
    }
}

const ARGUMENTS: [&str; 6] = [
    "watch",
    "cpu/all",
    "memory/swap",
    "--json",
    "--interval",
    "100ms",
];

/// The number of sessions that the service has.
fn sessions(bus: &Bus) -> usize {
    let sessions = bus.block_on(async { bus.client().await.sessions().await });
    sessions.expect("reply").len()
}

#[test]
fn csv_has_one_header() {
    let bus = Bus::activating("");
    let arguments = "watch cpu/all/usage --csv --interval 50ms --count 3";
    let printed = bus.run(&arguments.split(' ').collect::<Vec<_>>()).ok();
    let lines: Vec<_> = printed.lines().collect();
    assert_eq!((lines[0], lines.len()), ("timestamp,cpu/all/usage", 4));
    // The first rate of a session has no baseline: a fault, which is an empty field.
    assert!(lines[1].ends_with(','), "{printed}");
}

#[test]
fn a_short_interval_makes_a_stream() {
    let bus = Bus::activating("");
    let arguments =
        "watch cpu/all/usage os/kernel/name memory/physical/total --json --interval 5ms --count 60";
    let printed = bus.run(&arguments.split(' ').collect::<Vec<_>>()).ok();
    let frames: Vec<_> = printed.lines().map(frame).collect();
    assert_eq!(frames.len(), 60);
    assert!(frames.is_sorted_by_key(|frame| frame.0));
    // Both are NaN in the first record.
    for (_, readings, _) in &frames {
        assert_eq!(readings["os/kernel/name"], "Linux");
    }
    assert!(frames[0].2.contains_key("cpu/all/usage"), "{printed}");
    // 59 intervals of 5 ms, on a busy machine longer.
    let time = frames[59].0 - frames[0].0;
    assert!(time >= 59 * 5_000 - 10_000, "{time}");
    until_no_session(&bus);
}

#[test]
fn an_empty_line_separates_tables() {
    let bus = Bus::activating("");
    let arguments = "watch cpu/loadaverages --interval 50ms --count 2";
    let printed = bus.run(&arguments.split(' ').collect::<Vec<_>>()).ok();
    let frames: Vec<_> = printed.split("\n\n").collect();
    assert_eq!(frames.len(), 2);
    assert!(
        frames.iter().all(|frame| frame.lines().count() == 4),
        "{printed}"
    );
}

#[test]
fn sigwinch_prints_nothing_without_a_terminal() {
    let home = Home::new();
    let command = home.sampled(&["watch", "cpu/loadaverages", "--interval", "1h"]);
    let mut watch = Watch::start(command);
    // A frame is a timestamp and three values.
    for _ in 0..2 {
        watch.lines.next().expect("a line").expect("line");
    }
    let process = Process::open(watch.child.id()).expect("a child exists until it is waited for");
    process.signal(Signal::WINCH);
    process.signal(Signal::TERM);
    let rest = watch.lines.by_ref().map(|line| line.expect("line"));
    assert_eq!(rest.count(), 2);
    assert_eq!(watch.end().0, Some(0));
}

#[test]
fn watch_goes_on_after_a_restart_of_the_service() {
    let bus = Bus::activating("");
    for signal in [Signal::TERM, Signal::KILL] {
        let mut watch = Watch::start(bus.sampled(&ARGUMENTS));
        watch.next();
        let daemon = bus.block_on(bus.daemon()).expect("a service");
        daemon.signal(signal);
        daemon.wait();
        let successor = bus.block_on(bus.owned());
        assert_ne!(successor.pid, daemon.pid);
        // The frames before are still in the pipe. The next ones are those of the successor.
        let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let now = since_epoch.expect("the time").as_micros();
        while u128::from(watch.next()) <= now {}
        assert_eq!(sessions(&bus), 1);
        let (code, stderr) = watch.interrupt(Signal::TERM);
        assert_eq!(code, Some(0));
        assert_eq!(stderr.matches("starting again").count(), 1, "{stderr}");
        until_no_session(&bus);
    }
}

#[test]
fn without_a_bus_watch_reads_in_process() {
    let home = Home::new();
    let mut watch = Watch::start(home.sampled(&ARGUMENTS));
    let first = watch.next();
    assert!(watch.next() > first);
    let (code, stderr) = watch.interrupt(Signal::TERM);
    assert_eq!(code, Some(0));
    assert!(
        stderr.trim_end().ends_with("; reading in-process"),
        "{stderr}"
    );
}

#[test]
fn watch_prints_the_past_first() {
    let bus = Bus::activating("");
    let mut panel = Watch::start(bus.sampled(&[
        "watch",
        "memory/physical/total",
        "--interval",
        "250ms",
        "--json",
    ]));
    let seen: Vec<_> = (0..4).map(|_| panel.next()).collect();
    let window = |form| {
        let arguments = ["watch", "memory/physical/total", "--interval", "1h"];
        let history = ["--history", "10min", "--count", "4", form];
        bus.run(&[&arguments[..], &history].concat()).ok()
    };
    let json = window("--json");
    let shown: Vec<_> = json.lines().map(|line| frame(line).0).collect();
    assert_eq!(shown, seen);
    let csv = window("--csv");
    let shown: Vec<u64> = csv
        .lines()
        .skip(1)
        .map(|line| line.split(',').next().unwrap().parse().unwrap())
        .collect();
    assert_eq!(shown, seen, "{csv}");
    panel.interrupt(Signal::TERM);
    // Without a service there is none.
    let alone = bus.run(&[
        "watch",
        "memory/physical/total",
        "--procfs",
        "/proc",
        "--history",
        "1min",
        "--count",
        "1",
        "--json",
    ]);
    assert_eq!(alone.code, Some(0));
    assert!(alone.stderr.contains("no history"), "{}", alone.stderr);
}

#[test]
fn a_service_that_hangs_is_told_once() {
    let bus = Bus::activating("");
    let mut watch = Watch::start(bus.sampled(&ARGUMENTS));
    let mut last = watch.next();
    let owner = bus.block_on(async { bus.client().await.bus().owner().await });
    let pid = owner.expect("reply").and_then(|owner| owner.pid);
    let service = Process::open(pid.expect("a service")).expect("a service");
    let stderr = watch.child.stderr.take().expect("stderr is a pipe");
    let mut said = BufReader::new(stderr).lines();
    for _ in 0..2 {
        service.signal(Signal::STOP);
        let line = said.next().expect("another line").expect("line");
        assert!(
            line.starts_with("sampled: no reading for ")
                && line.ends_with("s: the service does not answer"),
            "{line}"
        );
        service.signal(Signal::CONT);
        // Those that were sent before the stop come first.
        let late = last + 2_000_000;
        while last < late {
            last = watch.next();
        }
    }
    Process::open(watch.child.id())
        .expect("it runs")
        .signal(Signal::INT);
    assert_eq!(
        said.map(Result::unwrap).collect::<Vec<_>>(),
        Vec::<String>::new()
    );
}
