//! The properties of a daemon that is ready.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use nix::sys::signal::Signal;
use sampled_daemon::{Daemon, Error, Notify};

use super::support::*;

#[test]
fn it_has_no_parent_session_or_terminal_of_the_caller() {
    let fixture = Fixture::new();
    let pid = fixture.start(&[]);
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    // The fields after the name, which may contain any byte: state, ppid, pgrp, session, tty_nr.
    let fields: Vec<&str> = stat.rsplit_once(") ").unwrap().1.split(' ').collect();
    let number = |index: usize| fields[index].parse::<i32>().unwrap();
    let (ppid, pgrp, session, tty) = (number(1), number(2), number(3), number(4));
    assert_ne!(ppid, std::process::id() as i32);
    assert_eq!(pgrp, session);
    assert_ne!(
        session, pid,
        "a session leader gets a terminal by opening one"
    );
    assert_eq!(tty, 0);
    assert_eq!(
        fs::read_link(format!("/proc/{pid}/cwd")).unwrap().to_str(),
        Some("/")
    );
}

#[test]
fn it_inherits_no_files() {
    let fixture = Fixture::new();
    // bash, because dash has no redirection above 9.
    let script = "exec 9</etc/hostname 33>x; $M start";
    let output = finish(
        fixture
            .command("bash")
            .args(["-c", script])
            .spawn()
            .unwrap(),
    );
    assert_eq!(output.code, Some(0), "{output:?}");
    let files = open_files(fixture.pid());
    // Inherited numbers stay open, so that no value of the program comes to own another value's file.
    for fd in [0, 1, 2, 9, 33] {
        assert!(files.contains(&(fd, "/dev/null".to_owned())), "{files:?}");
    }
    let mut rest: Vec<String> = files.into_iter().map(|(_, target)| target).collect();
    rest.retain(|target| target != "/dev/null");
    let pidfile = fixture.pidfile().display().to_string();
    rest.sort();
    assert_eq!(rest, [&pidfile, "anon_inode:[eventfd]"]);
}

#[test]
fn keep_fd_core_limit_and_keep_environment_apply() {
    let fixture = Fixture::new();
    let script = "exec 8</etc/passwd 9</etc/hostname; ulimit -c unlimited; export OTHER=x; \
                  $M --keep-fd 9 --core-limit 0 --keep-environment PATH --check 'test -n \"$PATH\" -a -z \"$OTHER\"' start";
    let output = fixture.shell(script);
    assert_eq!(output.code, Some(0), "{output:?}");
    let files = open_files(fixture.pid());
    assert!(
        files.contains(&(9, "/etc/hostname".to_owned())),
        "{files:?}"
    );
    assert!(
        files.iter().all(|(_, target)| target != "/etc/passwd"),
        "{files:?}"
    );
    let limits = fs::read_to_string(format!("/proc/{}/limits", fixture.pid())).unwrap();
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
fn the_file_mode_mask_is_022() {
    for mask in ["000", "077"] {
        let fixture = Fixture::new();
        let output = fixture.shell(&format!("umask {mask}; $M --log log start"));
        assert_eq!(output.code, Some(0), "{output:?}");
        assert_eq!(status_line(fixture.pid(), "Umask"), "0022");
        let mode = |path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
        assert_eq!(mode(fixture.pidfile()), 0o644);
        assert_eq!(mode(fixture.path("log")), 0o640);
    }
}

#[test]
fn ignored_and_blocked_signals_are_reset() {
    // mydaemon ignores SIGPIPE, as every Rust program does.
    let (blocked, ignored) = ("0000000000000000", 0x1000);
    for wrapper in [
        "nohup",
        "env --block-signal=TERM,USR1",
        "env --ignore-signal=HUP,TERM,USR1,CHLD",
    ] {
        let fixture = Fixture::new();
        let output = fixture.shell(&format!("{wrapper} $M start"));
        assert_eq!(output.code, Some(0), "{output:?}");
        let pid = fixture.pid();
        assert_eq!(status_line(pid, "SigBlk"), blocked, "{wrapper}");
        // Signals 32 and 33 are the C library's: it refuses to reset them if they were inherited as ignored.
        let found = u64::from_str_radix(&status_line(pid, "SigIgn"), 16).unwrap() & !0x1_8000_0000;
        assert_eq!(found, ignored, "{wrapper}: {found:x}");
        fixture.check(&["stop"], 0, "stopped");
    }
}

#[test]
fn a_command_substitution_returns() {
    let fixture = Fixture::new();
    let output = fixture.shell("out=$($M start 2>&1); echo \"<$out>\"");
    assert!(
        output
            .out
            .contains(&format!("started, process {}>", fixture.pid())),
        "{output:?}"
    );
}

#[test]
fn it_can_be_started_with_closed_streams() {
    let fixture = Fixture::new();
    let output = fixture.shell("$M start <&- >&- 2>&-");
    assert_eq!(output.code, Some(0), "{output:?}");
    let files = open_files(fixture.pid());
    for fd in 0..3 {
        assert_eq!(files[fd as usize], (fd, "/dev/null".to_owned()));
    }
    fixture.check(&["status"], 0, "running");
}

#[test]
fn relative_paths_are_resolved_in_the_callers_directory() {
    let fixture = Fixture::new();
    // --pidfile overrides the pidfile of the fixture.
    fixture.check(
        &["--pidfile", "other.pid", "--log", "log", "start"],
        0,
        "started",
    );
    assert!(fixture.path("other.pid").exists());
    fixture.check(&["--pidfile", "other.pid", "reload"], 0, "reloads");
    fixture.check(&["--pidfile", "other.pid", "stop"], 0, "stopped");
    let log = fs::read_to_string(fixture.path("log")).unwrap();
    assert!(log.contains("has read its configuration again"), "{log}");
    fixture.assert_nothing_left();
}

#[test]
fn the_variables_of_a_supervisor_are_removed() {
    let fixture = Fixture::new();
    let output = fixture.shell(
        "NOTIFY_SOCKET=/nowhere LISTEN_FDS=1 LISTEN_PID=1 WATCHDOG_USEC=1 WATCHDOG_PID=1 \
         $M --check 'test -z \"$NOTIFY_SOCKET$LISTEN_FDS$LISTEN_PID$WATCHDOG_USEC$WATCHDOG_PID\"' start",
    );
    assert_eq!(output.code, Some(0), "{output:?}");
}

#[test]
fn an_environment_entry_without_a_name_is_removed() {
    let fixture = Fixture::new();
    let mut start = fixture.mydaemon(&["--keep-environment", "PATH", "start"]);
    let output = finish(start.env("=x", "y").spawn().unwrap());
    assert_eq!(output.code, Some(0), "{output:?}");
    fixture.check(&["stop"], 0, "stopped");
}

#[test]
fn the_descriptors_of_listen_fds_are_kept() {
    let fixture = Fixture::new();
    let script = "exec 3</etc/hostname 4</etc/passwd 5</etc/group
                  LISTEN_PID=$$ LISTEN_FDS=2 exec $M --check 'test -z \"$LISTEN_FDS\"' start";
    let output = fixture.shell(script);
    assert_eq!(output.code, Some(0), "{output:?}");
    let files = open_files(fixture.pid());
    for (fd, target) in [(3, "/etc/hostname"), (4, "/etc/passwd"), (5, "/dev/null")] {
        assert!(files.contains(&(fd, target.to_owned())), "{files:?}");
    }
    fixture.check(&["stop"], 0, "stopped");
    // LISTEN_PID of another process; then more descriptors than are open.
    let script = "exec 3</etc/hostname; LISTEN_PID=1 LISTEN_FDS=1 $M start";
    fixture.shell(script);
    assert!(open_files(fixture.pid()).contains(&(3, "/dev/null".to_owned())));
    fixture.check(&["stop"], 0, "stopped");
    let article = example("article").display().to_string();
    let output = fixture.shell(&format!(
        "XDG_RUNTIME_DIR=$PWD LISTEN_PID=$$ LISTEN_FDS=9999 {article} start && XDG_RUNTIME_DIR=$PWD {article} stop"
    ));
    assert_eq!(output.code, Some(0), "{output:?}");
}

#[test]
fn other_variables_are_kept() {
    let fixture = Fixture::new();
    let output = fixture.shell(
        "export LISTEN_ADDR=a WATCHDOG_DEVICE=b NOTIFY_SOCKETS=c
         $M --check 'test $LISTEN_ADDR$WATCHDOG_DEVICE$NOTIFY_SOCKETS = abc' start",
    );
    assert_eq!(output.code, Some(0), "{output:?}");
}

#[test]
fn init_daemon_makes_a_daemon() {
    let fixture = Fixture::new();
    let init_daemon = example("init_daemon").display().to_string();
    let output = fixture.shell(&format!(
        "umask 000; exec env --block-signal=TERM {init_daemon} 9</etc/hostname <&-"
    ));
    assert_eq!(output.code, Some(0), "{output:?}");
    let [pid] = fixture.processes()[..] else {
        panic!("{:?}", fixture.processes())
    };
    let files = open_files(pid);
    for fd in [0, 1, 2, 9] {
        assert!(files.contains(&(fd, "/dev/null".to_owned())), "{files:?}");
    }
    // Also the descriptors that the tests themselves inherited.
    assert!(
        files.iter().all(|(_, target)| target == "/dev/null"),
        "{files:?}"
    );
    assert_eq!(status_line(pid, "Umask"), "0022");
    assert_eq!(
        fs::read_link(format!("/proc/{pid}/cwd")).unwrap().to_str(),
        Some("/")
    );
    let process = open_process(pid);
    kill(pid, Signal::SIGTERM);
    wait_for_end(&process);
}

#[test]
fn a_process_with_threads_is_refused() {
    // The test harness has several threads.
    let fixture = Fixture::new();
    let threads = |error| matches!(error, Error::Threads { .. });
    let daemon = Daemon::new("refused").pidfile(fixture.pidfile());
    assert!(daemon.start(|_| Ok::<(), String>(())).is_err_and(threads));
    assert!(daemon.run(|_| Ok::<(), String>(())).is_err_and(threads));
    assert!(sampled_daemon::detach().is_err_and(threads));
    assert!(sampled_daemon::settle().is_err_and(threads));
    assert!(Notify::from_env().is_err_and(threads));
}

#[test]
fn it_changes_user_and_group() {
    if !root("cannot become nobody") {
        return;
    }
    let fixture = Fixture::new();
    // nobody cannot remove the pidfile from a directory of root's, and empties it.
    for _ in 0..2 {
        let home = "test \"$HOME $USER $LOGNAME\" = \"/nonexistent nobody nobody\"";
        let pid = fixture.start(&["--user", "nobody", "--check", home]);
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
        fixture.check(&["stop"], 0, "stopped");
        assert_eq!(fs::read_to_string(fixture.pidfile()).unwrap(), "");
        fixture.check(&["status"], 3, "not running");
    }
    fixture.check(&["--user", "nobody-of-that-name", "start"], 1, "");
}
