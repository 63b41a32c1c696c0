//! `run`: in the foreground, under a terminal, a script or a supervisor.

use std::fs;
use std::io::Write;
use std::process::{Child, Stdio};

use nix::unistd::{Pid, getsid};

use super::support::*;

/// A script in a session of its own, with a controlling terminal that the test types on.
struct Terminal {
    place: Place,
    script: Child,
}

impl Terminal {
    /// `script` may use `$M` and `$READY`, a command that tells the test to go on.
    fn run(script: &str) -> Self {
        let place = Place::new();
        let begun = place.fifo("begun");
        let mut terminal = place.command("script");
        terminal
            .args(["--quiet", "--return", "--command", script, "/dev/null"])
            .env("READY", format!("echo > {}", begun.display()))
            .stdin(Stdio::piped());
        let script = terminal.spawn().unwrap();
        place.await_fifo(&begun, &script);
        // Waits until it is ready.
        place.check(&["reload"], 0, "reloads");
        Self { place, script }
    }

    fn press(&mut self, key: u8) {
        self.script
            .stdin
            .as_mut()
            .unwrap()
            .write_all(&[key])
            .unwrap();
    }
}

fn session(pid: i32) -> i32 {
    getsid(Some(Pid::from_raw(pid))).unwrap().as_raw()
}

#[test]
fn it_cleans_up() {
    let place = Place::new();
    let fifo = place.fifo("ready");
    let script = format!(
        "umask 077; env --block-signal=USR1 $M --check 'echo > {}' run; true",
        fifo.display()
    );
    let mut shell = place.command("sh").args(["-c", &script]).spawn().unwrap();
    // Opening the fifo waits for the other end, and the check for us.
    place.await_fifo(&fifo, &shell);
    // Waits until it is ready; while it starts a child, it has more signals blocked than it will have.
    place.check(&["reload"], 0, "reloads");
    let pid = place.pid();
    assert_eq!(status_line(pid, "Umask"), "0022");
    assert_eq!(status_line(pid, "SigBlk"), "0000000000004003");
    assert_eq!(open_files(pid)[0].1, "/dev/null");
    assert_eq!(session(pid), pid);
    place.check(&["run"], 1, "");
    place.check(&["stop"], 0, "stopped");
    shell.wait().unwrap();
    assert!(!place.pidfile().exists());
}

#[test]
fn ctrl_c_reaches_it_under_a_script() {
    let mut terminal = Terminal::run("sh -c '$M --check \"$READY\" run; echo status $?'");
    let process = hold(terminal.place.pid());
    terminal.press(3);
    wait_for_end(&process);
    let Terminal { place, script } = terminal;
    // The shell got the same Ctrl-C.
    let said = finish(script);
    assert!(!said.out.contains("mydaemon:"), "{said:?}");
    place.assert_nothing_left();
}

#[test]
fn what_runs_beside_it_outlives_its_kill() {
    // A group and session that it was merely started in.
    let script = "sh -c 'sleep 1000 & $M --ignore SIGTERM --check \"$READY\" run; wait'";
    let terminal = Terminal::run(script);
    let pid = terminal.place.pid();
    assert_ne!(session(pid), pid);
    terminal
        .place
        .check(&["--stop-timeout", "0.2", "stop"], 0, "killed");
    let beside = terminal.place.processes();
    let is_sleep = |pid: &&i32| {
        let name = fs::read_to_string(format!("/proc/{pid}/comm"));
        name.is_ok_and(|name| name == "sleep\n")
    };
    assert_eq!(beside.iter().filter(is_sleep).count(), 1, "{beside:?}");
}

#[test]
fn without_a_terminal_it_has_a_session_of_its_own() {
    let place = Place::new();
    let begun = place.fifo("begun");
    let check = format!("sleep 1000 & echo > {}", begun.display());
    let script = format!("$M --ignore SIGTERM --check '{check}' run; true");
    let mut shell = place.command("setsid");
    let mut shell = shell.args(["sh", "-c", &script]).spawn().unwrap();
    place.await_fifo(&begun, &shell);
    place.check(&["reload"], 0, "reloads");
    let pid = place.pid();
    assert_eq!(session(pid), pid);
    // So that its children are its own.
    place.check(&["--stop-timeout", "0.2", "stop"], 0, "killed");
    shell.wait().unwrap();
    assert_eq!(place.processes(), [0; 0]);
}

#[test]
fn nohup_is_left_in_force() {
    let place = Place::new();
    let begun = place.fifo("begun");
    let check = format!("echo > {}", begun.display());
    let script = format!("exec env --ignore-signal=HUP,USR1 $M --check '{check}' run");
    let mut shell = place.command("sh");
    let mut daemon = shell.args(["-c", &script]).spawn().unwrap();
    place.await_fifo(&begun, &daemon);
    place.check(&["reload"], 0, "reloads");
    let ignored = status_line(place.pid(), "SigIgn");
    let ignored = u64::from_str_radix(&ignored, 16).unwrap();
    // SIGHUP is 1, SIGUSR1 is 10.
    assert_eq!(ignored & 0x201, 1, "{ignored:x}");
    place.check(&["stop"], 0, "stopped");
    daemon.wait().unwrap();
}

#[test]
fn it_becomes_somebody_else() {
    if !root("cannot become nobody") {
        return;
    }
    let place = Place::new();
    let begun = place.fifo("begun");
    nix::unistd::chown(&begun, Some(65534.into()), None).unwrap();
    let check = format!(
        "test \"$HOME $USER $LOGNAME\" = \"/nonexistent nobody nobody\" && echo > {}",
        begun.display()
    );
    fs::set_permissions(
        place.path(""),
        std::os::unix::fs::PermissionsExt::from_mode(0o755),
    )
    .unwrap();
    let options = [
        "--user",
        "nobody",
        "--core-limit",
        "0",
        "--check",
        &check,
        "run",
    ];
    let daemon = place.mydaemon(&options).spawn().unwrap();
    place.await_fifo(&begun, &daemon);
    place.check(&["reload"], 0, "reloads");
    let pid = place.pid();
    assert_eq!(status_line(pid, "Uid"), "65534\t65534\t65534\t65534");
    let limits = fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
    let core = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max core file size"));
    assert_eq!(core.unwrap().split_whitespace().next(), Some("0"));
    place.check(&["stop"], 0, "stopped");
    finish(daemon);
    // It may not remove its file from a directory of root's.
    assert_eq!(fs::read_to_string(place.pidfile()).unwrap(), "");
}

#[test]
fn a_user_that_it_may_not_become_is_refused() {
    if !root("cannot be an ordinary user first") {
        return;
    }
    let place = Place::new();
    for verb in ["run", "start"] {
        let said = place.say_as_nobody(&format!("--user root {verb}"));
        assert_eq!(said.code, Some(1), "{said:?}");
        assert!(
            said.err
                .ends_with("mydaemon: cannot become root: initgroups: operation not permitted\n"),
            "{said:?}"
        );
        assert!(!place.pidfile().exists());
    }
}
