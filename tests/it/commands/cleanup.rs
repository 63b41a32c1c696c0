//! No process of a command is left, whatever the command does and whichever process is killed.

use std::{
    any::type_name_of_val,
    io::{BufRead, BufReader},
    path::Path,
    process::Stdio,
    thread,
    time::Duration,
};

use rustix::process::Signal;
use sampled::custom::command::{Command, Handle, Runner};

use super::fixture::{
    Fixture, Holdings, again, alone, children, next, nothing_is_left, processes, shell, subreapers,
    told,
};
use crate::support::{
    home::{Home, SAMPLED},
    process::{DEADLINE, Process},
};

/// Commands that resist their end. Each prints a line when it is ready.
const STUBBORN: [&str; 12] = [
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
    // It always has another child.
    "trap '' TERM; echo; while :; do sleep 0.01; sleep 1000 & done",
    // Stops its subreaper, at once and at SIGTERM.
    "kill -STOP $PPID; echo; exec sleep 1000",
    "trap 'kill -STOP $PPID' TERM; echo; while :; do sleep 0.1; done",
];

fn begin(fixture: &Fixture, text: &str) -> Handle {
    let handle = fixture.runner.add(Command {
        lines: true,
        ..fixture.shell(text)
    });
    assert_eq!(next(&handle, 0).problem, None, "{text}");
    assert!(fixture.processes().len() > 1, "{text}");
    handle
}

/// Starts each of these commands in a fixture of its own, and ends them in this way.
#[track_caller]
fn check(end: impl Fn(Fixture, Handle) -> Home + Sync) {
    let before = Holdings::now();
    let ended = STUBBORN.map(|text| {
        let fixture = Fixture::new();
        let handle = begin(&fixture, text);
        (fixture, handle)
    });
    for home in ended.map(|(fixture, handle)| end(fixture, handle)) {
        nothing_is_left(&home);
    }
    before.are_back();
}

#[test]
fn when_its_handle_is_dropped() {
    alone(|| {
        check(|fixture, handle| {
            drop(handle);
            fixture.home
        });
    });
}

#[test]
fn when_the_runner_is_dropped() {
    alone(|| {
        check(|fixture, handle| {
            drop(fixture.runner);
            assert_eq!(handle.ask().answers, 0);
            fixture.home
        });
    });
}

#[test]
fn when_its_subreaper_is_killed() {
    alone(|| {
        check(|fixture, handle| {
            for subreaper in subreapers(&fixture.home) {
                subreaper.signal(Signal::KILL);
            }
            let mut state = handle.ask();
            // A flood may have failed already.
            while state.problem.is_none() {
                state = next(&handle, state.answers);
            }
            assert_eq!(state.problem.as_deref(), Some("its guard was killed"));
            nothing_is_left(&fixture.home);
            fixture.home
        });
    });
}

#[test]
fn when_its_subreaper_is_killed_at_any_moment() {
    alone(|| {
        let before = Holdings::now();
        for moment in 0..60 {
            let fixture = Fixture::new();
            let handle = fixture
                .runner
                .add(fixture.shell("setsid sleep 1000 & sleep 1000 & sleep 1000"));
            handle.ask();
            // The process has no other children. This one may not have executed `sampled guard` yet.
            let subreaper = loop {
                let children = children().into_iter().next();
                if let Some(child) = children.and_then(Process::open) {
                    break child;
                }
            };
            thread::sleep(moment * Duration::from_micros(200));
            subreaper.signal(Signal::KILL);
            assert!(next(&handle, 0).problem.is_some());
            nothing_is_left(&fixture.home);
            // Wait until it is reaped, too, so that the next round does not find it.
            drop((subreaper, handle, fixture));
            before.are_back();
        }
    });
}

#[test]
fn at_its_timeout() {
    alone(|| {
        let before = Holdings::now();
        let fixture = Fixture::new();
        let handles = STUBBORN.map(|text| {
            fixture.runner.add(Command {
                // A flood fails because of its output, however late it starts.
                timeout: (!text.contains("yes")).then_some(Duration::from_millis(300)),
                ..fixture.shell(text)
            })
        });
        for handle in &handles {
            handle.ask();
        }
        for (handle, text) in handles.iter().zip(STUBBORN) {
            let expected = match text.contains("yes") {
                true => "more than 64 KiB of output",
                false => "timed out after 300ms",
            };
            assert_eq!(next(handle, 0).problem.as_deref(), Some(expected), "{text}");
        }
        nothing_is_left(&fixture.home);
        drop((handles, fixture.runner));
        before.are_back();
    });
}

#[test]
fn when_it_has_exited() {
    alone(|| {
        let before = Holdings::now();
        let fixture = Fixture::new();
        for behind in [
            "sleep 1000 &",
            "(setsid sleep 1000 &);",
            "setsid sh -c 'trap \"\" TERM; setsid sleep 1000 & sleep 1000; :' &",
            "env -i setsid sleep 1000 &",
        ] {
            assert_eq!(fixture.says(&format!("{behind} echo 1")), "1\n");
            nothing_is_left(&fixture.home);
            let state = fixture.answer(fixture.shell(&format!("{behind} kill -9 $$")));
            assert_eq!(state.problem.as_deref(), Some("killed by SIGKILL"));
            nothing_is_left(&fixture.home);
        }
        drop(fixture.runner);
        before.are_back();
    });
}

#[test]
fn when_its_owner_is_killed() {
    if let Some(home) = told() {
        own(home.as_ref());
    }
    let home = Home::new();
    let mut program = again(type_name_of_val(&|| ()), home.dir().as_os_str());
    let mut owner = program.stdout(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(owner.stdout.take().unwrap());
    let mut line = String::new();
    while !line.contains("all of them run") {
        line.clear();
        assert!(said.read_line(&mut line).unwrap() > 0, "it has ended");
    }
    // Each with its subreaper.
    assert!(processes(&home).len() >= 2 * STUBBORN.len());
    owner.kill().unwrap();
    owner.wait().unwrap();
    nothing_is_left(&home);
}

#[test]
fn when_its_owner_is_killed_at_any_moment() {
    if let Some(home) = told() {
        let runner = Runner::new(SAMPLED);
        let text = "setsid sleep 1000 & sleep 1000 & sleep 1000";
        let handle = runner.add(shell(home.as_ref(), text));
        println!("it begins");
        handle.wait(DEADLINE);
        unreachable!("nothing ends it");
    }
    for moment in 0..30 {
        let home = Home::new();
        let mut program = again(type_name_of_val(&|| ()), home.dir().as_os_str());
        let mut owner = program.stdout(Stdio::piped()).spawn().unwrap();
        let said = BufReader::new(owner.stdout.take().unwrap());
        let mut lines = said.lines().map(Result::unwrap);
        assert!(lines.any(|line| line.contains("it begins")));
        thread::sleep(moment * Duration::from_micros(400));
        owner.kill().unwrap();
        owner.wait().unwrap();
        nothing_is_left(&home);
    }
}

/// No process is left to end the command: the kernel kills it (PR_SET_PDEATHSIG).
#[test]
fn when_its_subreaper_and_its_owner_are_killed() {
    if let Some(home) = told() {
        let runner = Runner::new(SAMPLED);
        let handle = runner.add(Command {
            lines: true,
            ..shell(home.as_ref(), "trap '' TERM; echo; exec sleep 1000")
        });
        next(&handle, 0);
        println!("it runs");
        handle.wait(DEADLINE);
        loop {
            thread::park();
        }
    }
    let home = Home::new();
    let mut program = again(type_name_of_val(&|| ()), home.dir().as_os_str());
    let mut owner = program.stdout(Stdio::piped()).spawn().unwrap();
    let said = BufReader::new(owner.stdout.take().unwrap());
    let mut lines = said.lines().map(Result::unwrap);
    assert!(lines.any(|line| line.contains("it runs")));
    let subreaper = subreapers(&home).pop().expect("subreaper");
    let of_owner = Process::open(owner.id()).expect("it is there until it is waited for");
    // A stopped subreaper cannot act between the two kills.
    subreaper.signal(Signal::STOP);
    of_owner.signal(Signal::KILL);
    subreaper.signal(Signal::KILL);
    owner.wait().unwrap();
    nothing_is_left(&home);
}

/// Runs all commands until this process is killed.
fn own(directory: &Path) -> ! {
    let runner = Runner::new(SAMPLED);
    let handles = STUBBORN.map(|text| {
        let handle = runner.add(Command {
            lines: true,
            ..shell(directory, text)
        });
        next(&handle, 0);
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
    let handle = begin(&fixture, STUBBORN[0]);
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
    let own = field("RssAnon:").trim_end_matches(" kB");
    assert!(own.parse::<u32>().unwrap() < 2048, "{status}");
    assert!(subreaper.is_running());
    // A stopped subreaper ends its run, too.
    subreaper.signal(Signal::STOP);
    drop(handle);
    nothing_is_left(&fixture.home);
}
