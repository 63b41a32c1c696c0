//! The end of the command: by itself, at the timeout, and with the alert.

use std::{fs, path::PathBuf};

use rustix::process::Signal;

use super::process::{Alert, lines, until_lines, until_watched};
use crate::{support::process::Process, thresholds::room::Room};

/// A script that leaves a process in another session, writes their pids and never ends.
const HANGING: &str =
    "setsid sleep 1000 & echo $! >>pids; trap '' TERM; echo $$ >>pids; sleep 1000";

/// The processes whose pids are in the file `pids`.
fn processes(room: &Room) -> Vec<Process> {
    let pids = pids(room);
    until_lines(&pids, 2);
    let pids = lines(&pids).into_iter().map(|pid| pid.parse().unwrap());
    pids.filter_map(Process::open).collect()
}

fn pids(room: &Room) -> PathBuf {
    room.bus.dir().join("pids")
}

#[test]
fn a_hanging_command_ends_at_its_timeout() {
    let room = Room::new(30.0);
    let options = ["--timeout", "500ms", "--count", "1"];
    let alert = Alert::running(&room, &options, HANGING);
    let processes = processes(&room);
    let (code, stderr) = alert.end();
    assert_eq!(code, Some(0));
    assert_eq!(
        stderr,
        "sampled: room/desk/temperature: sh: timed out after 500ms\n"
    );
    assert!(processes.iter().all(|process| !process.is_running()));
}

#[test]
fn a_signal_ends_the_command_too() {
    // SIGINT ends the alert itself as well.
    for (signal, code) in [(Signal::INT, None), (Signal::TERM, Some(0))] {
        let room = Room::new(30.0);
        let alert = Alert::running(&room, &[], HANGING);
        let processes = processes(&room);
        assert_eq!(alert.interrupt(signal), (code, String::new()));
        assert!(processes.iter().all(|process| !process.is_running()));
    }
}

#[test]
fn the_command_of_a_killed_alert_ends() {
    let room = Room::new(30.0);
    let alert = Alert::running(&room, &[], HANGING);
    let processes = processes(&room);
    assert_eq!(processes.len(), 2);
    alert.process().signal(Signal::KILL);
    for process in processes {
        process.wait();
    }
    alert.end();
}

#[test]
fn one_run_ends_before_the_next_begins() {
    let room = Room::new(30.0);
    let dir = room.bus.dir();
    let script = "echo begin $SAMPLED_VALUE >>runs; while ! [ -e go$SAMPLED_VALUE ]; do sleep 0.02; done; \
                  echo end $SAMPLED_VALUE >>runs";
    let alert = Alert::running(&room, &["--recovery", "--count", "3"], script);
    let log = dir.join("runs");
    until_lines(&log, 1);
    for value in [20.0, 31.0] {
        room.set("desk", value);
        room.until_read(value);
    }
    // The other crossings wait.
    assert_eq!(lines(&log), ["begin 30"]);
    for value in ["30", "20", "31"] {
        fs::write(dir.join(format!("go{value}")), "").unwrap();
    }
    assert_eq!(alert.end(), (Some(0), String::new()));
    assert_eq!(
        lines(&log),
        [
            "begin 30", "end 30", "begin 20", "end 20", "begin 31", "end 31"
        ]
    );
}

#[test]
fn a_command_that_cannot_be_executed_is_told_at_the_start() {
    let room = Room::new(30.0);
    let check = |command: &str, code: i32, message: &str| {
        let alert = Alert::start(&room, &["--above", "25", "--", command]);
        let message = format!("sampled: {command}: {message}\n");
        assert_eq!(alert.end(), (Some(code), message));
    };
    check("no-such-program", 127, "No such file or directory");
    check("/no/such/program", 127, "No such file or directory");
    check("/etc/passwd", 126, "Permission denied");
}

#[test]
fn an_alert_outlives_the_failures_of_its_command() {
    let room = Room::new(30.0);
    let program = room.bus.dir().join("program");
    std::os::unix::fs::symlink("/bin/sh", &program).unwrap();
    let program = program.to_str().unwrap();
    let script = "echo x >>runs; exit 3";
    let options = "--above 25 --recovery --count 2 --".split(' ');
    let options: Vec<_> = options.chain([program, "-c", script]).collect();
    let alert = Alert::start(&room, &options);
    until_lines(&room.bus.dir().join("runs"), 1);
    fs::remove_file(program).unwrap();
    room.set("desk", 20.0);
    let (code, stderr) = alert.end();
    assert_eq!(code, Some(0));
    let prefix = format!("sampled: room/desk/temperature: {program}:");
    let failures: Vec<_> = stderr.lines().collect();
    let expected = ["exited with status 3", "No such file or directory"];
    assert_eq!(failures, expected.map(|cause| format!("{prefix} {cause}")));
}

#[test]
fn an_alert_ends_when_its_output_is_closed() {
    let room = Room::new(20.0);
    let alert = Alert::start(&room, &["--above", "25"]);
    until_watched(&room.bus);
    let process = alert.process();
    let mut child = alert.without_reader();
    room.set("desk", 30.0);
    process.wait();
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn an_alert_ends_at_once_when_its_reader_has_gone() {
    let room = Room::new(20.0);
    let alert = Alert::start(&room, &["--above", "25"]);
    until_watched(&room.bus);
    let process = alert.process();
    let mut child = alert.without_reader();
    // Nothing crosses.
    process.wait();
    assert_eq!(child.wait().expect("wait").code(), Some(0));
}
