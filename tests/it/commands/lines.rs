//! Commands that run all the time, each of whose lines is an output.

use std::{
    fs,
    sync::mpsc,
    time::{Duration, Instant},
};

use sampled::custom::command::Command;

use super::fixture::{Fixture, Resources, in_own_process, next_answer, nothing_is_left};
use crate::support::process::DEADLINE;

#[test]
fn each_line_is_an_output() {
    let fixture = Fixture::new();
    let (sender, answers) = mpsc::channel();
    fixture.runner.on_answer(move || {
        let _ = sender.send(());
    });
    fs::write(fixture.home.dir().join("lines"), "1\n2\n").unwrap();
    let handle = fixture.runner.add(Command {
        lines: true,
        ..fixture.shell("exec tail -n 1 -f lines")
    });
    let mut state = next_answer(&handle, 0);
    assert_eq!(&*state.output.as_ref().unwrap().bytes, b"2");
    answers.recv_timeout(DEADLINE).unwrap();
    for number in 3..10 {
        use std::io::Write;
        let file = fs::File::options()
            .append(true)
            .open(fixture.home.dir().join("lines"));
        writeln!(file.unwrap(), "{number}").unwrap();
        answers.recv_timeout(DEADLINE).unwrap();
        let before = state;
        state = handle.ask();
        assert_eq!(state.answers, before.answers + 1);
        assert_eq!(
            &*state.output.as_ref().unwrap().bytes,
            number.to_string().as_bytes()
        );
        assert_eq!(state.previous, before.output);
    }
    // One command runs all the time: tail and its subreaper.
    let processes = fixture.home.processes();
    assert_eq!(processes.len(), 2);
    drop(handle);
    nothing_is_left(&fixture.home);
}

#[test]
fn a_command_that_exits_is_restarted() {
    let fixture = Fixture::new();
    let handle = fixture.runner.add(Command {
        interval: Duration::from_millis(10),
        lines: true,
        ..fixture.shell("echo $$; exit 7")
    });
    let mut seen = std::collections::BTreeSet::new();
    let mut state = handle.ask();
    while seen.len() < 3 {
        state = next_answer(&handle, state.answers);
        seen.extend(state.output.as_ref().map(|output| output.bytes.clone()));
    }
    while state.problem.is_none() {
        state = next_answer(&handle, state.answers);
    }
    assert_eq!(state.problem.as_deref(), Some("exited with status 7"));
}

#[test]
fn a_flood_of_lines_costs_little_cpu_time() {
    in_own_process(|| {
        let before = Resources::now();
        let fixture = Fixture::new();
        let handle = fixture.runner.add(Command {
            lines: true,
            ..fixture.argv(&["yes", "0123456789"])
        });
        let mut state = next_answer(&handle, 0);
        let start = Instant::now();
        while state.answers < 100 {
            assert_eq!(state.problem, None);
            assert_eq!(&*state.output.as_ref().unwrap().bytes, b"0123456789");
            state = next_answer(&handle, state.answers);
        }
        // The supervisor pauses between two lines, for this time in total.
        assert!(start.elapsed() > Duration::from_millis(900));
        let tasks = fs::read_dir("/proc/self/task").unwrap();
        let cost = tasks.map(|task| task.unwrap().path()).find_map(|task| {
            let name = fs::read_to_string(task.join("comm")).unwrap();
            // CPU time in nanoseconds: Documentation/scheduler/sched-stats.rst.
            let times = fs::read_to_string(task.join("schedstat")).unwrap();
            let time = times.split(' ').next().unwrap().parse().unwrap();
            (name == "commands\n").then(|| Duration::from_nanos(time))
        });
        // CPU time, not wall-clock time. Less than half of the time above, in a debug build.
        assert!(cost.unwrap() < Duration::from_millis(500), "{cost:?}");
        drop(handle);
        nothing_is_left(&fixture.home);
        drop(fixture);
        before.wait_until_restored();
    });
}
