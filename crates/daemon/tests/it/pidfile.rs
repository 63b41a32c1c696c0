//! The pidfile: the holder of its lock is the daemon, whatever number is in the file.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Child;

use nix::sys::signal::Signal;
use sampled_daemon::Daemon;

use super::support::*;

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
    fs::write(place.pidfile(), format!("{}\n", stranger.pid())).unwrap();
    place.check(&["stop"], 0, "not running");
    place.check(&["reload"], 7, "");
    place.check(&["restart"], 0, "started");
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
fn a_file_in_the_place_of_its_own_is_left_alone() {
    let place = Place::new();
    let pid = place.start(&[]);
    let process = hold(pid);
    fs::write(place.path("new"), format!("{pid}\n")).unwrap();
    fs::rename(place.path("new"), place.pidfile()).unwrap();
    // Nobody holds that one, so nobody is stopped through it.
    place.check(&["status"], 1, "dead");
    place.check(&["stop"], 0, "not running");
    kill(pid, Signal::SIGTERM);
    wait_for_end(&process);
    assert_eq!(place.pid(), pid);
}

#[test]
fn a_farewell_holds_no_successor_up() {
    let place = Place::new();
    let fifo = place.fifo("farewell");
    let first = place.start(&["--farewell", &format!("cat {}", fifo.display())]);
    let process = hold(first);
    kill(first, Signal::SIGTERM);
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
