//! A command ends when its subreaper or the process of its runner is killed.

use std::{
    any::type_name_of_val,
    io::{BufRead, BufReader},
    path::Path,
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use rustix::process::Signal;
use sampled::custom::command::{Command, Runner};

use super::{RESISTANT, check};
use crate::{
    commands::fixture::{
        Fixture, Resources, children, in_own_process, next_answer, nothing_is_left, processes,
        rerun_message, rerun_test, shell, subreapers,
    },
    support::{
        home::{Home, SAMPLED},
        process::{DEADLINE, Process},
    },
};

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
