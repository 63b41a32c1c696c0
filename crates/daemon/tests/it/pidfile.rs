//! The pidfile: whoever holds its lock is the daemon, whatever is written in it.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::{Child, Command};

use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;
use rustix::process::Signal;
use sampled_daemon::Daemon;

use super::support::*;

/// Somebody who has nothing to do with us and wants to live.
struct Stranger(Child);

impl Stranger {
    fn new() -> Self {
        Self(Command::new("sleep").arg("1000").spawn().unwrap())
    }

    fn assert_alive(&mut self) {
        assert_eq!(self.0.try_wait().unwrap(), None, "the stranger was killed");
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn of_twenty_starts_one_succeeds() {
    let place = Place::new();
    for round in 0..50 {
        let starts: Vec<Child> = (0..20)
            .map(|_| place.mydaemon(&["start"]).spawn().unwrap())
            .collect();
        let said: Vec<Said> = starts.into_iter().map(finish).collect();
        assert!(
            said.iter().all(|said| said.code == Some(0)),
            "{round}: {said:?}"
        );
        let pid = place.pid();
        let count = |text: &str| {
            said.iter()
                .filter(|said| said.out.contains(&format!("{text}, process {pid}\n")))
                .count()
        };
        assert_eq!(
            (count("started"), count("already running")),
            (1, 19),
            "{round}: {said:?}"
        );
        assert_eq!(place.processes(), [pid], "{round}");
        place.check(&["stop"], 0, "stopped");
    }
    place.assert_nothing_left();
}

#[test]
fn a_killed_daemon_is_no_obstacle() {
    let place = Place::new();
    let dead = place.start(&[]);
    murder(dead);
    assert_eq!(place.pid(), dead);
    place.check(&["status"], 1, "dead");
    place.check(&["stop"], 0, "not running");
    place.check(&["reload"], 7, "");
    assert_ne!(place.start(&[]), dead);
    place.check(&["stop"], 0, "stopped");
    place.assert_nothing_left();
}

#[test]
fn garbage_is_no_obstacle() {
    for (text, status) in [
        ("", 3),
        ("garbage", 1),
        ("\u{fc}", 1),
        ("-1\n", 1),
        ("0\n", 1),
        ("1\n", 1),
        ("99999999999\n", 1),
        (
            "a line that is much longer than any number of a process could be, and then some more\n",
            1,
        ),
    ] {
        let place = Place::new();
        fs::write(place.pidfile(), text).unwrap();
        place.check(&["status"], status, "");
        place.check(&["stop"], 0, "not running");
        assert_eq!(
            fs::read_to_string(place.pidfile()).unwrap(),
            text,
            "stop is not to touch it"
        );
        place.start(&[]);
        place.check(&["status"], 0, "running");
        place.check(&["stop"], 0, "stopped");
        place.assert_nothing_left();
    }
}

#[test]
fn what_is_no_file_is_refused() {
    let check = |prepare: &dyn Fn(&Place), message: &str| {
        let place = Place::new();
        prepare(&place);
        let message = format!("mydaemon: {}: {message}\n", place.pidfile().display());
        for verb in ["start", "stop", "restart", "reload"] {
            let said = place.say(&[verb]);
            assert_eq!(
                (said.code, said.err.as_str()),
                (Some(1), message.as_str()),
                "{verb}"
            );
        }
        place.check(&["status"], 4, "unknown");
        assert_eq!(place.processes(), [0; 0]);
    };
    check(&|place| drop(place.fifo("m.pid")), "is not a regular file");
    check(
        &|place| symlink("/etc/hostname", place.pidfile()).unwrap(),
        "is a symbolic link",
    );
    check(
        &|place| symlink("nowhere", place.pidfile()).unwrap(),
        "is a symbolic link",
    );

    let place = Place::new();
    fs::create_dir(place.pidfile()).unwrap();
    let said = place.say(&["start"]);
    assert_eq!(said.code, Some(1));
    assert!(said.err.ends_with("m.pid: is a directory\n"), "{said:?}");
    place.check(&["stop"], 1, "");
    place.check(&["status"], 4, "not a regular file");
}

#[test]
fn where_nothing_can_be_created_nothing_is_started() {
    let place = Place::new();
    let said = place.say(&["--pidfile", "/nowhere/m.pid", "start"]);
    assert_eq!(said.code, Some(1));
    assert_eq!(
        said.err,
        "mydaemon: /nowhere/m.pid: no such file or directory\n"
    );
    place.check(&["--pidfile", "/nowhere/m.pid", "status"], 3, "not running");
    place.assert_nothing_left();
}

#[test]
fn a_number_alone_gets_nobody_killed() {
    let place = Place::new();
    let mut stranger = Stranger::new();
    fs::write(place.pidfile(), format!("{}\n", stranger.0.id())).unwrap();
    place.check(&["stop"], 0, "not running");
    place.check(&["reload"], 7, "");
    place.check(&["restart"], 0, "started");
    stranger.assert_alive();
}

#[test]
fn a_foreign_lock_gets_nobody_killed() {
    let place = Place::new();
    let mut stranger = Stranger::new();
    fs::write(place.pidfile(), format!("{}\n", stranger.0.id())).unwrap();
    let fifo = place.fifo("locked");
    let script = format!("echo > {}; exec sleep 1000", fifo.display());
    let mut holder = place
        .command("flock")
        .arg(place.pidfile())
        .args(["sh", "-c", &script])
        .spawn()
        .unwrap();
    fs::read(&fifo).unwrap();
    place.check(&["stop"], 0, "not running");
    let said = place.say(&["--ready-timeout", "0.5", "start"]);
    assert_eq!(said.code, Some(1));
    assert!(
        said.err
            .contains("m.pid: is locked by something that is no daemon"),
        "{said:?}"
    );
    stranger.assert_alive();
    holder.kill().unwrap();
    holder.wait().unwrap();
}

/// Locks the pidfile as a ready daemon does, and writes a number into it.
fn forge(place: &Place, pid: u32) -> fs::File {
    let file = fs::File::create(place.pidfile()).unwrap();
    fs::write(place.pidfile(), format!("{pid}\n")).unwrap();
    let lock = libc::flock {
        l_type: libc::F_WRLCK as i16,
        l_whence: libc::SEEK_SET as i16,
        l_start: 0,
        l_len: 1,
        l_pid: 0,
    };
    fcntl(&file, FcntlArg::F_OFD_SETLK(&lock)).unwrap();
    file
}

#[test]
fn a_lock_that_outlives_its_daemon_is_told() {
    // As a child of the daemon's holds it, that was forked without exec.
    let place = Place::new();
    let mut dead = Command::new("true").spawn().unwrap();
    dead.wait().unwrap();
    let _lock = forge(&place, dead.id());
    let message = format!("m.pid: is locked, but there is no process {}", dead.id());
    place.check(&["status"], 4, &message);
    let said = place.say(&["stop"]);
    assert!(
        said.code == Some(1) && said.err.contains(&message),
        "{said:?}"
    );
}

#[test]
fn a_users_pidfile_gets_nobody_elses_process_killed() {
    if !root("cannot give a file away") {
        return;
    }
    let place = Place::new();
    let mut stranger = Stranger::new();
    let _lock = forge(&place, stranger.0.id());
    std::os::unix::fs::chown(place.pidfile(), Some(65534), None).unwrap();
    for verb in ["stop", "reload", "restart"] {
        let said = place.say(&[verb]);
        assert_eq!(said.code, Some(1), "{said:?}");
        assert!(
            said.err
                .contains("m.pid: belongs to a user who does not own process"),
            "{said:?}"
        );
    }
    stranger.assert_alive();
}

#[test]
fn the_usual_place() {
    let place = Place::new();
    let usual = |verb| {
        let mut mydaemon = place.mydaemon(&[verb]);
        mydaemon
            .env("XDG_RUNTIME_DIR", place.path(""))
            .env_remove("MYDAEMON_PIDFILE");
        finish(mydaemon.spawn().unwrap()).code
    };
    assert_eq!(usual("start"), Some(0));
    assert!(place.path("mydaemon.pid").exists());
    assert_eq!(usual("stop"), Some(0));
    place.assert_nothing_left();
    for name in ["", "a/b", "../x"] {
        assert!(Daemon::new(name).pidfile_path().is_err(), "{name}");
    }
}

#[test]
fn a_number_written_over_gets_nobody_killed() {
    let place = Place::new();
    let pid = place.start(&[]);
    fs::write(place.pidfile(), "garbage\n").unwrap();
    place.check(&["status"], 4, "is locked but holds no process id");
    place.check(&["stop"], 1, "");
    fs::write(place.pidfile(), format!("{pid}\n")).unwrap();
    place.check(&["stop"], 0, "stopped");
}

#[test]
fn a_file_in_the_place_of_its_own_is_left_alone() {
    let place = Place::new();
    let pid = place.start(&[]);
    let process = hold(pid);
    fs::write(place.path("new"), format!("{pid}\n")).unwrap();
    fs::rename(place.path("new"), place.pidfile()).unwrap();
    // Nobody holds that one, so nobody is stopped through it.
    place.check(&["status"], 1, "dead");
    place.check(&["stop"], 0, "not running");
    kill(pid, Signal::TERM);
    wait_for_end(&process);
    assert_eq!(place.pid(), pid);
}

#[test]
fn a_number_given_to_somebody_else_gets_nobody_killed() {
    if !root("cannot make a pid namespace") {
        return;
    }
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
    let unshare = [
        "--pid",
        "--fork",
        "--kill-child",
        "--mount-proc",
        "sh",
        "-c",
        script,
    ];
    let said = finish(place.command("unshare").args(unshare).spawn().unwrap());
    if said.code == Some(1) && said.err.starts_with("unshare:")
        || matches!(said.code, Some(91 | 92))
    {
        return eprintln!("skipped: no pid namespace with a choice of numbers here: {said:?}");
    }
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.out.contains("not running\n"), "{said:?}");
}

#[test]
fn a_farewell_holds_no_successor_up() {
    let place = Place::new();
    let fifo = place.fifo("farewell");
    let first = place.start(&["--farewell", &format!("cat {}", fifo.display())]);
    let process = hold(first);
    kill(first, Signal::TERM);
    // Waits for the farewell to open the other end, which it does when the pidfile is released.
    let held_up = fs::OpenOptions::new().write(true).open(&fifo).unwrap();
    place.check(&["status"], 3, "not running");
    let second = place.start(&[]);
    assert!(!ends_within(&process, std::time::Duration::ZERO));
    drop(held_up);
    wait_for_end(&process);
    assert_eq!(
        place.pid(),
        second,
        "the first one has removed the second one's file"
    );
    place.check(&["stop"], 0, "stopped");
    place.assert_nothing_left();
}
