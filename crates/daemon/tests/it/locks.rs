//! The process to signal is the one that holds the lock, by the kernel's word.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{PermissionsExt, chown};
use std::process::{Child, Command, Stdio};

use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;

use super::support::*;

const NOBODY: u32 = 65534;

/// The holder of any record lock for writing on the file. Open file description locks have none: -1.
fn record_lock(place: &Place) -> i32 {
    let file = File::open(place.pidfile()).unwrap();
    let mut lock = range(libc::F_RDLCK, 4, 0);
    fcntl(&file, FcntlArg::F_GETLK(&mut lock)).unwrap();
    assert_ne!(i32::from(lock.l_type), libc::F_UNLCK, "no record lock");
    lock.l_pid
}

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
fn a_daemon_outside_of_the_pid_namespace_is_left_alone() {
    let place = Place::new();
    let pid = place.start(&[]);
    let message = "m.pid: is held by a daemon in another pid namespace";
    let script = "sleep 1000 & $M status; [ $? = 4 ] || exit 9
                  for verb in stop reload restart start; do $M $verb && exit 8; done; kill $!";
    let Some(mut shell) = in_pid_namespace(&place, "sh") else {
        return;
    };
    let said = finish(shell.args(["-c", script]).spawn().unwrap());
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.out.contains(message), "{said:?}");
    assert_eq!(said.err.matches(message).count(), 4, "{said:?}");
    assert_eq!(place.processes(), [pid]);
}

#[test]
fn process_1_of_a_container_is_a_daemon() {
    let place = Place::new();
    let begun = place.fifo("begun");
    let check = format!("echo > {}", begun.display());
    let Some(mut container) = in_pid_namespace(&place, example("mydaemon")) else {
        return;
    };
    container.args(["--log", "log", "--check", &check, "run"]);
    let container = container.spawn().unwrap();
    fs::read(&begun).unwrap();
    // Waits until it is ready.
    place.check(&["reload"], 0, "reloads");
    assert_eq!(place.pid(), 1, "its own number");
    let outside = record_lock(&place);
    let inside = |verb: &str| {
        let enter = format!(
            "exec nsenter -t {outside} -m -p {} {verb}",
            example("mydaemon").display()
        );
        place.shell(&enter)
    };
    let said = inside("status");
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.out.contains("process 1\n"), "{said:?}");
    let said = inside("reload");
    assert_eq!(said.out, "process 1 reloads\n", "{said:?}");
    // It takes its namespace along, and with it the one who asked.
    let process = hold(outside);
    inside("stop");
    wait_for_end(&process);
    finish(container);
    place.check(&["status"], 3, "not running");
}

#[test]
fn a_daemon_in_a_pid_namespace_has_a_number_outside() {
    let place = Place::new();
    let begun = place.fifo("begun");
    let script = format!("$M start && echo > {} && sleep 1000", begun.display());
    let Some(mut container) = in_pid_namespace(&place, "sh") else {
        return;
    };
    container.args(["-c", &script]);
    let mut container = container.spawn().unwrap();
    fs::read(&begun).unwrap();
    let pid = record_lock(&place);
    assert_ne!(place.pid(), pid);
    place.check(&["status"], 0, &format!("process {pid}"));
    place.check(&["stop"], 0, &format!("stopped, process {pid}"));
    container.kill().unwrap();
    container.wait().unwrap();
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
                said.err.contains("a child that a dead one left"),
                "{said:?}"
            );
        }
        stranger.assert_alive();
    }
}

/// A daemon of version 0.1.0, which took no record lock.
struct Old(Child);

impl Old {
    fn start(place: &Place, number: &str) -> Option<Self> {
        let script = format!(
            "import fcntl, os, struct, sys
file = open('{}', 'w')
pid = os.getpid()
file.write('%d\\n' % {number})
file.flush()
fcntl.flock(file, fcntl.LOCK_EX)
fcntl.fcntl(file, fcntl.F_OFD_SETLK, struct.pack('hhqqi4x', fcntl.F_WRLCK, os.SEEK_SET, 0, 1, 0))
print(pid, flush=True)
sys.stdin.read()",
            place.pidfile().display()
        );
        let python = place
            .command("python3")
            .args(["-c", &script])
            .stdin(Stdio::piped())
            .spawn();
        let mut child = match python {
            Ok(child) => child,
            Err(missing) => {
                eprintln!("skipped: python3: {missing}");
                return None;
            }
        };
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap())
            .read_line(&mut line)
            .unwrap();
        assert_eq!(line, format!("{}\n", child.id()));
        Some(Self(child))
    }
}

#[test]
fn a_daemon_without_record_lock_is_known_by_its_fdinfo() {
    let place = Place::new();
    let Some(Old(mut old)) = Old::start(&place, "pid") else {
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
    let Some(Old(mut old)) = Old::start(&place, &stranger.pid().to_string()) else {
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
    let given = "__import__('subprocess').Popen(['sleep', '1000'], pass_fds=[file.fileno()]).pid";
    let Some(Old(mut old)) = Old::start(&place, given) else {
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
fn somebody_elses_flock_is_no_obstacle() {
    let place = Place::new();
    fs::write(place.pidfile(), "").unwrap();
    let locked = place.fifo("locked");
    let script = format!("echo > {}; exec sleep 1000", locked.display());
    let mut flock = place.command("flock");
    flock.args(["--shared".as_ref(), place.pidfile().as_os_str()]);
    let mut flock = flock.args(["sh", "-c", &script]).spawn().unwrap();
    fs::read(&locked).unwrap();
    let pid = place.start(&["--ready-timeout", "0.5"]);
    place.check(&["status"], 0, &format!("process {pid}"));
    place.check(&["--ready-timeout", "0.5", "restart"], 0, "started");
    place.check(&["stop"], 0, "stopped");
    flock.kill().unwrap();
    flock.wait().unwrap();
}

#[test]
fn a_flock_shows_the_daemon_to_others() {
    let place = Place::new();
    place.start(&[]);
    assert_eq!(place.shell("flock -n $MYDAEMON_PIDFILE true").code, Some(1));
    place.check(&["stop"], 0, "stopped");
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
    fs::read(&begun).unwrap();
    let stranger = File::open(place.pidfile()).unwrap();
    let lock = range(libc::F_RDLCK, 2, 1);
    fcntl(&stranger, FcntlArg::F_OFD_SETLK(&lock)).unwrap();
    let said = finish(start);
    assert!(said.err.contains("was not ready after"), "{said:?}");
    place.assert_nothing_left();
}

#[test]
fn the_process_that_has_a_foreign_lock_is_named() {
    // Kind, access, first byte and length; whether status can tell; what start says.
    let record = |place: &Place, script: &str| {
        let script = format!(
            "import fcntl, struct, sys
file = open('{}', 'a+')
{script}
print(flush=True)
sys.stdin.read()",
            place.pidfile().display()
        );
        let mut python = place.command("python3");
        let mut child = python
            .args(["-c", &script])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap())
            .read_line(&mut line)
            .unwrap();
        child
    };
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
        let mut child = record(&place, lock);
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

#[test]
fn libslacks_daemon_agrees() {
    let place = Place::new();
    let slack = |verb: &str| {
        let directory = place.path("");
        let mut daemon = Command::new("daemon");
        daemon
            .args(["--noconfig", "--name", "m", "--pidfiles"])
            .arg(directory)
            .arg(verb);
        daemon.output()
    };
    let agrees = |running: bool| {
        let said = slack("--running").unwrap();
        assert_eq!(said.status.code(), Some(i32::from(!running)), "{said:?}");
    };
    if let Err(missing) = slack("--running") {
        return eprintln!("skipped: libslack's daemon: {missing}");
    }
    agrees(false);
    let pid = place.start(&[]);
    agrees(true);
    murder(pid);
    agrees(false);
    let pid = place.start(&[]);
    let process = hold(pid);
    slack("--stop").unwrap();
    wait_for_end(&process);
    agrees(false);
    place.check(&["status"], 3, "not running");
}

#[test]
fn a_number_given_to_somebody_else_gets_nobody_killed() {
    // In a namespace of its own the next number can be chosen.
    let script = r#"
        $M start && N=$(cat "$MYDAEMON_PIDFILE") && kill -9 $N || exit 90
        while [ -e /proc/$N ]; do :; done   # the shell is pid 1 and reaps when it gets to it
        echo $((N - 1)) > /proc/sys/kernel/ns_last_pid || exit 91
        sleep 1000 & [ $! = $N ] || exit 92
        $M stop; $M reload; $M --log log restart || exit 93
        kill -0 $N || exit 94
        $M stop
    "#;
    let place = Place::new();
    let Some(mut shell) = in_pid_namespace(&place, "sh") else {
        return;
    };
    let said = finish(shell.args(["-c", script]).spawn().unwrap());
    if matches!(said.code, Some(91 | 92)) {
        return eprintln!("skipped: numbers cannot be chosen here: {said:?}");
    }
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.out.contains("not running\n"), "{said:?}");
}
