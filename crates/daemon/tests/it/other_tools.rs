//! Other programs that read pidfiles agree with the library.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use super::support::*;

#[test]
fn flock_shows_that_the_daemon_runs() {
    let fixture = Fixture::new();
    fixture.start(&[]);
    assert_eq!(
        fixture.shell("flock -n $MYDAEMON_PIDFILE true").code,
        Some(1)
    );
    fixture.check(&["stop"], 0, "stopped");
}

#[test]
fn libslacks_daemon_agrees() {
    let fixture = Fixture::new();
    let slack = |option: &str| {
        let directory = fixture.path("");
        let mut daemon = Command::new("daemon");
        daemon
            .args(["--noconfig", "--name", "m", "--pidfiles"])
            .arg(directory)
            .arg(option);
        daemon.output()
    };
    let agrees = |running: bool| {
        let output = slack("--running").unwrap();
        assert_eq!(
            output.status.code(),
            Some(i32::from(!running)),
            "{output:?}"
        );
    };
    if let Err(missing) = slack("--running") {
        return skip(&format!("libslack's daemon: {missing}"));
    }
    agrees(false);
    let pid = fixture.start(&[]);
    agrees(true);
    kill_and_wait(pid);
    agrees(false);
    let pid = fixture.start(&[]);
    let process = open_process(pid);
    slack("--stop").unwrap();
    wait_for_end(&process);
    agrees(false);
    fixture.check(&["status"], 3, "not running");
}

/// The commands below the table of the README print what the table claims.
#[test]
fn the_readme_tells_the_truth_about_other_tools() {
    let readme = include_str!("../../README.md");
    let commands = readme.split("```sh\n").nth(1).unwrap();
    let commands = commands.split("```").next().unwrap();
    for tool in ["daemon", "start-stop-daemon"] {
        if Command::new(tool).arg("--version").output().is_err() {
            return skip(&format!("{tool} is not there"));
        }
    }
    if !root("start-stop-daemon accepts only pidfiles of root") {
        return;
    }
    let fixture = Fixture::new();
    let mut bash = fixture.command("bash");
    let bash = bash
        .args(["-c", commands])
        .stderr(std::process::Stdio::null());
    let output = finish(bash.spawn().unwrap());
    let mut lines = output.out.lines();
    assert_eq!(
        lines.by_ref().take(3).collect::<Vec<_>>(),
        ["0"; 3],
        "{output:?}"
    );
    // It is a race: most times there are several.
    let several: u32 = lines.next().unwrap().parse().unwrap();
    assert!(several >= 1, "{output:?}");
    let blocked = "SigBlk:\t0000000000004000";
    assert_eq!(
        lines.collect::<Vec<_>>(),
        ["1", "143", "alive", blocked, blocked],
        "{output:?}"
    );
}

#[test]
fn start_stop_daemon_agrees() {
    let fixture = Fixture::new();
    let agrees = |expected: i32| {
        let mut program = Command::new("start-stop-daemon");
        match program
            .arg("--status")
            .arg("--pidfile")
            .arg(fixture.pidfile())
            .output()
        {
            Ok(output) => assert_eq!(output.status.code(), Some(expected), "{output:?}"),
            Err(missing) => skip(&format!("start-stop-daemon: {missing}")),
        }
        fixture.check(&["status"], expected, "");
    };
    if !root("start-stop-daemon accepts only pidfiles of root") {
        return;
    }
    agrees(3);
    let pid = fixture.start(&[]);
    agrees(0);
    kill_and_wait(pid);
    // start-stop-daemon counts a zombie as alive, and no event says when init reaps it.
    let deadline = Instant::now() + DEADLINE;
    while fs::exists(format!("/proc/{pid}")).unwrap() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(5));
    }
    agrees(1);
    fixture.start(&[]);
    agrees(0);
    fixture.check(&["stop"], 0, "stopped");
    agrees(3);
}
