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

#[test]
fn it_panics() {
    // println! does when it cannot print.
    check(
        "$M start > /dev/full",
        "mydaemon: panicked: failed printing to stdout",
    );
}

#[test]
fn it_is_killed() {
    check(
        "$M --check 'kill -9 $PPID' start",
        "mydaemon: the daemon died before it was ready",
    );
}

#[test]
fn it_is_killed_and_leaves_a_child() {
    check(
        "$M --check 'kill -9 $PPID; sleep 1000' start",
        "mydaemon: the daemon died before it was ready",
    );
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
