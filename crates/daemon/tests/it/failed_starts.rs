//! A daemon that fails before it is ready: the caller gets the cause, and neither process nor pidfile is left.

use super::support::*;

fn check(script: &str, message: &str) {
    let fixture = Fixture::new();
    let output = fixture.shell(script);
    assert_eq!(output.code, Some(1), "{script}: {output:?}");
    assert!(output.err.contains(message), "{script}: {output:?}");
    fixture.assert_nothing_left();
}

#[test]
fn a_failed_start_reports_the_error() {
    check("$M --check false start", "mydaemon: false: exit status: 1");
}

#[test]
fn standard_error_is_the_callers_until_ready() {
    check(
        "$M --log log --check 'echo here >&2; false' start",
        "here\n",
    );
}

/// Runs the example `failing`; `how` selects the failure.
fn check_failing(how: &str, message: &str) {
    let failing = example("failing").display().to_string();
    check(&format!("{failing} {how}"), message);
}

#[test]
fn an_error_is_reported_with_its_causes() {
    check_failing(
        "error",
        "failing: reading the configuration: line 3: invalid digit found in string\n",
    );
}

#[test]
fn a_failing_start_prints_one_line() {
    let fixture = Fixture::new();
    std::fs::create_dir(fixture.path("article.pid")).unwrap();
    let article = example("article").display().to_string();
    let output = fixture.shell(&format!("XDG_RUNTIME_DIR=$PWD {article} start"));
    assert_eq!(output.code, Some(1));
    let line = format!(
        "article: {}: is a directory\n",
        fixture.path("article.pid").display()
    );
    assert_eq!(output.err, line);
}

#[test]
fn the_example_article_starts_restarts_and_stops() {
    let fixture = Fixture::new();
    let article = example("article").display().to_string();
    let output = fixture.shell(&format!(
        "export XDG_RUNTIME_DIR=$PWD; {article} start && {article} start > /dev/full && {article} restart \
         && {article} stop && {article} stop; {article}"
    ));
    assert_eq!(output.code, Some(2), "{output:?}");
    let outcomes: Vec<&str> = output
        .out
        .lines()
        .filter_map(|line| line.split(',').next())
        .collect();
    assert_eq!(outcomes, ["started", "started", "stopped", "not running"]);
    assert!(!fixture.path("article.pid").exists());
    assert_eq!(
        output.err,
        "usage: article start|stop|restart|reload|status|run\n"
    );
    assert_eq!(fixture.processes(), [0; 0]);
}

#[test]
fn a_panic_is_reported_with_its_message() {
    check_failing("panic", "failing: panicked: out of ideas\n");
}

#[test]
fn an_early_exit_is_reported() {
    let died = "failing: the daemon died before it was ready: it";
    check_failing("exit", &format!("{died} exited with status 3\n"));
    check_failing("abort", &format!("{died} was killed by SIGABRT\n"));
    check_failing("kill", &format!("{died} was killed by SIGKILL\n"));
    check_failing("leave", "failing: the daemon ended before it was ready\n");
}

#[test]
fn a_hanging_init_is_killed() {
    check_failing(
        "hang",
        "failing: the daemon was not ready after 1s and was killed\n",
    );
}

#[test]
fn an_early_kill_is_reported() {
    check(
        "$M --check 'kill -9 $PPID' start",
        "mydaemon: the daemon died before it was ready: it was killed by SIGKILL\n",
    );
}

#[test]
fn the_children_of_a_killed_daemon_are_killed() {
    // One child in a process group of its own, as an interactive shell makes them.
    check(
        "$M --check 'set -m; sleep 1000 & kill -9 $PPID; sleep 1000' start",
        "mydaemon: the daemon died before it was ready",
    );
}

#[test]
fn a_daemon_survives_the_kill_of_its_launcher() {
    let fixture = Fixture::new();
    let begun = fixture.fifo("begun");
    let go = fixture.fifo("go");
    let check = format!("echo > {}; cat {}", begun.display(), go.display());
    let mut launcher = fixture
        .mydaemon(&["--check", &check, "start"])
        .spawn()
        .unwrap();
    fixture.wait_for_fifo(&begun, &launcher);
    launcher.kill().unwrap();
    launcher.wait().unwrap();
    std::fs::write(&go, "").unwrap();
    fixture.check(&["reload"], 0, "reloads");
    // The intermediate process ends with the launcher.
    assert_eq!(fixture.processes(), [fixture.pid()]);
    fixture.check(&["stop"], 0, "stopped");
    fixture.assert_nothing_left();
}

#[test]
fn a_hanging_start_is_killed() {
    check(
        "$M --ready-timeout 0.2 --check 'sleep 1000' start",
        "mydaemon: the daemon was not ready after 200ms",
    );
}

#[test]
fn a_hanging_start_is_killed_if_the_caller_ignores_sigchld() {
    check(
        "env --ignore-signal=CHLD $M --ready-timeout 0.2 --check 'sleep 1000' start",
        "mydaemon: the daemon was not ready after 200ms",
    );
}

#[test]
fn a_log_that_cannot_be_opened_is_reported() {
    check(
        "$M --log /nowhere/log start",
        "mydaemon: /nowhere/log: no such file or directory",
    );
}

#[test]
fn run_reports_the_error() {
    check("$M --check false run", "mydaemon: false: exit status: 1");
}
