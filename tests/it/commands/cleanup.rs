//! No process of a command remains, whatever the command does and whichever process is killed.

use std::{
    any::type_name_of_val,
    io::{BufRead, BufReader},
    path::Path,
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use rustix::process::Signal;
use sampled::custom::command::{Command, Handle, Runner};

use super::fixture::{
    Fixture, Resources, children, in_own_process, next_answer, nothing_is_left, processes,
    rerun_message, rerun_test, shell, subreapers,
};
use crate::support::{
    home::{Home, SAMPLED},
    process::{DEADLINE, Process},
};

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
fn a_command_ends_when_its_subreaper_is_killed() {
    in_own_process(|| {
        check(|fixture, handle| {
            for subreaper in subreapers(&fixture.home) {
                subreaper.signal(Signal::KILL);
            }
            let mut state = handle.ask();
            // A flood may have failed already.
            while state.problem.is_none() {
                state = next_answer(&handle, state.answers);
            }
            assert_eq!(state.problem.as_deref(), Some("its guard was killed"));
            nothing_is_left(&fixture.home);
            fixture.home
        });
    });
}

#[test]
fn a_command_ends_when_its_subreaper_is_killed_at_any_moment() {
    in_own_process(|| {
        let before = Resources::now();
        for moment in 0..60 {
            let fixture = Fixture::new();
            let handle = fixture
                .runner
                .add(fixture.shell("setsid sleep 1000 & sleep 1000 & sleep 1000"));
            handle.ask();
            // The process has no other children. This one may not have executed `sampled guard` yet.
            let start = Instant::now();
            let subreaper = loop {
                assert!(start.elapsed() < DEADLINE, "there is no subreaper");
                let children = children().into_iter().next();
                if let Some(child) = children.and_then(Process::open) {
                    break child;
                }
            };
            thread::sleep(moment * Duration::from_micros(200));
            subreaper.signal(Signal::KILL);
            assert!(next_answer(&handle, 0).problem.is_some());
            nothing_is_left(&fixture.home);
            // Until it is reaped, too, so that the next round does not find it.
            drop((subreaper, handle, fixture));
            before.wait_until_restored();
        }
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
fn a_command_ends_when_the_process_of_its_runner_is_killed() {
    if let Some(home) = rerun_message() {
        run_all_until_killed(home.as_ref());
    }
    let home = Home::new();
    let mut program = rerun_test(type_name_of_val(&|| ()), home.dir().as_os_str());
    let mut parent = program.stdout(Stdio::piped()).spawn().unwrap();
    let mut output = BufReader::new(parent.stdout.take().unwrap());
    let mut line = String::new();
    while !line.contains("all of them run") {
        line.clear();
        assert!(output.read_line(&mut line).unwrap() > 0, "it has ended");
    }
    // Each with its subreaper.
    assert!(processes(&home).len() >= 2 * RESISTANT.len());
    parent.kill().unwrap();
    parent.wait().unwrap();
    nothing_is_left(&home);
}

#[test]
fn a_command_ends_when_the_process_of_its_runner_is_killed_at_any_moment() {
    if let Some(home) = rerun_message() {
        let runner = Runner::new(SAMPLED);
        let text = "setsid sleep 1000 & sleep 1000 & sleep 1000";
        let handle = runner.add(shell(home.as_ref(), text));
        println!("it starts");
        handle.wait(DEADLINE);
        unreachable!("nothing ends it");
    }
    for moment in 0..30 {
        let home = Home::new();
        let mut program = rerun_test(type_name_of_val(&|| ()), home.dir().as_os_str());
        let mut parent = program.stdout(Stdio::piped()).spawn().unwrap();
        let output = BufReader::new(parent.stdout.take().unwrap());
        let mut lines = output.lines().map(Result::unwrap);
        assert!(lines.any(|line| line.contains("it starts")));
        thread::sleep(moment * Duration::from_micros(400));
        parent.kill().unwrap();
        parent.wait().unwrap();
        nothing_is_left(&home);
    }
}

/// No process is left to end the command: the kernel kills it (PR_SET_PDEATHSIG).
#[test]
fn a_command_ends_when_its_subreaper_and_the_process_of_its_runner_are_killed() {
    if let Some(home) = rerun_message() {
        let runner = Runner::new(SAMPLED);
        let handle = runner.add(Command {
            lines: true,
            ..shell(home.as_ref(), "trap '' TERM; echo; exec sleep 1000")
        });
        next_answer(&handle, 0);
        println!("it runs");
        handle.wait(DEADLINE);
        loop {
            thread::park();
        }
    }
    let home = Home::new();
    let mut program = rerun_test(type_name_of_val(&|| ()), home.dir().as_os_str());
    let mut parent = program.stdout(Stdio::piped()).spawn().unwrap();
    let output = BufReader::new(parent.stdout.take().unwrap());
    let mut lines = output.lines().map(Result::unwrap);
    assert!(lines.any(|line| line.contains("it runs")));
    let subreaper = subreapers(&home).pop().expect("subreaper");
    let of_parent = Process::open(parent.id()).expect("it is there until it is waited for");
    // A stopped subreaper cannot act between the two kills.
    subreaper.signal(Signal::STOP);
    of_parent.signal(Signal::KILL);
    subreaper.signal(Signal::KILL);
    parent.wait().unwrap();
    nothing_is_left(&home);
}

/// Runs all commands until this process is killed.
fn run_all_until_killed(directory: &Path) -> ! {
    let runner = Runner::new(SAMPLED);
    let handles = RESISTANT.map(|text| {
        let handle = runner.add(Command {
            lines: true,
            ..shell(directory, text)
        });
        next_answer(&handle, 0);
        handle
    });
    println!("all of them run");
    loop {
        for handle in &handles {
            handle.ask();
        }
        thread::sleep(Duration::from_millis(100));
    }
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
