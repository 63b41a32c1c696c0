//! Files and locks of strangers at the place of the pidfile.

use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt, chown};
use std::process::Child;

use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;

use super::support::*;

const NOBODY: u32 = 65534;

#[test]
fn somebody_elses_flock_is_no_obstacle() {
    let place = Place::new();
    fs::write(place.pidfile(), "").unwrap();
    let locked = place.fifo("locked");
    let script = format!("echo > {}; exec sleep 1000", locked.display());
    let mut flock = place.command("flock");
    flock.args(["--shared".as_ref(), place.pidfile().as_os_str()]);
    let mut flock = flock.args(["sh", "-c", &script]).spawn().unwrap();
    place.await_fifo(&locked, &flock);
    let pid = place.start(&["--ready-timeout", "5"]);
    place.check(&["status"], 0, &format!("process {pid}"));
    place.check(&["--ready-timeout", "5", "restart"], 0, "started");
    place.check(&["stop"], 0, "stopped");
    flock.kill().unwrap();
    flock.wait().unwrap();
}

#[test]
fn a_strangers_lock_for_reading_is_no_obstacle() {
    for whole in [0, 9] {
        let place = Place::new();
        murder(place.start(&[]));
        // Everybody may have it who may read the file; the first byte, or the record lock's alone.
        let stranger = File::open(place.pidfile()).unwrap();
        let lock = range(libc::F_RDLCK, if whole == 0 { 0 } else { 8 }, whole);
        fcntl(&stranger, FcntlArg::F_OFD_SETLK(&lock)).unwrap();
        place.check(&["status"], 1, "dead");
        let starts: Vec<Child> = (0..10)
            .map(|_| place.mydaemon(&["start"]).spawn().unwrap())
            .collect();
        for said in starts.into_iter().map(finish) {
            assert_eq!(said.code, Some(0), "{said:?}");
        }
        let pid = place.pid();
        assert_eq!(place.processes(), [pid]);
        place.check(&["status"], 0, &format!("process {pid}"));
        let names = fs::read_dir(place.path("")).unwrap().flatten();
        let names: Vec<_> = names.map(|name| name.file_name()).collect();
        assert_eq!(names, ["m.pid"]);
        place.check(&["stop"], 0, "stopped");
        place.assert_nothing_left();
    }
}

#[test]
fn a_strangers_lock_leaves_nothing_of_a_start_that_fails() {
    let place = Place::new();
    let begun = place.fifo("begun");
    let check = format!("echo > {}; sleep 1000", begun.display());
    let start = place.mydaemon(&["--ready-timeout", "0.3", "--check", &check, "start"]);
    let start = { start }.spawn().unwrap();
    place.await_fifo(&begun, &start);
    let stranger = File::open(place.pidfile()).unwrap();
    let lock = range(libc::F_RDLCK, 2, 1);
    fcntl(&stranger, FcntlArg::F_OFD_SETLK(&lock)).unwrap();
    let said = finish(start);
    assert!(said.err.contains("was not ready after"), "{said:?}");
    place.assert_nothing_left();
}

#[test]
fn the_process_that_has_a_foreign_lock_is_named() {
    for (lock, status, message) in [
        (
            "fcntl.lockf(file, fcntl.LOCK_EX)",
            4,
            "which is no daemon of this kind",
        ),
        (
            "fcntl.lockf(file, fcntl.LOCK_EX, 1)",
            4,
            "which is not known as a daemon",
        ),
        (
            "fcntl.lockf(file, fcntl.LOCK_EX, 2, 8)",
            3,
            "which is no daemon of this kind",
        ),
        // A daemon that takes its file, for as long as that may take.
        (
            "fcntl.fcntl(file, fcntl.F_OFD_SETLK, struct.pack('hhqqi4x', fcntl.F_WRLCK, 0, 0, 3, 0))",
            4,
            "which is not known as a daemon",
        ),
    ] {
        let place = Place::new();
        let Some(mut child) = python(&place, lock) else {
            return;
        };
        place.check(&["status"], status, "");
        let said = place.say(&["start"]);
        let message = format!("m.pid: is locked by process {}, {message}", child.id());
        assert!(said.err.contains(&message), "{lock}: {said:?}");
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

#[test]
fn another_users_file_is_refused() {
    if !root("cannot give a file away") {
        return;
    }
    // In a directory like /tmp, where everybody can make it before us.
    let place = Place::new();
    fs::set_permissions(place.path(""), fs::Permissions::from_mode(0o1777)).unwrap();
    fs::write(place.pidfile(), "theirs\n").unwrap();
    chown(place.pidfile(), Some(NOBODY), None).unwrap();
    let said = place.say(&["start"]);
    assert_eq!(said.code, Some(1));
    assert!(
        said.err
            .ends_with("m.pid: belongs to user 65534, not to user 0\n"),
        "{said:?}"
    );
    place.check(&["--log", "log", "run"], 1, "");
    assert_eq!(fs::read_to_string(place.pidfile()).unwrap(), "theirs\n");
    place.check(&["status"], 1, "dead");
    place.check(&["stop"], 0, "not running");
    // The other way round: root's file, and an ordinary user.
    chown(place.pidfile(), Some(0), None).unwrap();
    let said = place.say_as_nobody("start");
    assert!(
        said.err
            .ends_with("m.pid: belongs to user 0, not to user 65534\n"),
        "{said:?}"
    );
}

#[test]
fn a_users_pidfile_gets_nobody_elses_process_killed() {
    if !root("cannot give a file away") {
        return;
    }
    let place = Place::new();
    let pid = place.start(&[]);
    chown(place.pidfile(), Some(NOBODY), None).unwrap();
    for verb in ["stop", "reload", "restart"] {
        let said = place.say(&[verb]);
        assert_eq!(said.code, Some(1), "{said:?}");
        assert!(
            said.err
                .contains("m.pid: belongs to user 65534, who is not known to own process"),
            "{said:?}"
        );
    }
    assert_eq!(place.processes(), [pid]);
}

#[test]
fn a_hard_link_is_refused() {
    let place = Place::new();
    fs::write(place.path("precious"), "data\n").unwrap();
    fs::hard_link(place.path("precious"), place.pidfile()).unwrap();
    for verb in ["start", "stop", "restart", "reload"] {
        let said = place.say(&[verb]);
        assert_eq!(said.code, Some(1), "{verb}: {said:?}");
        assert!(
            said.err.contains("m.pid: is a hard link"),
            "{verb}: {said:?}"
        );
    }
    place.check(&["status"], 4, "is a hard link");
    assert_eq!(
        fs::read_to_string(place.path("precious")).unwrap(),
        "data\n"
    );
}
