//! Signals go to the process that the kernel names as the holder of the lock.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command};

use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;

use super::support::*;

/// Takes the open file description lock of a ready daemon, without its record lock, and writes a number into the
/// pidfile. A child that a daemon forked without exec(2) holds the same lock after the death of the daemon.
fn lock_as_ready_daemon(fixture: &Fixture, pid: i32) -> File {
    let file = File::create(fixture.pidfile()).unwrap();
    fs::write(fixture.pidfile(), format!("{pid}\n")).unwrap();
    fcntl(
        &file,
        FcntlArg::F_OFD_SETLK(&lock_range(libc::F_WRLCK, 0, 1)),
    )
    .unwrap();
    file
}

#[test]
fn the_number_in_the_file_does_not_determine_the_process_to_signal() {
    let fixture = Fixture::new();
    let mut unrelated = UnrelatedProcess::new();
    // A compromised daemon can write this through its open descriptor, also after its change of user.
    let pid = fixture.start(&[]);
    fs::write(fixture.pidfile(), format!("{}\n", unrelated.pid())).unwrap();
    fixture.check(&["status"], 0, &format!("process {pid}"));
    fixture.check(&["start"], 0, &format!("already running, process {pid}"));
    fixture.check(&["reload"], 0, &format!("process {pid} reloads"));
    fixture.check(&["stop"], 0, &format!("stopped, process {pid}"));
    fixture.assert_nothing_left();
    // With garbage in the file the daemon can be stopped, too.
    let pid = fixture.start(&[]);
    fs::write(fixture.pidfile(), "garbage\n").unwrap();
    fixture.check(&["restart"], 0, "started");
    assert_ne!(fixture.pid(), pid);
    fixture.check(&["stop"], 0, "stopped");
    unrelated.assert_alive();
}

#[test]
fn another_user_may_ask_for_the_status() {
    if !root("cannot ask as another user") {
        return;
    }
    let fixture = Fixture::new();
    fs::set_permissions(fixture.path(""), fs::Permissions::from_mode(0o755)).unwrap();
    let pid = fixture.start(&[]);
    let output = fixture.run_as_nobody("status");
    assert_eq!(output.code, Some(0), "{output:?}");
    assert!(
        output.out.contains(&format!("process {pid}\n")),
        "{output:?}"
    );
    let output = fixture.run_as_nobody("stop");
    assert_eq!(
        output.err,
        format!("mydaemon: process {pid}: operation not permitted\n")
    );
    // Root without CAP_SYS_PTRACE can stop a daemon that has changed its user.
    fixture.check(&["stop"], 0, "stopped");
    let pid = fixture.start(&["--user", "nobody"]);
    let weak = "setpriv --bounding-set -sys_ptrace --inh-caps -sys_ptrace $M";
    let output = fixture.shell(&format!("{weak} status && {weak} stop"));
    assert_eq!(output.code, Some(0), "{output:?}");
    assert!(
        output.out.contains(&format!("stopped, process {pid}\n")),
        "{output:?}"
    );
}

#[test]
fn a_lock_that_outlives_its_daemon_is_reported() {
    let mut unrelated = UnrelatedProcess::new();
    let mut dead = Command::new("true").spawn().unwrap();
    dead.wait().unwrap();
    // The kernel may have given the number of the dead process to another one.
    for pid in [dead.id() as i32, unrelated.pid()] {
        let fixture = Fixture::new();
        let _lock = lock_as_ready_daemon(&fixture, pid);
        // This process holds the lock; for moments also a child that another test forks.
        let message = "m.pid: is locked by process ";
        fixture.check(&["status"], 4, message);
        for command in ["start", "stop", "reload", "restart"] {
            let output = fixture.run(&[command]);
            assert_eq!(output.code, Some(1), "{command}: {output:?}");
            assert!(output.err.contains(message), "{command}: {output:?}");
            assert!(
                output.err.contains("perhaps a dead daemon's child"),
                "{output:?}"
            );
        }
        unrelated.assert_alive();
    }
}

/// A daemon of version 0.1.0, which took no record lock, with this number in its file.
fn old_daemon(fixture: &Fixture, number: &str) -> Option<Child> {
    let script = format!(
        "file.write('%d\\n' % {number})
file.flush()
fcntl.flock(file, fcntl.LOCK_EX)
fcntl.fcntl(file, fcntl.F_OFD_SETLK, struct.pack('hhqqi4x', fcntl.F_WRLCK, os.SEEK_SET, 0, 1, 0))"
    );
    python(fixture, &script)
}

#[test]
fn a_daemon_without_record_lock_is_known_by_its_fdinfo() {
    let fixture = Fixture::new();
    let Some(mut old) = old_daemon(&fixture, "os.getpid()") else {
        return;
    };
    fixture.check(&["status"], 0, &format!("process {}\n", old.id()));
    fixture.check(
        &["start"],
        0,
        &format!("already running, process {}\n", old.id()),
    );
    fixture.check(&["stop"], 0, "stopped");
    old.wait().unwrap();
}

#[test]
fn the_number_of_a_daemon_without_record_lock_is_verified() {
    let fixture = Fixture::new();
    let mut unrelated = UnrelatedProcess::new();
    let Some(mut old) = old_daemon(&fixture, &unrelated.pid().to_string()) else {
        return;
    };
    let message = format!("is locked by process {}, which is not known as", old.id());
    fixture.check(&["status"], 4, &message);
    fixture.check(&["stop"], 1, "");
    unrelated.assert_alive();
    assert_eq!(old.try_wait().unwrap(), None);
    drop(old.stdin.take());
    old.wait().unwrap();
}

#[test]
fn a_process_that_got_the_descriptor_is_not_killed() {
    // A compromised daemon can pass its descriptor to another program and write that program's number into the file.
    let fixture = Fixture::new();
    let given = "subprocess.Popen(['sleep', '1000'], pass_fds=[file.fileno()]).pid";
    let Some(mut old) = old_daemon(&fixture, given) else {
        return;
    };
    let sleep = fixture.pid();
    fixture.check(&["status"], 4, "m.pid: is locked by process ");
    fixture.check(&["stop"], 1, "");
    assert!(fixture.processes().contains(&sleep));
    old.kill().unwrap();
    old.wait().unwrap();
    // The other program still holds the lock, and the error names it.
    let output = fixture.run(&["start"]);
    let message = format!("m.pid: is locked by process {sleep}, which is not known as a daemon");
    assert!(output.err.contains(&message), "{output:?}");
}

#[test]
fn the_library_does_not_drop_its_own_record_lock() {
    let fixture = Fixture::new();
    let pid = fixture.start(&["--log", "log"]);
    assert_eq!(record_lock(&fixture), pid);
    let process = open_process(pid);
    for round in 1..=20 {
        // On reload mydaemon asks for its own status, which must not open and close the pidfile.
        fixture.check(&["reload"], 0, "reloads");
        let output = || fs::read_to_string(fixture.path("log")).unwrap();
        while output().matches("is running for").count() < round {
            assert!(!ends_within(&process, std::time::Duration::from_millis(1)));
        }
        assert_eq!(record_lock(&fixture), pid, "{round}");
    }
    assert!(
        !fs::read_to_string(fixture.path("log"))
            .unwrap()
            .contains("unknown")
    );
    fixture.check(&["stop"], 0, "stopped");
}

#[test]
fn a_daemon_is_found_through_a_bind_mount_of_its_pidfile() {
    if !root("cannot mount") {
        return;
    }
    let fixture = Fixture::new();
    let pid = fixture.start(&[]);
    let script = "touch other; mount --bind m.pid other && $M --pidfile other status && $M --pidfile other stop";
    let output = fixture.shell(&format!("unshare --mount sh -c '{script}'"));
    if output.err.contains("mount:") || output.err.contains("unshare:") {
        return skip(&format!("nothing can be mounted here: {output:?}"));
    }
    assert!(
        output.out.contains(&format!("stopped, process {pid}\n")),
        "{output:?}"
    );
}

#[test]
fn another_user_may_ask_for_the_status_under_hidepid() {
    if !root("cannot mount") {
        return;
    }
    let fixture = Fixture::new();
    let pid = fixture.start(&[]);
    fixture.copy_mydaemon();
    fs::set_permissions(fixture.path(""), fs::Permissions::from_mode(0o755)).unwrap();
    let nobody = "setpriv --reuid 65534 --regid 65534 --clear-groups ./mydaemon status";
    let script = format!("mount -t proc -o hidepid=2 proc /proc && exec {nobody}");
    let output = fixture.shell(&format!("unshare --mount sh -c '{script}'"));
    if output.err.contains("mount:") || output.err.contains("unshare:") {
        return skip(&format!("nothing can be mounted here: {output:?}"));
    }
    assert_eq!(
        output.out,
        format!("running, process {pid}\n"),
        "{output:?}"
    );
}
