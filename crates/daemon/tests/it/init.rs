//! A daemon that does not get ready: the caller hears why, and nothing is left.

use std::time::{Duration, Instant};

use super::support::*;

fn check(script: &str, message: &str) {
    let place = Place::new();
    let start = Instant::now();
    let said = place.shell(script);
    assert!(
        start.elapsed() < Duration::from_secs(5),
        "{script}: {said:?}"
    );
    assert_eq!(said.code, Some(1), "{script}: {said:?}");
    assert!(said.err.contains(message), "{script}: {said:?}");
    place.assert_nothing_left();
}

#[test]
fn it_fails() {
    check("$M --check false start", "mydaemon: false: exit status: 1");
}

#[test]
fn it_complains_to_the_caller() {
    check(
        "$M --log log --check 'echo here >&2; false' start",
        "here\n",
    );
}

/// The example `failing`, in a way of its own.
fn check_failing(how: &str, message: &str) {
    let failing = example("failing").display().to_string();
    check(&format!("{failing} {how}"), message);
}

#[test]
fn its_error_keeps_its_causes() {
    check_failing(
        "error",
        "failing: reading the configuration: line 3: invalid digit found in string\n",
    );
}

#[test]
fn a_failing_main_prints_one_line() {
    let place = Place::new();
    std::fs::create_dir(place.path("article.pid")).unwrap();
    let article = example("article").display().to_string();
    let said = place.shell(&format!("XDG_RUNTIME_DIR=$PWD {article} start"));
    assert_eq!(said.code, Some(1));
    let line = format!(
        "Error: {}: is a directory\n",
        place.path("article.pid").display()
    );
    assert_eq!(said.err, line);
}

#[test]
fn the_program_of_the_tutorials_starts_and_stops() {
    let place = Place::new();
    let article = example("article").display().to_string();
    let said = place.shell(&format!(
        "export XDG_RUNTIME_DIR=$PWD; {article} start && {article} start > /dev/full && {article} restart \
         && {article} stop && {article} stop; {article}"
    ));
    assert_eq!(said.code, Some(2), "{said:?}");
    let verbs: Vec<&str> = said
        .out
        .lines()
        .filter_map(|line| line.split(',').next())
        .collect();
    assert_eq!(verbs, ["started", "started", "stopped", "not running"]);
    assert!(!place.path("article.pid").exists());
    assert_eq!(said.err, "usage: article start|stop|restart\n");
    assert_eq!(place.processes(), [0; 0]);
}

#[test]
fn it_panics() {
    check_failing("panic", "failing: panicked: out of ideas\n");
}

#[test]
fn it_ends_by_itself() {
    let died = "failing: the daemon died before it was ready: it";
    check_failing("exit", &format!("{died} exited with status 3\n"));
    check_failing("abort", &format!("{died} was killed by SIGABRT\n"));
    check_failing("leave", "failing: the daemon ended before it was ready\n");
}

#[test]
fn it_is_killed() {
    check(
        "$M --check 'kill -9 $PPID' start",
        "mydaemon: the daemon died before it was ready: it was killed by SIGKILL\n",
    );
}

#[test]
fn it_is_killed_and_leaves_children() {
    // One in a process group of its own, as an interactive shell makes them.
    check(
        "$M --check 'set -m; sleep 1000 & kill -9 $PPID; sleep 1000' start",
        "mydaemon: the daemon died before it was ready",
    );
}

#[test]
fn its_caller_is_killed() {
    let place = Place::new();
    let begun = place.fifo("begun");
    let go = place.fifo("go");
    let check = format!("echo > {}; cat {}", begun.display(), go.display());
    let mut launcher = place
        .mydaemon(&["--check", &check, "start"])
        .spawn()
        .unwrap();
    place.await_fifo(&begun, &launcher);
    launcher.kill().unwrap();
    launcher.wait().unwrap();
    std::fs::write(&go, "").unwrap();
    place.check(&["reload"], 0, "reloads");
    // The process between the forks does not wait for a launcher that is gone.
    assert_eq!(place.processes(), [place.pid()]);
    place.check(&["stop"], 0, "stopped");
    place.assert_nothing_left();
}

#[test]
fn it_hangs() {
    check(
        "$M --ready-timeout 0.2 --check 'sleep 1000' start",
        "mydaemon: the daemon was not ready after 200ms",
    );
}

#[test]
fn it_hangs_and_the_caller_ignores_its_children() {
    check(
        "env --ignore-signal=CHLD $M --ready-timeout 0.2 --check 'sleep 1000' start",
        "mydaemon: the daemon was not ready after 200ms",
    );
}

#[test]
fn it_cannot_open_its_log() {
    check(
        "$M --log /nowhere/log start",
        "mydaemon: /nowhere/log: no such file or directory",
    );
}

#[test]
fn it_fails_in_the_foreground() {
    check("$M --check false run", "mydaemon: false: exit status: 1");
}
