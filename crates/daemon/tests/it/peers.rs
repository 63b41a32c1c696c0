//! Other programs that look at pidfiles agree with the library.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use super::support::*;

#[test]
fn a_flock_shows_the_daemon_to_others() {
    let place = Place::new();
    place.start(&[]);
    assert_eq!(place.shell("flock -n $MYDAEMON_PIDFILE true").code, Some(1));
    place.check(&["stop"], 0, "stopped");
}

#[test]
fn libslacks_daemon_agrees() {
    let place = Place::new();
    let slack = |verb: &str| {
        let directory = place.path("");
        let mut daemon = Command::new("daemon");
        daemon
            .args(["--noconfig", "--name", "m", "--pidfiles"])
            .arg(directory)
            .arg(verb);
        daemon.output()
    };
    let agrees = |running: bool| {
        let said = slack("--running").unwrap();
        assert_eq!(said.status.code(), Some(i32::from(!running)), "{said:?}");
    };
    if let Err(missing) = slack("--running") {
        return skip(&format!("libslack's daemon: {missing}"));
    }
    agrees(false);
    let pid = place.start(&[]);
    agrees(true);
    murder(pid);
    agrees(false);
    let pid = place.start(&[]);
    let process = hold(pid);
    slack("--stop").unwrap();
    wait_for_end(&process);
    agrees(false);
    place.check(&["status"], 3, "not running");
}

#[test]
fn start_stop_daemon_agrees() {
    let place = Place::new();
    let agrees = |expected: i32| {
        let mut oracle = Command::new("start-stop-daemon");
        match oracle
            .arg("--status")
            .arg("--pidfile")
            .arg(place.pidfile())
            .output()
        {
            Ok(said) => assert_eq!(said.status.code(), Some(expected), "{said:?}"),
            Err(missing) => skip(&format!("start-stop-daemon: {missing}")),
        }
        place.check(&["status"], expected, "");
    };
    if !root("start-stop-daemon believes in root's pidfiles only") {
        return;
    }
    agrees(3);
    let pid = place.start(&[]);
    agrees(0);
    murder(pid);
    // The oracle takes a zombie for alive, and when init reaps is no event for us.
    let deadline = Instant::now() + DEADLINE;
    while fs::exists(format!("/proc/{pid}")).unwrap() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(5));
    }
    agrees(1);
    place.start(&[]);
    agrees(0);
    place.check(&["stop"], 0, "stopped");
    agrees(3);
}
