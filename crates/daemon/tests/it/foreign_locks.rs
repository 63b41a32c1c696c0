//! Files and locks of other users and programs at the path of the pidfile.

use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt, chown};
use std::process::Child;

use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;

use super::support::*;

const NOBODY: u32 = 65534;

#[test]
fn a_flock_of_another_process_does_not_prevent_a_start() {
    let fixture = Fixture::new();
    fs::write(fixture.pidfile(), "").unwrap();
    let locked = fixture.fifo("locked");
    let script = format!("echo > {}; exec sleep 1000", locked.display());
    let mut flock = fixture.command("flock");
    flock.args(["--shared".as_ref(), fixture.pidfile().as_os_str()]);
    let mut flock = flock.args(["sh", "-c", &script]).spawn().unwrap();
    fixture.wait_for_fifo(&locked, &flock);
    let pid = fixture.start(&["--ready-timeout", "5"]);
    fixture.check(&["status"], 0, &format!("process {pid}"));
    fixture.check(&["--ready-timeout", "5", "restart"], 0, "started");
    fixture.check(&["stop"], 0, "stopped");
    flock.kill().unwrap();
    flock.wait().unwrap();
}

#[test]
fn a_read_lock_does_not_prevent_a_start() {
    for (start, length) in [(0, 0), (8, 9)] {
        let fixture = Fixture::new();
        kill_and_wait(fixture.start(&[]));
        // Every user who may read the file can take it: on the whole file, or from the byte of the record lock on.
        let reader = File::open(fixture.pidfile()).unwrap();
        let lock = lock_range(libc::F_RDLCK, start, length);
        fcntl(&reader, FcntlArg::F_OFD_SETLK(&lock)).unwrap();
        fixture.check(&["status"], 1, "dead");
        let starts: Vec<Child> = (0..10)
            .map(|_| fixture.mydaemon(&["start"]).spawn().unwrap())
            .collect();
        for output in starts.into_iter().map(finish) {
            assert_eq!(output.code, Some(0), "{output:?}");
        }
        let pid = fixture.pid();
        assert_eq!(fixture.processes(), [pid]);
        fixture.check(&["status"], 0, &format!("process {pid}"));
        let names = fs::read_dir(fixture.path("")).unwrap().flatten();
        let names: Vec<_> = names.map(|name| name.file_name()).collect();
        assert_eq!(names, ["m.pid"]);
        fixture.check(&["stop"], 0, "stopped");
        fixture.assert_nothing_left();
    }
}

#[test]
fn a_failed_start_removes_a_read_locked_pidfile() {
    let fixture = Fixture::new();
    let begun = fixture.fifo("begun");
    let check = format!("echo > {}; sleep 1000", begun.display());
    let start = fixture.mydaemon(&["--ready-timeout", "0.3", "--check", &check, "start"]);
    let start = { start }.spawn().unwrap();
    fixture.wait_for_fifo(&begun, &start);
    let reader = File::open(fixture.pidfile()).unwrap();
    let lock = lock_range(libc::F_RDLCK, 2, 1);
    fcntl(&reader, FcntlArg::F_OFD_SETLK(&lock)).unwrap();
    let output = finish(start);
    assert!(output.err.contains("was not ready after"), "{output:?}");
    fixture.assert_nothing_left();
}

#[test]
fn the_error_names_the_process_with_a_foreign_lock() {
    for (lock, status, message) in [
        (
            "fcntl.lockf(file, fcntl.LOCK_EX)",
            4,
            "which does not hold the locks of a daemon",
        ),
        (
            "fcntl.lockf(file, fcntl.LOCK_EX, 1)",
            4,
            "which is not known as a daemon",
        ),
        (
            "fcntl.lockf(file, fcntl.LOCK_EX, 2, 8)",
            3,
            "which does not hold the locks of a daemon",
        ),
        // The lock of a daemon that has not written its process id yet.
        (
            "fcntl.fcntl(file, fcntl.F_OFD_SETLK, struct.pack('hhqqi4x', fcntl.F_WRLCK, 0, 0, 3, 0))",
            4,
            "which is not known as a daemon",
        ),
    ] {
        let fixture = Fixture::new();
        let Some(mut child) = python(&fixture, lock) else {
            return;
        };
        fixture.check(&["status"], status, "");
        let output = fixture.run(&["start"]);
        let message = format!("m.pid: is locked by process {}, {message}", child.id());
        assert!(output.err.contains(&message), "{lock}: {output:?}");
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

#[test]
fn a_file_of_another_user_is_refused() {
    if !root("cannot give a file away") {
        return;
    }
    // In a sticky directory like /tmp every user can create the file first.
    let fixture = Fixture::new();
    fs::set_permissions(fixture.path(""), fs::Permissions::from_mode(0o1777)).unwrap();
    fs::write(fixture.pidfile(), "theirs\n").unwrap();
    chown(fixture.pidfile(), Some(NOBODY), None).unwrap();
    let output = fixture.run(&["start"]);
    assert_eq!(output.code, Some(1));
    assert!(
        output
            .err
            .ends_with("m.pid: belongs to user 65534, not to user 0\n"),
        "{output:?}"
    );
    fixture.check(&["--log", "log", "run"], 1, "");
    assert_eq!(fs::read_to_string(fixture.pidfile()).unwrap(), "theirs\n");
    fixture.check(&["status"], 1, "dead");
    fixture.check(&["stop"], 0, "not running");
    // Now the file is root's, and the caller is an ordinary user.
    chown(fixture.pidfile(), Some(0), None).unwrap();
    let output = fixture.run_as_nobody("start");
    assert!(
        output
            .err
            .ends_with("m.pid: belongs to user 0, not to user 65534\n"),
        "{output:?}"
    );
}

#[test]
fn a_process_of_another_user_than_the_files_owner_is_not_signalled() {
    if !root("cannot give a file away") {
        return;
    }
    let fixture = Fixture::new();
    let pid = fixture.start(&[]);
    chown(fixture.pidfile(), Some(NOBODY), None).unwrap();
    for command in ["stop", "reload", "restart"] {
        let output = fixture.run(&[command]);
        assert_eq!(output.code, Some(1), "{output:?}");
        assert!(
            output
                .err
                .contains("m.pid: belongs to user 65534, who is not known to own process"),
            "{output:?}"
        );
    }
    assert_eq!(fixture.processes(), [pid]);
}

#[test]
fn a_hard_link_is_refused() {
    let fixture = Fixture::new();
    fs::write(fixture.path("precious"), "data\n").unwrap();
    fs::hard_link(fixture.path("precious"), fixture.pidfile()).unwrap();
    for command in ["start", "stop", "restart", "reload"] {
        let output = fixture.run(&[command]);
        assert_eq!(output.code, Some(1), "{command}: {output:?}");
        assert!(
            output.err.contains("m.pid: is a hard link"),
            "{command}: {output:?}"
        );
    }
    fixture.check(&["status"], 4, "is a hard link");
    assert_eq!(
        fs::read_to_string(fixture.path("precious")).unwrap(),
        "data\n"
    );
}
