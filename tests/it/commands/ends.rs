//! Nothing of a command is left, whatever the command does and whoever is killed.

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

use super::place::{
    Holdings, Place, again, alone, children, guards, next, nothing_is_left, processes, shell, told,
};
use crate::{
    home::{Home, SAMPLED},
    process::{PATIENCE, Process},
};

/// Commands that do not want to end. Each says so when it stands.
const STUBBORN: [&str; 12] = [
    "echo; exec sleep 1000",
    "sleep 1000 & sleep 1000 & (sleep 1000; :) & echo; wait",
    // Deaf to what is sent to the group.
    "trap '' TERM HUP INT QUIT; sh -c 'sleep 1000; sleep 1000' & echo; while :; do sleep 1000; done",
    // Gone from the session, twice.
    "setsid sh -c 'setsid sleep 1000 & exec sleep 1000' & (setsid sleep 1000 &); echo; exec sleep 1000",
    "(setsid sh -c 'trap \"\" TERM; sleep 1000; sleep 1000' &); echo; sleep 1000",
    "echo; exec >&- 2>&- <&-; sleep 1000",
    "echo; exec yes",
    "echo; kill -STOP $$; sleep 1000",
    // Without the mark.
    "echo; exec env -i sleep 1000",
    // It always has another child.
    "trap '' TERM; echo; while :; do sleep 0.01; sleep 1000 & done",
    // Its guard is stopped, at once and when it asks the command to end.
    "kill -STOP $PPID; echo; exec sleep 1000",
    "trap 'kill -STOP $PPID' TERM; echo; while :; do sleep 0.1; done",
];

fn begin(place: &Place, text: &str) -> Handle {
    let handle = place.runner.add(Command {
        lines: true,
        ..place.shell(text)
    });
    assert_eq!(next(&handle, 0).problem, None, "{text}");
    assert!(place.processes().len() > 1, "{text}");
    handle
}

/// Begins each of the stubborn ones in a place of its own, and has them end in this way.
#[track_caller]
fn check(end: impl Fn(Place, Handle) -> Home + Sync) {
    let before = Holdings::now();
    let ended = STUBBORN.map(|text| {
        let place = Place::new();
        let handle = begin(&place, text);
        (place, handle)
    });
    for home in ended.map(|(place, handle)| end(place, handle)) {
        nothing_is_left(&home);
    }
    before.are_back();
}

#[test]
fn when_nobody_wants_it() {
    alone(|| {
        check(|place, handle| {
            drop(handle);
            place.home
        });
    });
}

#[test]
fn when_the_runner_goes() {
    alone(|| {
        check(|place, handle| {
            drop(place.runner);
            assert_eq!(handle.ask().answers, 0);
            place.home
        });
    });
}

#[test]
fn when_its_guard_is_killed() {
    alone(|| {
        check(|place, handle| {
            for guard in guards(&place.home) {
                guard.signal(Signal::KILL);
            }
            let mut state = handle.ask();
            // A flood may be further.
            while state.problem.is_none() {
                state = next(&handle, state.answers);
            }
            assert_eq!(state.problem.as_deref(), Some("its guard was killed"));
            nothing_is_left(&place.home);
            place.home
        });
    });
}

#[test]
fn when_its_guard_is_killed_at_any_moment() {
    alone(|| {
        let before = Holdings::now();
        for moment in 0..60 {
            let place = Place::new();
            let handle = place
                .runner
                .add(place.shell("setsid sleep 1000 & sleep 1000 & sleep 1000"));
            handle.ask();
            // There are no other children here; it may not have got to be a guard.
            let guard = loop {
                let children = children().into_iter().next();
                if let Some(child) = children.and_then(Process::open) {
                    break child;
                }
            };
            thread::sleep(moment * Duration::from_micros(200));
            guard.signal(Signal::KILL);
            assert!(next(&handle, 0).problem.is_some());
            nothing_is_left(&place.home);
            // Also reaped: it is not to be taken for the next.
            drop((guard, handle, place));
            before.are_back();
        }
    });
}

#[test]
fn when_its_time_is_up() {
    alone(|| {
        let before = Holdings::now();
        let place = Place::new();
        let handles = STUBBORN.map(|text| {
            place.runner.add(Command {
                // A flood is ended for that, however late it begins.
                timeout: (!text.contains("yes")).then_some(Duration::from_millis(300)),
                ..place.shell(text)
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
        nothing_is_left(&place.home);
        drop((handles, place.runner));
        before.are_back();
    });
}

#[test]
fn when_it_has_ended_itself() {
    alone(|| {
        let before = Holdings::now();
        let place = Place::new();
        for behind in [
            "sleep 1000 &",
            "(setsid sleep 1000 &);",
            "setsid sh -c 'trap \"\" TERM; setsid sleep 1000 & sleep 1000; :' &",
            "env -i setsid sleep 1000 &",
        ] {
            assert_eq!(place.says(&format!("{behind} echo 1")), "1\n");
            nothing_is_left(&place.home);
            let state = place.answer(place.shell(&format!("{behind} kill -9 $$")));
            assert_eq!(state.problem.as_deref(), Some("killed by SIGKILL"));
            nothing_is_left(&place.home);
        }
        drop(place.runner);
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
    // Each with its guard.
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
        handle.wait(PATIENCE);
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

/// Nobody is left then who could end it: the kernel does.
#[test]
fn when_its_guard_and_its_owner_are_killed() {
    if let Some(home) = told() {
        let runner = Runner::new(SAMPLED);
        let handle = runner.add(Command {
            lines: true,
            ..shell(home.as_ref(), "trap '' TERM; echo; exec sleep 1000")
        });
        next(&handle, 0);
        println!("it runs");
        handle.wait(PATIENCE);
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
    let guard = guards(&home).pop().expect("guard");
    let of_owner = Process::open(owner.id()).expect("it is there until it is waited for");
    // A guard that is stopped cannot do anything between the two.
    guard.signal(Signal::STOP);
    of_owner.signal(Signal::KILL);
    guard.signal(Signal::KILL);
    owner.wait().unwrap();
    nothing_is_left(&home);
}

/// Has all of them run until it is killed.
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
fn a_guard_is_small_and_deaf() {
    let place = Place::new();
    let handle = begin(&place, STUBBORN[0]);
    let guard = guards(&place.home).pop().expect("guard");
    for signal in [
        Signal::TERM,
        Signal::INT,
        Signal::HUP,
        Signal::PIPE,
        Signal::USR1,
    ] {
        guard.signal(signal);
    }
    let status = std::fs::read_to_string(format!("/proc/{}/status", guard.pid)).unwrap();
    let field = |name: &str| {
        let mut lines = status.lines().filter_map(|line| line.strip_prefix(name));
        lines.next().expect("field").trim()
    };
    assert_eq!((field("Name:"), field("Threads:")), ("sampled guard", "1"));
    // What nobody else has too, in KiB.
    let own = field("RssAnon:").trim_end_matches(" kB");
    assert!(own.parse::<u32>().unwrap() < 2048, "{status}");
    assert!(guard.is_running());
    // One that is stopped ends all the same.
    guard.signal(Signal::STOP);
    drop(handle);
    nothing_is_left(&place.home);
}
