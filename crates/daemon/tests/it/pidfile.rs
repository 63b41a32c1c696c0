//! The pidfile: the holder of its lock is the daemon, whatever number is in the file.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Child;

use nix::sys::signal::Signal;
use sampled_daemon::Daemon;

use super::support::*;

#[test]
fn of_twenty_starts_one_succeeds() {
    let fixture = Fixture::new();
    for round in 0..50 {
        let starts: Vec<Child> = (0..20)
            .map(|_| fixture.mydaemon(&["start"]).spawn().unwrap())
            .collect();
        let output: Vec<Output> = starts.into_iter().map(finish).collect();
        assert!(
            output.iter().all(|output| output.code == Some(0)),
            "{round}: {output:?}"
        );
        let pid = fixture.pid();
        let count = |text: &str| {
            output
                .iter()
                .filter(|output| output.out.contains(&format!("{text}, process {pid}\n")))
                .count()
        };
        assert_eq!(
            (count("started"), count("already running")),
            (1, 19),
            "{round}: {output:?}"
        );
        assert_eq!(fixture.processes(), [pid], "{round}");
        fixture.check(&["stop"], 0, "stopped");
    }
    fixture.assert_nothing_left();
}

#[test]
fn a_start_after_a_kill_succeeds() {
    let fixture = Fixture::new();
    let dead = fixture.start(&[]);
    kill_and_wait(dead);
    assert_eq!(fixture.pid(), dead);
    fixture.check(&["status"], 1, "dead");
    fixture.check(&["stop"], 0, "not running");
    fixture.check(&["reload"], 7, "");
    assert_ne!(fixture.start(&[]), dead);
    fixture.check(&["stop"], 0, "stopped");
    fixture.assert_nothing_left();
}

#[test]
fn garbage_in_the_file_does_not_prevent_a_start() {
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
        let fixture = Fixture::new();
        fs::write(fixture.pidfile(), text).unwrap();
        fixture.check(&["status"], status, "");
        fixture.check(&["stop"], 0, "not running");
        assert_eq!(
            fs::read_to_string(fixture.pidfile()).unwrap(),
            text,
            "stop has changed the file"
        );
        fixture.start(&[]);
        fixture.check(&["status"], 0, "running");
        fixture.check(&["stop"], 0, "stopped");
        fixture.assert_nothing_left();
    }
}

#[test]
fn a_fifo_a_symbolic_link_and_a_directory_are_refused() {
    let check = |prepare: &dyn Fn(&Fixture), message: &str| {
        let fixture = Fixture::new();
        prepare(&fixture);
        let message = format!("mydaemon: {}: {message}\n", fixture.pidfile().display());
        for command in ["start", "stop", "restart", "reload"] {
            let output = fixture.run(&[command]);
            assert_eq!(
                (output.code, output.err.as_str()),
                (Some(1), message.as_str()),
                "{command}"
            );
        }
        fixture.check(&["status"], 4, "unknown");
        assert_eq!(fixture.processes(), [0; 0]);
    };
    check(
        &|fixture| drop(fixture.fifo("m.pid")),
        "is not a regular file",
    );
    check(
        &|fixture| symlink("/etc/hostname", fixture.pidfile()).unwrap(),
        "is a symbolic link",
    );
    check(
        &|fixture| symlink("nowhere", fixture.pidfile()).unwrap(),
        "is a symbolic link",
    );

    let fixture = Fixture::new();
    fs::create_dir(fixture.pidfile()).unwrap();
    let output = fixture.run(&["start"]);
    assert_eq!(output.code, Some(1));
    assert!(
        output.err.ends_with("m.pid: is a directory\n"),
        "{output:?}"
    );
    fixture.check(&["stop"], 1, "");
    fixture.check(&["status"], 4, "not a regular file");
}

#[test]
fn without_a_directory_for_the_pidfile_nothing_is_started() {
    let fixture = Fixture::new();
    let output = fixture.run(&["--pidfile", "/nowhere/m.pid", "start"]);
    assert_eq!(output.code, Some(1));
    assert_eq!(
        output.err,
        "mydaemon: /nowhere/m.pid: no such file or directory\n"
    );
    fixture.check(&["--pidfile", "/nowhere/m.pid", "status"], 3, "not running");
    fixture.assert_nothing_left();
}

#[test]
fn a_process_id_without_a_lock_is_not_signalled() {
    let fixture = Fixture::new();
    let mut unrelated = UnrelatedProcess::new();
    fs::write(fixture.pidfile(), format!("{}\n", unrelated.pid())).unwrap();
    fixture.check(&["stop"], 0, "not running");
    fixture.check(&["reload"], 7, "");
    fixture.check(&["restart"], 0, "started");
    unrelated.assert_alive();
}

#[test]
fn the_default_pidfile_is_in_the_runtime_directory() {
    let fixture = Fixture::new();
    let run_with_default = |command| {
        let mut mydaemon = fixture.mydaemon(&[command]);
        mydaemon
            .env("XDG_RUNTIME_DIR", fixture.path(""))
            .env_remove("MYDAEMON_PIDFILE");
        finish(mydaemon.spawn().unwrap()).code
    };
    assert_eq!(run_with_default("start"), Some(0));
    assert!(fixture.path("mydaemon.pid").exists());
    assert_eq!(run_with_default("stop"), Some(0));
    fixture.assert_nothing_left();
    for name in ["", "a/b", "../x"] {
        assert!(Daemon::new(name).pidfile_path().is_err(), "{name}");
    }
}

#[test]
fn a_file_that_replaced_the_pidfile_is_not_removed() {
    let fixture = Fixture::new();
    let pid = fixture.start(&[]);
    let process = open_process(pid);
    fs::write(fixture.path("new"), format!("{pid}\n")).unwrap();
    fs::rename(fixture.path("new"), fixture.pidfile()).unwrap();
    // No process holds a lock on the new file, so stop signals none.
    fixture.check(&["status"], 1, "dead");
    fixture.check(&["stop"], 0, "not running");
    kill(pid, Signal::SIGTERM);
    wait_for_end(&process);
    assert_eq!(fixture.pid(), pid);
}

#[test]
fn a_successor_can_start_once_the_pidfile_is_released() {
    let fixture = Fixture::new();
    let fifo = fixture.fifo("farewell");
    let first = fixture.start(&["--farewell", &format!("cat {}", fifo.display())]);
    let process = open_process(first);
    kill(first, Signal::SIGTERM);
    // open(2) waits for the reader, which opens the FIFO after the pidfile is released.
    let writer = fs::OpenOptions::new().write(true).open(&fifo).unwrap();
    fixture.check(&["status"], 3, "not running");
    let second = fixture.start(&[]);
    assert!(!ends_within(&process, std::time::Duration::ZERO));
    drop(writer);
    wait_for_end(&process);
    assert_eq!(
        fixture.pid(),
        second,
        "the first one has removed the second one's file"
    );
    fixture.check(&["stop"], 0, "stopped");
    fixture.assert_nothing_left();
}
