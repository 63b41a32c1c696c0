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
