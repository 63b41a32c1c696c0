//! `run`: in the foreground, in a terminal, under a script or a supervisor.

use std::fs;
use std::io::Write;
use std::process::{Child, Stdio};

use nix::unistd::{Pid, getsid};

use super::support::*;

/// A script in a session of its own, with a controlling terminal. The test writes the keys.
struct Terminal {
    fixture: Fixture,
    script: Child,
}

impl Terminal {
    /// `script` may use `$M` and `$READY`, a command that lets the test continue.
    fn run(script: &str) -> Self {
        let fixture = Fixture::new();
        let begun = fixture.fifo("begun");
        let mut terminal = fixture.command("script");
        terminal
            .args(["--quiet", "--return", "--command", script, "/dev/null"])
            .env("READY", format!("echo > {}", begun.display()))
            .stdin(Stdio::piped());
        let script = terminal.spawn().unwrap();
        fixture.wait_for_fifo(&begun, &script);
        // reload waits until the daemon is ready.
        fixture.check(&["reload"], 0, "reloads");
        Self { fixture, script }
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
fn run_resets_the_mask_the_signals_and_the_session() {
    let fixture = Fixture::new();
    let fifo = fixture.fifo("ready");
    let script = format!(
        "umask 077; env --block-signal=USR1 $M --check 'echo > {}' run; true",
        fifo.display()
    );
    let mut shell = fixture.command("sh").args(["-c", &script]).spawn().unwrap();
    // The check blocks in open(2) of the FIFO until the test reads it.
    fixture.wait_for_fifo(&fifo, &shell);
    // reload waits until the daemon is ready.
    fixture.check(&["reload"], 0, "reloads");
    let pid = fixture.pid();
    assert_eq!(status_line(pid, "Umask"), "0022");
    assert_eq!(status_line(pid, "SigBlk"), "0000000000000000");
    assert_eq!(open_files(pid)[0].1, "/dev/null");
    assert_eq!(session(pid), pid);
    fixture.check(&["run"], 1, "");
    fixture.check(&["stop"], 0, "stopped");
    shell.wait().unwrap();
    assert!(!fixture.pidfile().exists());
}

#[test]
fn ctrl_c_reaches_it_under_a_script() {
    let mut terminal = Terminal::run("sh -c '$M --check \"$READY\" run; echo status $?'");
    let process = open_process(terminal.fixture.pid());
    terminal.press(3);
    wait_for_end(&process);
    let Terminal { fixture, script } = terminal;
    // The shell got the same Ctrl-C.
    let output = finish(script);
    assert!(!output.out.contains("mydaemon:"), "{output:?}");
    fixture.assert_nothing_left();
}

#[test]
fn other_processes_of_an_inherited_session_survive_sigkill() {
    // The daemon inherits its group and its session, and leads neither.
    let script = "sh -c 'sleep 1000 & $M --ignore-stop true --check \"$READY\" run; wait'";
    let terminal = Terminal::run(script);
    let pid = terminal.fixture.pid();
    assert_ne!(session(pid), pid);
    terminal
        .fixture
        .check(&["--stop-timeout", "0.2", "stop"], 0, "killed");
    let left = terminal.fixture.processes();
    let is_sleep = |pid: &&i32| {
        let name = fs::read_to_string(format!("/proc/{pid}/comm"));
        name.is_ok_and(|name| name == "sleep\n")
    };
    assert_eq!(left.iter().filter(is_sleep).count(), 1, "{left:?}");
}

#[test]
fn without_a_terminal_it_has_a_session_of_its_own() {
    let fixture = Fixture::new();
    let begun = fixture.fifo("begun");
    let check = format!("sleep 1000 & echo > {}", begun.display());
    let script = format!("$M --ignore-stop true --check '{check}' run; true");
    let mut shell = fixture.command("setsid");
    let mut shell = shell.args(["sh", "-c", &script]).spawn().unwrap();
    fixture.wait_for_fifo(&begun, &shell);
    fixture.check(&["reload"], 0, "reloads");
    let pid = fixture.pid();
    assert_eq!(session(pid), pid);
    // Its session is its own, so SIGKILL reaches its children.
    fixture.check(&["--stop-timeout", "0.2", "stop"], 0, "killed");
    shell.wait().unwrap();
    assert_eq!(fixture.processes(), [0; 0]);
}

#[test]
fn an_ignored_sighup_stays_ignored() {
    let fixture = Fixture::new();
    let begun = fixture.fifo("begun");
    let check = format!("echo > {}", begun.display());
    let script = format!("exec env --ignore-signal=HUP,USR1 $M --check '{check}' run");
    let mut shell = fixture.command("sh");
    let mut daemon = shell.args(["-c", &script]).spawn().unwrap();
    fixture.wait_for_fifo(&begun, &daemon);
    fixture.check(&["reload"], 0, "reloads");
    let ignored = status_line(fixture.pid(), "SigIgn");
    let ignored = u64::from_str_radix(&ignored, 16).unwrap();
    // SIGHUP is 1, SIGUSR1 is 10.
    assert_eq!(ignored & 0x201, 1, "{ignored:x}");
    fixture.check(&["stop"], 0, "stopped");
    daemon.wait().unwrap();
}

#[test]
fn it_changes_user_and_group() {
    if !root("cannot become nobody") {
        return;
    }
    let fixture = Fixture::new();
    let begun = fixture.fifo("begun");
    nix::unistd::chown(&begun, Some(65534.into()), None).unwrap();
    let check = format!(
        "test \"$HOME $USER $LOGNAME\" = \"/nonexistent nobody nobody\" && echo > {}",
        begun.display()
    );
    fs::set_permissions(
        fixture.path(""),
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
    let daemon = fixture.mydaemon(&options).spawn().unwrap();
    fixture.wait_for_fifo(&begun, &daemon);
    fixture.check(&["reload"], 0, "reloads");
    let pid = fixture.pid();
    assert_eq!(status_line(pid, "Uid"), "65534\t65534\t65534\t65534");
    let limits = fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
    let core = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max core file size"));
    assert_eq!(core.unwrap().split_whitespace().next(), Some("0"));
    fixture.check(&["stop"], 0, "stopped");
    finish(daemon);
    // nobody cannot remove the pidfile from a directory of root's, and empties it.
    assert_eq!(fs::read_to_string(fixture.pidfile()).unwrap(), "");
}

#[test]
fn an_ordinary_user_cannot_become_root() {
    if !root("cannot be an ordinary user first") {
        return;
    }
    let fixture = Fixture::new();
    for command in ["run", "start"] {
        let output = fixture.run_as_nobody(&format!("--user root {command}"));
        assert_eq!(output.code, Some(4), "{output:?}");
        assert!(
            output
                .err
                .ends_with("mydaemon: cannot become root: initgroups: operation not permitted\n"),
            "{output:?}"
        );
        assert!(!fixture.pidfile().exists());
    }
}
