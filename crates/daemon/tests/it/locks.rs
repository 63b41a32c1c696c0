//! The process to signal is the one that holds the lock, by the kernel's word.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command};

use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;

use super::support::*;

/// Locks the pidfile as the description of a ready daemon does, without its record lock, and writes a number into it:
/// what a child has that a daemon forked without exec, once the daemon is dead.
fn forge(place: &Place, pid: i32) -> File {
    let file = File::create(place.pidfile()).unwrap();
    fs::write(place.pidfile(), format!("{pid}\n")).unwrap();
    fcntl(&file, FcntlArg::F_OFD_SETLK(&range(libc::F_WRLCK, 0, 1))).unwrap();
    file
}

#[test]
fn the_number_in_the_file_gets_nobody_killed() {
    let place = Place::new();
    let mut stranger = Stranger::new();
    // As a daemon does that was taken over after it dropped its rights: by the descriptor that it still has.
    let pid = place.start(&[]);
    fs::write(place.pidfile(), format!("{}\n", stranger.pid())).unwrap();
    place.check(&["status"], 0, &format!("process {pid}"));
    place.check(&["start"], 0, &format!("already running, process {pid}"));
    place.check(&["reload"], 0, &format!("process {pid} reloads"));
    place.check(&["stop"], 0, &format!("stopped, process {pid}"));
    place.assert_nothing_left();
    // Neither does garbage keep it from being stopped.
    let pid = place.start(&[]);
    fs::write(place.pidfile(), "garbage\n").unwrap();
    place.check(&["restart"], 0, "started");
    assert_ne!(place.pid(), pid);
    place.check(&["stop"], 0, "stopped");
    stranger.assert_alive();
}

#[test]
fn anybody_may_ask() {
    if !root("cannot ask as another user") {
        return;
    }
    let place = Place::new();
    fs::set_permissions(place.path(""), fs::Permissions::from_mode(0o755)).unwrap();
    let pid = place.start(&[]);
    let said = place.say_as_nobody("status");
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.out.contains(&format!("process {pid}\n")), "{said:?}");
    let said = place.say_as_nobody("stop");
    assert_eq!(
        said.err,
        format!("mydaemon: process {pid}: operation not permitted\n")
    );
    // And root without the right to trace may signal a daemon that has become another user.
    place.check(&["stop"], 0, "stopped");
    let pid = place.start(&["--user", "nobody"]);
    let weak = "setpriv --bounding-set -sys_ptrace --inh-caps -sys_ptrace $M";
    let said = place.shell(&format!("{weak} status && {weak} stop"));
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(
        said.out.contains(&format!("stopped, process {pid}\n")),
        "{said:?}"
    );
}

#[test]
fn a_lock_that_outlives_its_daemon_is_told() {
    let mut stranger = Stranger::new();
    let mut dead = Command::new("true").spawn().unwrap();
    dead.wait().unwrap();
    // Its number may have been given away.
    for pid in [dead.id() as i32, stranger.pid()] {
        let place = Place::new();
        let _lock = forge(&place, pid);
        // It is in this test, and for moments in a child that another test starts.
        let message = "m.pid: is locked by process ";
        place.check(&["status"], 4, message);
        for verb in ["start", "stop", "reload", "restart"] {
            let said = place.say(&[verb]);
            assert_eq!(said.code, Some(1), "{verb}: {said:?}");
            assert!(said.err.contains(message), "{verb}: {said:?}");
            assert!(
                said.err.contains("perhaps a dead daemon's child"),
                "{said:?}"
            );
        }
        stranger.assert_alive();
    }
}

/// A daemon of version 0.1.0, which took no record lock, with this number in its file.
fn old_daemon(place: &Place, number: &str) -> Option<Child> {
    let script = format!(
        "file.write('%d\\n' % {number})
file.flush()
fcntl.flock(file, fcntl.LOCK_EX)
fcntl.fcntl(file, fcntl.F_OFD_SETLK, struct.pack('hhqqi4x', fcntl.F_WRLCK, os.SEEK_SET, 0, 1, 0))"
    );
    python(place, &script)
}

#[test]
fn a_daemon_without_record_lock_is_known_by_its_fdinfo() {
    let place = Place::new();
    let Some(mut old) = old_daemon(&place, "os.getpid()") else {
        return;
    };
    place.check(&["status"], 0, &format!("process {}\n", old.id()));
    place.check(
        &["start"],
        0,
        &format!("already running, process {}\n", old.id()),
    );
    place.check(&["stop"], 0, "stopped");
    old.wait().unwrap();
}

#[test]
fn a_daemon_without_record_lock_gets_nobody_else_killed() {
    let place = Place::new();
    let mut stranger = Stranger::new();
    let Some(mut old) = old_daemon(&place, &stranger.pid().to_string()) else {
        return;
    };
    let message = format!("is locked by process {}, which is not known as", old.id());
    place.check(&["status"], 4, &message);
    place.check(&["stop"], 1, "");
    stranger.assert_alive();
    assert_eq!(old.try_wait().unwrap(), None);
    drop(old.stdin.take());
    old.wait().unwrap();
}

#[test]
fn a_program_that_was_given_the_descriptor_is_not_killed() {
    // A daemon that was taken over can give its open file to another program, and write that one's number into it.
    let place = Place::new();
    let given = "subprocess.Popen(['sleep', '1000'], pass_fds=[file.fileno()]).pid";
    let Some(mut old) = old_daemon(&place, given) else {
        return;
    };
    let sleep = place.pid();
    place.check(&["status"], 4, "m.pid: is locked by process ");
    place.check(&["stop"], 1, "");
    assert!(place.processes().contains(&sleep));
    old.kill().unwrap();
    old.wait().unwrap();
    // The other program keeps the file locked, and is told.
    let said = place.say(&["start"]);
    let message = format!("m.pid: is locked by process {sleep}, which is not known as a daemon");
    assert!(said.err.contains(&message), "{said:?}");
}

#[test]
fn the_record_lock_survives_the_librarys_own_life() {
    let place = Place::new();
    let pid = place.start(&["--log", "log"]);
    assert_eq!(record_lock(&place), pid);
    let process = hold(pid);
    for round in 1..=20 {
        // It asks for its own status, which must not open and close its pidfile.
        place.check(&["reload"], 0, "reloads");
        let said = || fs::read_to_string(place.path("log")).unwrap();
        while said().matches("is running for").count() < round {
            assert!(!ends_within(&process, std::time::Duration::from_millis(1)));
        }
        assert_eq!(record_lock(&place), pid, "{round}");
    }
    assert!(
        !fs::read_to_string(place.path("log"))
            .unwrap()
            .contains("unknown")
    );
    place.check(&["stop"], 0, "stopped");
}

#[test]
fn a_daemon_is_known_by_another_name_of_its_file() {
    if !root("cannot mount") {
        return;
    }
    let place = Place::new();
    let pid = place.start(&[]);
    let script = "touch other; mount --bind m.pid other && $M --pidfile other status && $M --pidfile other stop";
    let said = place.shell(&format!("unshare --mount sh -c '{script}'"));
    if said.err.contains("mount:") || said.err.contains("unshare:") {
        return skip(&format!("nothing can be mounted here: {said:?}"));
    }
    assert!(
        said.out.contains(&format!("stopped, process {pid}\n")),
        "{said:?}"
    );
}

#[test]
fn anybody_may_ask_where_proc_hides_the_processes_of_others() {
    if !root("cannot mount") {
        return;
    }
    let place = Place::new();
    let pid = place.start(&[]);
    fs::copy(example("mydaemon"), place.path("mydaemon")).unwrap();
    fs::set_permissions(place.path(""), fs::Permissions::from_mode(0o755)).unwrap();
    let nobody = "setpriv --reuid 65534 --regid 65534 --clear-groups ./mydaemon status";
    let script = format!("mount -t proc -o hidepid=2 proc /proc && exec {nobody}");
    let said = place.shell(&format!("unshare --mount sh -c '{script}'"));
    if said.err.contains("mount:") || said.err.contains("unshare:") {
        return skip(&format!("nothing can be mounted here: {said:?}"));
    }
    assert_eq!(said.out, format!("running, process {pid}\n"), "{said:?}");
}
