//! Commands that stop their subreaper (SIGSTOP), which then cannot act until it is continued (SIGCONT).

use std::{
    any::type_name_of_val,
    io::{BufRead, BufReader},
    os::{fd::OwnedFd, unix::net::UnixStream},
    path::Path,
    process::{self, Child, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::process::Signal;
use sampled::{client::SampleOptions, custom::command::Command};

use super::{
    fixture::{Fixture, again, next, nothing_is_left, subreapers, told},
    service_end,
};
use crate::{
    custom::fixture::{define, sources_d},
    support::{
        bus::Bus,
        home::{Home, MARK, SAMPLED},
        process::{DEADLINE, Process},
    },
};

/// Stops its subreaper once.
const ONCE: &str = "kill -STOP $PPID; echo 1; exec sleep 1000";

/// Stop their subreaper whenever it is continued: one process in the session of the subreaper, and one that has
/// neither that session nor the mark of the run.
const AGAIN: [&str; 2] = [
    "trap '' TERM; echo; while :; do kill -STOP $PPID; done",
    "env -i setsid sh -c \"while :; do kill -STOP $PPID; done\" & echo; exec sleep 1000",
];

/// A service that runs a command which has stopped its subreaper.
fn begin(arguments: &str) -> (Bus, Option<Process>) {
    begin_with(ONCE, arguments)
}

fn begin_with(shell: &str, arguments: &str) -> (Bus, Option<Process>) {
    let bus = Bus::activating(arguments);
    let text = format!(
        "[commands.stop]\nshell = \"\"\"{shell}\"\"\"\nlines = true\n[metrics.'stop/guard/x']\ncommand = 'stop'\n"
    );
    define(&sources_d(&bus), "stop.toml", &text);
    let daemon = bus.block_on(async {
        let client = bus.client().await;
        let patient = SampleOptions {
            timeout: Some(DEADLINE),
            ..SampleOptions::default()
        };
        let sample = client.sample(&["stop"], patient).await.unwrap();
        assert_eq!(sample.readings.len(), 1, "{sample:?}");
        bus.daemon().await
    });
    (bus, daemon)
}

#[test]
fn the_service_ends() {
    for signal in [Signal::KILL, Signal::TERM, Signal::ABORT] {
        let (bus, daemon) = begin("--idle-timeout never");
        let daemon = daemon.expect("it stays");
        daemon.signal(signal);
        daemon.wait();
        service_end::nothing_is_left(&bus);
    }
}

#[test]
fn the_service_ends_beside_a_loop() {
    let texts = [
        "trap '' TERM; echo 1; while :; do kill -STOP $PPID; done",
        "env -i setsid sh -c 'while :; do kill -STOP $0; done' $PPID & echo 1; exec sleep 1000",
        "(while :; do kill -STOP $PPID; done) & echo 1; exec sleep 1000",
    ];
    for text in texts {
        let (bus, daemon) = begin_with(text, "--idle-timeout never");
        let daemon = daemon.expect("it stays");
        daemon.signal(Signal::TERM);
        daemon.wait();
        service_end::nothing_is_left(&bus);
    }
}

/// The subreaper was told to end the run before it is stopped, so its timer continues it, and nothing else.
#[test]
fn a_loop_begins_when_the_service_has_ended() {
    let text = "service=$(sed -n 's/^PPid:.//p' /proc/$PPID/status); trap '' TERM; echo 1; \
                while kill -0 $service; do :; done; while :; do kill -STOP $PPID; done";
    let (bus, daemon) = begin_with(text, "--idle-timeout never");
    let daemon = daemon.expect("it stays");
    daemon.signal(Signal::TERM);
    daemon.wait();
    service_end::nothing_is_left(&bus);
}

#[test]
fn the_service_quits() {
    let (bus, daemon) = begin("--idle-timeout never");
    bus.block_on(async { bus.client().await.quit().await })
        .expect("nobody else is there");
    daemon.expect("it stays").wait();
    service_end::nothing_is_left(&bus);
}

#[test]
fn the_service_is_idle() {
    let (bus, daemon) = begin("--idle-timeout 50ms");
    daemon.iter().for_each(Process::wait);
    service_end::nothing_is_left(&bus);
}

/// The kernel sends the signal of PR_SET_PDEATHSIG when the thread ends that has started the subreaper, and again when
/// each thread ends that has become its parent, the last one included.
#[test]
fn the_thread_that_has_started_the_subreaper_ends_before_its_process() {
    if let Some(home) = told() {
        let (_link, mut subreaper) = begin_on_a_thread(home.as_ref());
        println!("it is stopped");
        subreaper.wait().unwrap();
        unreachable!("nothing ends it");
    }
    let home = Home::new();
    let mut program = again(type_name_of_val(&|| ()), home.dir().as_os_str());
    let mut owner = program.stdout(Stdio::piped()).spawn().unwrap();
    let said = BufReader::new(owner.stdout.take().unwrap());
    let mut lines = said.lines().map(Result::unwrap);
    assert!(lines.any(|line| line.contains("it is stopped")));
    let subreaper = subreapers(&home).pop().expect("subreaper");
    assert!(subreaper.is_running());
    owner.kill().unwrap();
    owner.wait().unwrap();
    nothing_is_left(&home);
}

/// Starts a subreaper on a thread of its own, which has ended when this returns. Waits until the end of the thread has
/// continued the subreaper, and the command has stopped it again.
fn begin_on_a_thread(home: &Path) -> (UnixStream, Child) {
    let (link, theirs) = UnixStream::pair().unwrap();
    let mut subreaper = process::Command::new(SAMPLED);
    subreaper
        .arg("guard")
        .arg(home)
        .args(["sh", "-c", ONCE])
        .env(MARK, home)
        .stdin(OwnedFd::from(theirs))
        .stdout(Stdio::null());
    let begin = move || {
        let subreaper = subreaper.spawn().unwrap();
        until_stopped(&Process::open(subreaper.id()).unwrap());
        subreaper
    };
    let subreaper = thread::spawn(begin).join().unwrap();
    // The same state as after an earlier end of the thread.
    Process::open(subreaper.id()).unwrap().stop();
    (link, subreaper)
}

#[track_caller]
fn until_stopped(process: &Process) {
    let until = Instant::now() + DEADLINE;
    while !process.is_stopped() {
        assert!(Instant::now() < until, "{} is not stopped", process.pid);
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn the_subreaper_is_stopped_again_and_again() {
    for text in AGAIN {
        let fixture = Fixture::new();
        let handle = fixture.runner.add(Command {
            lines: true,
            ..fixture.shell(text)
        });
        assert_eq!(next(&handle, 0).problem, None, "{text}");
        let subreaper = subreapers(&fixture.home).pop().expect("subreaper");
        until_stopped(&subreaper);
        drop(handle);
        nothing_is_left(&fixture.home);
    }
}
