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
    fixture::{Fixture, next_answer, nothing_is_left, rerun_message, rerun_test, subreapers},
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

/// A command that stops its subreaper once.
const STOPS_ONCE: &str = "kill -STOP $PPID; echo 1; exec sleep 1000";

/// Commands that stop their subreaper whenever it is continued: by a process in the session of the subreaper, and by
/// one that has neither that session nor the mark of the run.
const STOP_AGAIN: [&str; 2] = [
    "trap '' TERM; echo; while :; do kill -STOP $PPID; done",
    "env -i setsid sh -c \"while :; do kill -STOP $PPID; done\" & echo; exec sleep 1000",
];

/// A service that runs a command which has stopped its subreaper.
fn start(arguments: &str) -> (Bus, Option<Process>) {
    start_with(STOPS_ONCE, arguments)
}

fn start_with(shell: &str, arguments: &str) -> (Bus, Option<Process>) {
    let bus = Bus::activating(arguments);
    let text = format!(
        "[commands.stop]\nshell = \"\"\"{shell}\"\"\"\nlines = true\n[metrics.'stop/subreaper/x']\ncommand = 'stop'\n"
    );
    define(&sources_d(&bus), "stop.toml", &text);
    let daemon = bus.block_on(async {
        let client = bus.client().await;
        let options = SampleOptions {
            timeout: Some(DEADLINE),
            ..SampleOptions::default()
        };
        let sample = client.sample(&["stop"], options).await.unwrap();
        assert_eq!(sample.readings.len(), 1, "{sample:?}");
        bus.daemon().await
    });
    (bus, daemon)
}

#[test]
fn a_stopped_subreaper_ends_when_the_service_gets_a_signal() {
    for signal in [Signal::KILL, Signal::TERM, Signal::ABORT] {
        let (bus, daemon) = start("--idle-timeout never");
        let daemon = daemon.expect("it has no idle timeout");
        daemon.signal(signal);
        daemon.wait();
        service_end::nothing_is_left(&bus);
    }
}

#[test]
fn a_subreaper_that_is_stopped_in_a_loop_ends_with_the_service() {
    let texts = [
        "trap '' TERM; echo 1; while :; do kill -STOP $PPID; done",
        "env -i setsid sh -c 'while :; do kill -STOP $0; done' $PPID & echo 1; exec sleep 1000",
        "(while :; do kill -STOP $PPID; done) & echo 1; exec sleep 1000",
    ];
    for text in texts {
        let (bus, daemon) = start_with(text, "--idle-timeout never");
        let daemon = daemon.expect("it has no idle timeout");
        daemon.signal(Signal::TERM);
        daemon.wait();
        service_end::nothing_is_left(&bus);
    }
}

/// The subreaper was told to end the run before it is stopped, so its timer continues it, and nothing else.
#[test]
fn a_subreaper_that_is_stopped_in_a_loop_after_the_service_has_ended_ends() {
    let text = "service=$(sed -n 's/^PPid:.//p' /proc/$PPID/status); trap '' TERM; echo 1; \
                while kill -0 $service; do :; done; while :; do kill -STOP $PPID; done";
    let (bus, daemon) = start_with(text, "--idle-timeout never");
    let daemon = daemon.expect("it has no idle timeout");
    daemon.signal(Signal::TERM);
    daemon.wait();
    service_end::nothing_is_left(&bus);
}

#[test]
fn a_stopped_subreaper_ends_when_the_service_quits() {
    let (bus, daemon) = start("--idle-timeout never");
    bus.block_on(async { bus.client().await.quit().await })
        .expect("no other client has a session");
    daemon.expect("it has no idle timeout").wait();
    service_end::nothing_is_left(&bus);
}

#[test]
fn a_stopped_subreaper_ends_at_the_idle_timeout() {
    let (bus, daemon) = start("--idle-timeout 50ms");
    daemon.iter().for_each(Process::wait);
    service_end::nothing_is_left(&bus);
}

/// The kernel sends the signal of PR_SET_PDEATHSIG when the thread ends that has started the subreaper, and again when
/// each thread ends that has become its parent, the last one included.
#[test]
fn a_stopped_subreaper_ends_with_a_service_whose_thread_has_ended_before() {
    if let Some(home) = rerun_message() {
        let (_link, mut subreaper) = start_on_a_thread(home.as_ref());
        println!("it is stopped");
        subreaper.wait().unwrap();
        unreachable!("the subreaper does not end");
    }
    let home = Home::new();
    let mut program = rerun_test(type_name_of_val(&|| ()), home.dir().as_os_str());
    let mut parent = program.stdout(Stdio::piped()).spawn().unwrap();
    let output = BufReader::new(parent.stdout.take().unwrap());
    let mut lines = output.lines().map(Result::unwrap);
    assert!(lines.any(|line| line.contains("it is stopped")));
    let subreaper = subreapers(&home).pop().expect("subreaper");
    assert!(subreaper.is_running());
    parent.kill().unwrap();
    parent.wait().unwrap();
    nothing_is_left(&home);
}

/// Starts a subreaper on a thread of its own, which has ended when this returns. Waits until the end of the thread has
/// continued the subreaper, and the command has stopped it again.
fn start_on_a_thread(home: &Path) -> (UnixStream, Child) {
    let (link, theirs) = UnixStream::pair().unwrap();
    let mut subreaper = process::Command::new(SAMPLED);
    subreaper
        .arg("guard")
        .arg(home)
        .args(["sh", "-c", STOPS_ONCE])
        .env(MARK, home)
        .stdin(OwnedFd::from(theirs))
        .stdout(Stdio::null());
    let spawn = move || {
        let subreaper = subreaper.spawn().unwrap();
        until_stopped(&Process::open(subreaper.id()).unwrap());
        subreaper
    };
    let subreaper = thread::spawn(spawn).join().unwrap();
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
fn a_subreaper_that_is_stopped_in_a_loop_ends_with_its_handle() {
    for text in STOP_AGAIN {
        let fixture = Fixture::new();
        let handle = fixture.runner.add(Command {
            lines: true,
            ..fixture.shell(text)
        });
        assert_eq!(next_answer(&handle, 0).problem, None, "{text}");
        let subreaper = subreapers(&fixture.home).pop().expect("subreaper");
        until_stopped(&subreaper);
        drop(handle);
        nothing_is_left(&fixture.home);
    }
}
