//! Standard output and standard error in files, which are rotated, and in the journal.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::time::Instant;

use super::support::*;

/// Waits until a file contains a text.
fn wait_for_text(path: &std::path::Path, text: &str) {
    let deadline = Instant::now().checked_add(DEADLINE).unwrap();
    // inotify(7) would tell of changes of a file that exists, and this one may not yet.
    while !fs::read_to_string(path).is_ok_and(|found| found.contains(text)) {
        assert!(Instant::now() < deadline, "{}: no {text:?}", path.display());
        std::thread::yield_now();
    }
}

#[test]
fn reload_opens_a_renamed_log_again() {
    let fixture = Fixture::new();
    let log = ["--log", "log"];
    fixture.start(&log);
    fixture.check(&["reload"], 0, "reloads");
    let (path, old) = (fixture.path("log"), fixture.path("log.1"));
    wait_for_text(&path, "is running for");
    fs::rename(&path, &old).unwrap();
    let rotated = fs::read_to_string(&old).unwrap();
    fixture.check(&["reload"], 0, "reloads");
    wait_for_text(&path, "is running for");
    assert_eq!(fs::read_to_string(&old).unwrap(), rotated);
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o640);
    fixture.check(&["stop"], 0, "stopped");
}

#[test]
fn in_a_directory_of_roots_root_opens_the_log_and_gives_it_to_the_user() {
    if !root("cannot become nobody") {
        return;
    }
    let fixture = Fixture::new();
    fs::set_permissions(fixture.path(""), fs::Permissions::from_mode(0o755)).unwrap();
    let options = ["--user", "nobody", "--log", "log"];
    fixture.start(&options);
    let log = fixture.path("log");
    let found = fs::metadata(&log).unwrap();
    assert_eq!(
        (found.uid(), found.gid(), found.mode() & 0o7777),
        (65534, 65534, 0o640)
    );
    fixture.check(&["reload"], 0, "reloads");
    wait_for_text(&log, "is running for");
    // logrotate's `create 0640 nobody nogroup`.
    fs::rename(&log, fixture.path("log.1")).unwrap();
    fs::write(&log, "").unwrap();
    std::os::unix::fs::chown(&log, Some(65534), Some(65534)).unwrap();
    fixture.check(&["reload"], 0, "reloads");
    wait_for_text(&log, "is running for");
    fixture.check(
        &options
            .iter()
            .copied()
            .chain(["restart"])
            .collect::<Vec<_>>(),
        0,
        "started",
    );
    // An existing file of root's stays root's.
    fixture.check(&["stop"], 0, "stopped");
    fs::write(&log, "old\n").unwrap();
    std::os::unix::fs::chown(&log, Some(0), Some(0)).unwrap();
    fixture.start(&options);
    fixture.check(&["reload"], 0, "reloads");
    assert_eq!(fs::metadata(&log).unwrap().uid(), 0);
}

#[test]
fn root_opens_no_log_that_a_user_may_have_placed() {
    if !root("cannot become nobody") {
        return;
    }
    let fixture = Fixture::new();
    fs::set_permissions(fixture.path(""), fs::Permissions::from_mode(0o755)).unwrap();
    let target = fixture.path("target");
    fs::write(&target, "secret\n").unwrap();
    fs::set_permissions(&target, fs::Permissions::from_mode(0o600)).unwrap();
    let refused = |prepare: &dyn Fn(&std::path::Path), mode: u32| {
        let directory = fixture.path("d");
        fs::create_dir(&directory).unwrap();
        fs::set_permissions(&directory, fs::Permissions::from_mode(mode)).unwrap();
        prepare(&directory);
        let output = fixture.run(&["--user", "nobody", "--log", "d/log", "start"]);
        assert_eq!(output.code, Some(4), "{output:?}");
        assert!(
            output.err.ends_with("/d/log: permission denied\n"),
            "{output:?}"
        );
        assert_eq!(fs::read_to_string(&target).unwrap(), "secret\n");
        fs::remove_dir_all(&directory).unwrap();
    };
    refused(
        &|directory| symlink(&target, directory.join("log")).unwrap(),
        0o775,
    );
    refused(
        &|directory| fs::hard_link(&target, directory.join("log")).unwrap(),
        0o775,
    );
    refused(
        &|directory| symlink(&target, directory.join("log")).unwrap(),
        0o1777,
    );
    // Of another user.
    let theirs = |directory: &std::path::Path| {
        fs::write(directory.join("log"), "").unwrap();
        fs::set_permissions(directory.join("log"), fs::Permissions::from_mode(0o600)).unwrap();
        std::os::unix::fs::chown(directory.join("log"), Some(1), None).unwrap();
    };
    refused(&theirs, 0o775);
}

#[test]
fn a_log_that_cannot_be_opened_again_stays() {
    let fixture = Fixture::new();
    fs::create_dir(fixture.path("d")).unwrap();
    fixture.start(&["--log", "d/log"]);
    fs::rename(fixture.path("d"), fixture.path("e")).unwrap();
    let process = open_process(fixture.pid());
    // mydaemon ends with the error.
    fixture.check(&["reload"], 0, "reloads");
    wait_for_end(&process);
    let path = fixture.path("d/log").display().to_string();
    let expected = format!("mydaemon: {path}: no such file or directory\n");
    wait_for_text(&fixture.path("e/log"), &expected);
}

#[test]
fn the_journal_gets_the_lines() {
    if !root("cannot mount") {
        return;
    }
    let journald = "/lib/systemd/systemd-journald";
    for path in [journald, "/etc/machine-id"] {
        if !std::path::Path::new(path).exists() {
            return skip(&format!("the journal needs {path}"));
        }
    }
    let fixture = Fixture::new();
    let script = format!(
        r#"set -eu
        mount -t tmpfs tmpfs /run; mkdir -p /run/systemd /run/log
        echo 0123456789abcdef0123456789abcdef > /run/id;
        mount --bind /run/id /etc/machine-id
        {journald} & journald=$!
        trap 'kill $journald' EXIT
        for _ in $(seq 400); do [ -S /run/systemd/journal/stdout ] && break; sleep 0.05; done
        $M --user nobody --log journal start
        pid=$(cat $MYDAEMON_PIDFILE)
        $M reload
        for _ in $(seq 400); do
            journalctl --directory /run/log/journal -t mydaemon -o json --output-fields MESSAGE,_PID,_UID,PRIORITY > out || true
            grep -q 'is running' out && break; sleep 0.05
        done
        $M stop >&2
        grep 'is running' out
        echo $pid"#
    );
    let output = finish(
        fixture
            .command("unshare")
            .args(["--mount", "bash", "-c", &script])
            .spawn()
            .unwrap(),
    );
    assert_eq!(output.code, Some(0), "{output:?}");
    let pid = output.out.lines().last().unwrap();
    for field in [
        format!(r#""_PID":"{pid}""#),
        r#""_UID":"65534""#.to_owned(),
        r#""PRIORITY":"6""#.to_owned(),
    ] {
        assert!(output.out.contains(&field), "{field}: {output:?}");
    }
}

#[test]
fn without_a_journal_the_start_fails() {
    if !root("cannot mount") {
        return;
    }
    let fixture = Fixture::new();
    let script = "mount -t tmpfs tmpfs /run; ! $M --log journal start";
    let output = finish(
        fixture
            .command("unshare")
            .args(["--mount", "sh", "-c", script])
            .spawn()
            .unwrap(),
    );
    assert_eq!(output.code, Some(0), "{output:?}");
    assert_eq!(
        output.err,
        "mydaemon: /run/systemd/journal/stdout: no such file or directory\n"
    );
}
