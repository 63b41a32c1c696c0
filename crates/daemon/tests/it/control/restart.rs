//! `restart`, and the check before it.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use sampled_daemon::Daemon;

use crate::support::*;

#[test]
fn a_restart_that_fails_its_check_ends_nothing() {
    let fixture = Fixture::new();
    let pid = fixture.start(&[]);
    let check = |options: &[&str], code, message: &str| {
        let output = fixture.run(&[options, &["restart"]].concat());
        assert_eq!(output.code, Some(code), "{options:?}: {output:?}");
        assert!(output.err.contains(message), "{options:?}: {output:?}");
        assert_eq!(fixture.processes(), [pid], "{options:?}");
        fixture.check(&["status"], 0, &format!("process {pid}"));
    };
    check(&["--log", "/nowhere/log"], 1, "/nowhere/log: no such file");
    check(
        &["--user", "nobody-of-that-name"],
        1,
        "there is no such user",
    );
    check(&["--check", "false"], 1, "mydaemon: false: exit status: 1");
    check(
        &["--check", "kill -9 $PPID"],
        1,
        "the check before the start gave no answer: its process was killed by SIGKILL",
    );
    check(
        &["--ready-timeout", "0.2", "--check", "sleep 1000"],
        1,
        "the check before the start took longer than 200ms",
    );
    if root("cannot become nobody") {
        // Where everybody may write, the log is opened after the change of user.
        fs::create_dir(fixture.path("log")).unwrap();
        fs::write(fixture.path("log/log"), "").unwrap();
        let mode = |path, mode| {
            let mode = fs::Permissions::from_mode(mode);
            fs::set_permissions(fixture.path(path), mode).unwrap();
        };
        mode("log/log", 0o600);
        mode("log", 0o777);
        let options = ["--user", "nobody", "--log", "log/log"];
        check(&options, 4, "/log/log: permission denied");
    }
    // The children of the check are killed with it; the child of the daemon runs.
    fixture.check(
        &["--check", "sleep 1000 > /dev/null 2>&1 &", "restart"],
        0,
        "started",
    );
    assert_eq!(fixture.processes().len(), 2);
    fixture.check(&["stop"], 0, "stopped");
}

#[test]
fn a_restart_that_cannot_take_the_pidfile_ends_nothing() {
    if !root("cannot become nobody") {
        return;
    }
    let fixture = Fixture::new();
    let pid = fixture.start(&["--user", "nobody"]);
    let output = fixture.run_as_nobody("restart");
    assert_eq!(output.code, Some(4), "{output:?}");
    assert!(
        output
            .err
            .ends_with("m.pid: belongs to user 0, not to user 65534\n"),
        "{output:?}"
    );
    assert_eq!(fixture.processes(), [pid]);
    let read_only = "mount --bind . . && mount -o remount,bind,ro . && exec $M restart";
    let script = format!("unshare --mount sh -c 'cd .; {read_only}'");
    let output = fixture.shell(&script);
    if output.err.contains("unshare:") || output.err.contains("mount:") {
        return skip(&format!("nothing can be mounted here: {output:?}"));
    }
    assert!(
        output.err.ends_with("m.pid: read-only file system\n"),
        "{output:?}"
    );
    assert_eq!(fixture.processes(), [pid]);
    fixture.check(&["--user", "nobody", "restart"], 0, "started");
    fixture.check(&["stop"], 0, "stopped");
}

#[test]
fn a_restart_whose_check_passes_succeeds() {
    let fixture = Fixture::new();
    fixture.start(&[]);
    fixture.check(&["--check", "true", "restart"], 0, "started");
    fixture.check(&["stop"], 0, "stopped");
    fixture.assert_nothing_left();
}

#[test]
fn verify_names_the_threads() {
    let fixture = Fixture::new();
    let daemon = Daemon::new("refused").pidfile(fixture.pidfile());
    // The threads are those of the test harness.
    let error = daemon.verify().unwrap_err().to_string();
    assert!(error.contains("threads ("), "{error}");
}

#[test]
fn two_restarts_leave_one_daemon() {
    let fixture = Fixture::new();
    let mut before = fixture.start(&[]);
    for round in 0..25 {
        let restarts = [(); 2].map(|()| fixture.mydaemon(&["restart"]).spawn().unwrap());
        let output = restarts.map(finish);
        assert!(
            output.iter().all(|output| output.code == Some(0)),
            "{round}: {output:?}"
        );
        let pid = fixture.pid();
        assert_eq!(fixture.processes(), [pid], "{round}: {output:?}");
        assert_ne!(pid, before, "{round}: {output:?}");
        before = pid;
    }
}
