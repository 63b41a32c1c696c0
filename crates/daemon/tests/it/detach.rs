//! The properties of a daemon that is ready.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use nix::sys::signal::Signal;
use sampled_daemon::{Daemon, Error, Notify};

use super::support::*;

#[test]
fn it_is_in_nobodys_hands() {
    let place = Place::new();
    let pid = place.start(&[]);
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    // Behind the name, which may contain anything: state, ppid, pgrp, session, tty_nr.
    let fields: Vec<&str> = stat.rsplit_once(") ").unwrap().1.split(' ').collect();
    let number = |index: usize| fields[index].parse::<i32>().unwrap();
    let (ppid, pgrp, session, tty) = (number(1), number(2), number(3), number(4));
    assert_ne!(ppid, std::process::id() as i32);
    assert_eq!(pgrp, session);
    assert_ne!(session, pid, "a session's leader may get a terminal");
    assert_eq!(tty, 0);
    assert_eq!(
        fs::read_link(format!("/proc/{pid}/cwd")).unwrap().to_str(),
        Some("/")
    );
}

#[test]
fn it_inherits_no_files() {
    let place = Place::new();
    // Not sh: dash knows no descriptor above 9.
    let script = "exec 9</etc/hostname 33>x; $M start";
    let said = finish(place.command("bash").args(["-c", script]).spawn().unwrap());
    assert_eq!(said.code, Some(0), "{said:?}");
    let files = open_files(place.pid());
    // Numbers that it inherited are never free, so that no value of the program can own another one's file.
    for fd in [0, 1, 2, 9, 33] {
        assert!(files.contains(&(fd, "/dev/null".to_owned())), "{files:?}");
    }
    let mut rest: Vec<String> = files.into_iter().map(|(_, target)| target).collect();
    rest.retain(|target| target != "/dev/null");
    let pidfile = place.pidfile().display().to_string();
    rest.sort();
    assert_eq!(rest, [&pidfile, "anon_inode:[signalfd]"]);
}

#[test]
fn it_keeps_what_it_is_told_to() {
    let place = Place::new();
    let script = "exec 8</etc/passwd 9</etc/hostname; ulimit -c unlimited; export OTHER=x; \
                  $M --keep-fd 9 --core-limit 0 --keep-environment PATH --check 'test -n \"$PATH\" -a -z \"$OTHER\"' start";
    let said = place.shell(script);
    assert_eq!(said.code, Some(0), "{said:?}");
    let files = open_files(place.pid());
    assert!(
        files.contains(&(9, "/etc/hostname".to_owned())),
        "{files:?}"
    );
    assert!(
        files.iter().all(|(_, target)| target != "/etc/passwd"),
        "{files:?}"
    );
    let limits = fs::read_to_string(format!("/proc/{}/limits", place.pid())).unwrap();
    let core = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max core file size"))
        .unwrap();
    assert_eq!(
        core.split_whitespace().collect::<Vec<_>>(),
        ["0", "0", "bytes"]
    );
}

#[test]
fn its_file_mode_mask_is_its_own() {
    for mask in ["000", "077"] {
        let place = Place::new();
        let said = place.shell(&format!("umask {mask}; $M --log log start"));
        assert_eq!(said.code, Some(0), "{said:?}");
        assert_eq!(status_line(place.pid(), "Umask"), "0022");
        let mode = |path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
        assert_eq!(mode(place.pidfile()), 0o644);
        assert_eq!(mode(place.path("log")), 0o640);
    }
}

#[test]
fn it_hears_all_signals() {
    // It blocks SIGHUP, SIGINT and SIGTERM, to read them from a descriptor, and ignores SIGPIPE, as all Rust does.
    let (blocked, ignored) = ("0000000000004003", 0x1000);
    for wrapper in [
        "nohup",
        "env --block-signal=TERM,USR1",
        "env --ignore-signal=HUP,TERM,USR1,CHLD",
    ] {
        let place = Place::new();
        let said = place.shell(&format!("{wrapper} $M start"));
        assert_eq!(said.code, Some(0), "{said:?}");
        let pid = place.pid();
        assert_eq!(status_line(pid, "SigBlk"), blocked, "{wrapper}");
        // Without 32 and 33, which the C library keeps to itself, and which may have come in ignored.
        let found = u64::from_str_radix(&status_line(pid, "SigIgn"), 16).unwrap() & !0x1_8000_0000;
        assert_eq!(found, ignored, "{wrapper}: {found:x}");
        place.check(&["stop"], 0, "stopped");
    }
}

#[test]
fn a_command_substitution_returns() {
    let place = Place::new();
    let said = place.shell("out=$($M start 2>&1); echo \"<$out>\"");
    assert!(
        said.out
            .contains(&format!("started, process {}>", place.pid())),
        "{said:?}"
    );
}

#[test]
fn it_can_be_started_with_closed_streams() {
    let place = Place::new();
    let said = place.shell("$M start <&- >&- 2>&-");
    assert_eq!(said.code, Some(0), "{said:?}");
    let files = open_files(place.pid());
    for fd in 0..3 {
        assert_eq!(files[fd as usize], (fd, "/dev/null".to_owned()));
    }
    place.check(&["status"], 0, "running");
}

#[test]
fn relative_paths_are_the_callers() {
    let place = Place::new();
    // Not in the Place's usual file: the option overrides it.
    place.check(
        &["--pidfile", "other.pid", "--log", "log", "start"],
        0,
        "started",
    );
    assert!(place.path("other.pid").exists());
    place.check(&["--pidfile", "other.pid", "reload"], 0, "reloads");
    place.check(&["--pidfile", "other.pid", "stop"], 0, "stopped");
    let log = fs::read_to_string(place.path("log")).unwrap();
    assert!(log.contains("has read its configuration again"), "{log}");
    place.assert_nothing_left();
}

#[test]
fn the_callers_supervisor_is_not_its_own() {
    let place = Place::new();
    let said = place.shell(
        "NOTIFY_SOCKET=/nowhere LISTEN_FDS=1 LISTEN_PID=1 WATCHDOG_USEC=1 WATCHDOG_PID=1 \
         $M --check 'test -z \"$NOTIFY_SOCKET$LISTEN_FDS$LISTEN_PID$WATCHDOG_USEC$WATCHDOG_PID\"' start",
    );
    assert_eq!(said.code, Some(0), "{said:?}");
}

#[test]
fn an_entry_that_is_no_variable_is_removed_as_well() {
    let place = Place::new();
    let mut start = place.mydaemon(&["--keep-environment", "PATH", "start"]);
    let said = finish(start.env("=x", "y").spawn().unwrap());
    assert_eq!(said.code, Some(0), "{said:?}");
    place.check(&["stop"], 0, "stopped");
}

#[test]
fn sockets_that_were_passed_to_it_are_kept() {
    let place = Place::new();
    let script = "exec 3</etc/hostname 4</etc/passwd 5</etc/group
                  LISTEN_PID=$$ LISTEN_FDS=2 exec $M --check 'test -z \"$LISTEN_FDS\"' start";
    let said = place.shell(script);
    assert_eq!(said.code, Some(0), "{said:?}");
    let files = open_files(place.pid());
    for (fd, target) in [(3, "/etc/hostname"), (4, "/etc/passwd"), (5, "/dev/null")] {
        assert!(files.contains(&(fd, target.to_owned())), "{files:?}");
    }
    place.check(&["stop"], 0, "stopped");
    // To another process, and more than there are.
    let script = "exec 3</etc/hostname; LISTEN_PID=1 LISTEN_FDS=1 $M start";
    place.shell(script);
    assert!(open_files(place.pid()).contains(&(3, "/dev/null".to_owned())));
    place.check(&["stop"], 0, "stopped");
    let said = place.shell("LISTEN_PID=$$ LISTEN_FDS=99999999999 exec $M start");
    assert_eq!(said.code, Some(0), "{said:?}");
}

#[test]
fn other_variables_are_kept() {
    let place = Place::new();
    let said = place.shell(
        "export LISTEN_ADDR=a WATCHDOG_DEVICE=b NOTIFY_SOCKETS=c
         $M --check 'test $LISTEN_ADDR$WATCHDOG_DEVICE$NOTIFY_SOCKETS = abc' start",
    );
    assert_eq!(said.code, Some(0), "{said:?}");
}

#[test]
fn the_c_function_makes_a_daemon_too() {
    let place = Place::new();
    let init_daemon = example("init_daemon").display().to_string();
    let said = place.shell(&format!(
        "umask 000; exec env --block-signal=TERM {init_daemon} 9</etc/hostname <&-"
    ));
    assert_eq!(said.code, Some(0), "{said:?}");
    let [pid] = place.processes()[..] else {
        panic!("{:?}", place.processes())
    };
    let files = open_files(pid);
    for fd in [0, 1, 2, 9] {
        assert!(files.contains(&(fd, "/dev/null".to_owned())), "{files:?}");
    }
    // And whatever else the tests were started with.
    assert!(
        files.iter().all(|(_, target)| target == "/dev/null"),
        "{files:?}"
    );
    assert_eq!(status_line(pid, "Umask"), "0022");
    assert_eq!(
        fs::read_link(format!("/proc/{pid}/cwd")).unwrap().to_str(),
        Some("/")
    );
    let process = hold(pid);
    kill(pid, Signal::SIGTERM);
    wait_for_end(&process);
}

#[test]
fn a_process_with_threads_is_refused() {
    // The threads are those of the test harness.
    let place = Place::new();
    let threads = |error| matches!(error, Error::Threads { .. });
    let daemon = Daemon::new("refused").pidfile(place.pidfile());
    assert!(daemon.start(|_| Ok::<(), String>(())).is_err_and(threads));
    assert!(daemon.run(|_| Ok::<(), String>(())).is_err_and(threads));
    assert!(sampled_daemon::detach().is_err_and(threads));
    assert!(sampled_daemon::settle().is_err_and(threads));
    assert!(Notify::from_env().is_err_and(threads));
}

#[test]
fn it_becomes_somebody_else() {
    if !root("cannot become nobody") {
        return;
    }
    let place = Place::new();
    // In a directory of root's it cannot remove its pidfile in the end, and empties it.
    for _ in 0..2 {
        let home = "test \"$HOME $USER $LOGNAME\" = \"/nonexistent nobody nobody\"";
        let pid = place.start(&["--user", "nobody", "--check", home]);
        let nobody = nix::unistd::User::from_name("nobody").unwrap().unwrap();
        let (uid, gid) = (nobody.uid, nobody.gid);
        assert_eq!(
            status_line(pid, "Uid"),
            format!("{uid}\t{uid}\t{uid}\t{uid}")
        );
        assert_eq!(
            status_line(pid, "Gid"),
            format!("{gid}\t{gid}\t{gid}\t{gid}")
        );
        place.check(&["stop"], 0, "stopped");
        assert_eq!(fs::read_to_string(place.pidfile()).unwrap(), "");
        place.check(&["status"], 3, "not running");
    }
    place.check(&["--user", "nobody-of-that-name", "start"], 1, "");
}
