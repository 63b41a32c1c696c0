//! The privileged step: after the pidfile, before the change of user.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::support::*;

#[test]
fn it_runs_with_the_pidfile_and_before_the_change_of_user() {
    if !root("cannot become nobody") {
        return;
    }
    let fixture = Fixture::new();
    // The parent of the command is the daemon.
    let step = "test $(cat $MYDAEMON_PIDFILE) = $PPID && test $(id -u) = 0";
    let pid = fixture.start(&[
        "--user",
        "nobody",
        "--privileged",
        step,
        "--check",
        "test $(id -u) != 0",
    ]);
    assert!(status_line(pid, "Uid").starts_with("65534\t"));
    fixture.check(&["stop"], 0, "stopped");
}

#[test]
fn it_runs_in_the_foreground_too() {
    if !root("cannot become nobody") {
        return;
    }
    let fixture = Fixture::new();
    let step = "test $(cat $MYDAEMON_PIDFILE) = $PPID && test $(id -u) = 0 && echo done >&2";
    let output = fixture.run(&[
        "--user",
        "nobody",
        "--privileged",
        step,
        "--check",
        "false",
        "run",
    ]);
    assert_eq!(output.code, Some(1), "{output:?}");
    assert_eq!(output.err, "done\nmydaemon: false: exit status: 1\n");
    let output = fixture.run(&["--privileged", "false", "run"]);
    assert_eq!(output.err, "mydaemon: false: exit status: 1\n");
    assert!(!fixture.pidfile().exists());
}

#[test]
fn the_caller_of_start_gets_its_error() {
    let fixture = Fixture::new();
    let check = |step: &str, message: &str| {
        let output = fixture.run(&["--privileged", step, "--ready-timeout", "1", "start"]);
        assert_eq!(output.code, Some(1), "{output:?}");
        assert!(output.err.contains(message), "{output:?}");
        fixture.assert_nothing_left();
    };
    check(
        "echo no port >&2; exit 3",
        "no port\nmydaemon: echo no port >&2; exit 3: exit status: 3\n",
    );
    check(
        "kill -9 $PPID",
        "the daemon died before it was ready: it was killed by SIGKILL\n",
    );
    check(
        "sleep 1000",
        "the daemon was not ready after 1s and was killed\n",
    );
}

#[test]
fn restart_runs_it_after_the_old_daemon_has_ended() {
    let fixture = Fixture::new();
    // As a port: the directory is taken while a daemon runs.
    let port = fixture.path("port").display().to_string();
    let options = [
        "--privileged",
        &format!("mkdir {port}"),
        "--farewell",
        &format!("rmdir {port}"),
    ];
    let mut before = fixture.start(&options);
    for round in 0..10 {
        fixture.check(&[&options[..], &["restart"]].concat(), 0, "started");
        assert_ne!(fixture.pid(), before, "{round}");
        before = fixture.pid();
    }
    // Another program has taken the port: no daemon is left, and the caller learns why.
    let step = format!("mkdir {port} 2> /dev/null");
    fixture.check(
        &["--privileged", "true", "--farewell", "true", "restart"],
        0,
        "started",
    );
    assert!(!fixture.path("port").exists());
    fs::create_dir(fixture.path("port")).unwrap();
    let output = fixture.run(&["--privileged", &step, "restart"]);
    assert_eq!(output.code, Some(1), "{output:?}");
    assert_eq!(output.err, format!("mydaemon: {step}: exit status: 1\n"));
    fixture.assert_nothing_left();
}

#[test]
fn an_error_before_it_ends_nothing_at_a_restart() {
    let fixture = Fixture::new();
    let pid = fixture.start(&[]);
    let ran = fixture.path("ran");
    let step = format!("touch {}", ran.display());
    let output = fixture.run(&["--privileged", &step, "--check", "false", "restart"]);
    assert_eq!(output.code, Some(1), "{output:?}");
    assert!(!ran.exists(), "the check has run the privileged step");
    assert_eq!(fixture.processes(), [pid]);
}

#[test]
fn privileges_are_given_up() {
    if !root("cannot empty the bounding set") {
        return;
    }
    let fixture = Fixture::new();
    fs::set_permissions(fixture.path(""), fs::Permissions::from_mode(0o755)).unwrap();
    let options = [
        "--user",
        "nobody",
        "--no-new-privs",
        "true",
        "--empty-bounding-set",
        "true",
    ];
    // The step has both.
    let step = "! grep -q 'CapBnd:\t0000000000000000' /proc/self/status && grep -q 'NoNewPrivs:\t0' /proc/self/status";
    let given_up = |pid| {
        assert_eq!(status_line(pid, "NoNewPrivs"), "1");
        for set in ["CapBnd", "CapPrm", "CapEff", "CapAmb"] {
            assert_eq!(status_line(pid, set), "0000000000000000", "{set}");
        }
    };
    given_up(fixture.start(&[&options[..], &["--privileged", step]].concat()));
    fixture.check(&["stop"], 0, "stopped");

    let begun = fixture.fifo("begun");
    nix::unistd::chown(&begun, Some(65534.into()), None).unwrap();
    let check = format!("echo > {}", begun.display());
    let child = fixture
        .mydaemon(&[&options[..], &["--check", &check, "run"]].concat())
        .spawn()
        .unwrap();
    fixture.wait_for_fifo(&begun, &child);
    fixture.check(&["reload"], 0, "reloads");
    given_up(fixture.pid());
    fixture.check(&["stop"], 0, "stopped");
    finish(child);

    let fixture = Fixture::new();
    let output = fixture.run_as_nobody("--empty-bounding-set true start");
    assert_eq!(output.code, Some(4), "{output:?}");
    assert_eq!(
        output.err,
        "mydaemon: prctl(PR_CAPBSET_DROP): operation not permitted\n"
    );
    let output = fixture.run_as_nobody("--no-new-privs true start");
    assert_eq!(output.code, Some(0), "{output:?}");
    assert_eq!(status_line(fixture.pid(), "NoNewPrivs"), "1");
}

#[test]
fn limits_and_priorities_apply() {
    let fixture = Fixture::new();
    let options = [
        "--nice",
        "7",
        "--oom-score-adj",
        "500",
        "--open-files",
        "77",
    ];
    let pid = fixture.start(&options);
    let read = |file: &str| fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap();
    assert_eq!(read("oom_score_adj"), "500\n");
    let files = read("limits");
    let files = files
        .lines()
        .find(|line| line.starts_with("Max open files"))
        .unwrap();
    assert_eq!(
        files.split_whitespace().collect::<Vec<_>>()[3..5],
        ["77", "77"]
    );
    let stat = read("stat");
    // Field 19 of proc_pid_stat(5): the first one after the name is field 3.
    assert_eq!(
        stat.rsplit_once(") ").unwrap().1.split(' ').nth(16),
        Some("7")
    );
    fixture.check(&["stop"], 0, "stopped");
    fixture.check(&["--oom-score-adj", "5000", "start"], 1, "");
}
