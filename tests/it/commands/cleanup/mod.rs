//! No process of a command remains, whatever the command does and whichever process is killed.

mod kills;

use std::time::Duration;

use rustix::process::Signal;
use sampled::custom::command::{Command, Handle};

use super::fixture::{
    Fixture, Resources, in_own_process, next_answer, nothing_is_left, subreapers,
};
use crate::support::home::Home;

/// Commands that resist their end. Each prints a line when it is ready.
const RESISTANT: [&str; 12] = [
    "echo; exec sleep 1000",
    "sleep 1000 & sleep 1000 & (sleep 1000; :) & echo; wait",
    // Ignores signals to the group.
    "trap '' TERM HUP INT QUIT; sh -c 'sleep 1000; sleep 1000' & echo; while :; do sleep 1000; done",
    // Leaves the session, twice.
    "setsid sh -c 'setsid sleep 1000 & exec sleep 1000' & (setsid sleep 1000 &); echo; exec sleep 1000",
    "(setsid sh -c 'trap \"\" TERM; sleep 1000; sleep 1000' &); echo; sleep 1000",
    "echo; exec >&- 2>&- <&-; sleep 1000",
    "echo; exec yes",
    "echo; kill -STOP $$; sleep 1000",
    // Without the mark in its environment.
    "echo; exec env -i sleep 1000",
    // Starts children faster than one pass over them kills them.
    "trap '' TERM; echo; while :; do sleep 0.01; sleep 1000 & done",
    // Stops its subreaper, at once and at SIGTERM.
    "kill -STOP $PPID; echo; exec sleep 1000",
    "trap 'kill -STOP $PPID' TERM; echo; while :; do sleep 0.1; done",
];

fn start(fixture: &Fixture, text: &str) -> Handle {
    let handle = fixture.runner.add(Command {
        lines: true,
        ..fixture.shell(text)
    });
    assert_eq!(next_answer(&handle, 0).problem, None, "{text}");
    assert!(fixture.processes().len() > 1, "{text}");
    handle
}

/// Starts each of these commands in a fixture of its own, and ends them in this way.
#[track_caller]
fn check(end: impl Fn(Fixture, Handle) -> Home + Sync) {
    let before = Resources::now();
    let ended = RESISTANT.map(|text| {
        let fixture = Fixture::new();
        let handle = start(&fixture, text);
        (fixture, handle)
    });
    for home in ended.map(|(fixture, handle)| end(fixture, handle)) {
        nothing_is_left(&home);
    }
    before.wait_until_restored();
}

#[test]
fn a_command_ends_when_its_handle_is_dropped() {
    in_own_process(|| {
        check(|fixture, handle| {
            drop(handle);
            fixture.home
        });
    });
}

#[test]
fn a_command_ends_when_its_runner_is_dropped() {
    in_own_process(|| {
        check(|fixture, handle| {
            drop(fixture.runner);
            assert_eq!(handle.ask().answers, 0);
            fixture.home
        });
    });
}

#[test]
fn a_command_ends_at_its_timeout() {
    in_own_process(|| {
        let before = Resources::now();
        let fixture = Fixture::new();
        let handles = RESISTANT.map(|text| {
            fixture.runner.add(Command {
                // A flood fails because of its output, however late it starts.
                timeout: (!text.contains("yes")).then_some(Duration::from_millis(300)),
                ..fixture.shell(text)
            })
        });
        for handle in &handles {
            handle.ask();
        }
        for (handle, text) in handles.iter().zip(RESISTANT) {
            let expected = match text.contains("yes") {
                true => "more than 64 KiB of output",
                false => "timed out after 300ms",
            };
            assert_eq!(
                next_answer(handle, 0).problem.as_deref(),
                Some(expected),
                "{text}"
            );
        }
        nothing_is_left(&fixture.home);
        drop((handles, fixture.runner));
        before.wait_until_restored();
    });
}

#[test]
fn background_processes_end_when_the_command_has_exited() {
    in_own_process(|| {
        let before = Resources::now();
        let fixture = Fixture::new();
        for behind in [
            "sleep 1000 &",
            "(setsid sleep 1000 &);",
            "setsid sh -c 'trap \"\" TERM; setsid sleep 1000 & sleep 1000; :' &",
            "env -i setsid sleep 1000 &",
        ] {
            assert_eq!(fixture.output(&format!("{behind} echo 1")), "1\n");
            nothing_is_left(&fixture.home);
            let state = fixture.answer(fixture.shell(&format!("{behind} kill -9 $$")));
            assert_eq!(state.problem.as_deref(), Some("killed by SIGKILL"));
            nothing_is_left(&fixture.home);
        }
        drop(fixture.runner);
        before.wait_until_restored();
    });
}

#[test]
fn a_subreaper_is_small_and_ignores_signals() {
    let fixture = Fixture::new();
    let handle = start(&fixture, RESISTANT[0]);
    let subreaper = subreapers(&fixture.home).pop().expect("subreaper");
    for signal in [
        Signal::TERM,
        Signal::INT,
        Signal::HUP,
        Signal::PIPE,
        Signal::USR1,
    ] {
        subreaper.signal(signal);
    }
    let status = std::fs::read_to_string(format!("/proc/{}/status", subreaper.pid)).unwrap();
    let field = |name: &str| {
        let mut lines = status.lines().filter_map(|line| line.strip_prefix(name));
        lines.next().expect("field").trim()
    };
    assert_eq!((field("Name:"), field("Threads:")), ("sampled guard", "1"));
    // Private memory, in KiB.
    let private = field("RssAnon:").trim_end_matches(" kB");
    assert!(private.parse::<u32>().unwrap() < 2048, "{status}");
    assert!(subreaper.is_running());
    // A stopped subreaper ends its run, too.
    subreaper.signal(Signal::STOP);
    drop(handle);
    nothing_is_left(&fixture.home);
}
